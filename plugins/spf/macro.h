/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macro strings (RFC 7208, 7): their syntax, and what they stand for.  Pure:
 * what a letter means is handed in.
 */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Where a macro string stands decides what may be in it. */
enum macro_place {
	MACRO_DOMAIN,      /* domain-spec: must end like a name; no c, r, t */
	MACRO_MODIFIER,    /* value of an unknown modifier */
	MACRO_EXPLANATION, /* explain-string: blanks too */
};

/* NULL, or what is wrong with its syntax.  A domain-spec is never empty. */
const char *macro_fault(struct span, enum macro_place);

/* Does it have that letter, a to z, in either case?  It has no fault. */
bool macro_uses(struct span, char letter);

/* What the letters stand for: of['s' - 'a'] is %{s}. */
struct macro_values {
	struct span of[26];
};

/*
 * Expand a string without fault, in time proportional to what comes out.
 * False if a value holds what is no printable ASCII: such a name is in no
 * zone (RFC 8616, 4), and such a text is not to be shown.
 */
bool macro_expand(struct span, const struct macro_values *, struct text *);

#endif
