/* SPDX-License-Identifier: Apache-2.0 */
/* A record that is too large for the journal, made smaller. */
#ifndef PROCESS_JOURNAL_SHORTEN_H
#define PROCESS_JOURNAL_SHORTEN_H

#include "base/arena.h"
#include "core/record.h"

/* How hard it can be tried; the last always fits. */
enum { JOURNAL_SHORTEN_STEPS = 4 };

/*
 * A copy with the most telling of its steps, recipients, symbols and edits,
 * and with long texts cut.  It lives in the arena and borrows from the
 * original.
 */
const struct record *journal_shorten(
    struct arena *, const struct record *, unsigned strength);

#endif
