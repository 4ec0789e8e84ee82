/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_us(void);   /* since 1970, may jump */
int64_t clock_steady_us(void); /* since boot, never goes back */
/* "2026-01-31T23:59:59.123Z"; text: at least 32 bytes. */
void clock_format(int64_t wall_us, char *text);
/*
 * "2026-01-31", "2026-01-31T12:00" and what clock_format writes (all UTC);
 * "30s", "10m", "3h", "2d", "1w" (ago).  -1: neither.
 */
int64_t clock_parse_since(const char *, int64_t now_us);

#endif
