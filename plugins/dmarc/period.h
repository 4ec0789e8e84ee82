/* SPDX-License-Identifier: Apache-2.0 */
/* The time that a report is about.  Pure. */
#ifndef DMARC_PERIOD_H
#define DMARC_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "2026-01-31", "2026-01-31T12:00" (UTC), "36h", "2d" before now, in seconds.
 * False: it is no time.
 */
bool period_parse(const char *, int64_t now, int64_t *out);

/*
 * From begin to end, end not included.  since and until may be NULL: without
 * either it is the last whole day (UTC) before now, which is what reports are
 * made of; without until, up to now; without since, the day before until.
 * NULL, or what is wrong.
 */
const char *period_set(const char *since, const char *until, int64_t now,
    int64_t *begin, int64_t *end);

#endif
