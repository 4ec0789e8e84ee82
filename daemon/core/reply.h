/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP replies: the border between plugins and the MTA. */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct reply {
	uint16_t code;
	const char *dsn;
	const char *text; /* lines apart by \n */
};

enum { REPLY_LINES = 32, REPLY_LINE_BYTES = 980 };

/*
 * Check and copy.  code 400..599 (RFC 5321, 4.2); dsn NULL (a default is
 * taken) or an enhanced code (RFC 3463) of the same class as code; text: 1
 * to 32 lines of at most 980 bytes of printable ASCII (an empty line is a
 * fault; a "%" counts twice, as it is sent so through libmilter).  dsn 4.x.x
 * with 5xx is refused: Sendmail would.  False and *why (static text), *out
 * untouched, if a rule is broken.
 */
bool reply_set(struct reply *out, struct arena *, int32_t code, const char *dsn,
    const char *text, const char **why);

/*
 * Copy text so that reply_set takes it: other bytes become "?", empty lines
 * go, what is too long is cut off.
 */
const char *reply_clean(struct arena *, const char *text);

#endif
