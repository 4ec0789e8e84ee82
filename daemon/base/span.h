/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes with a length, borrowed from somebody: mail is not a C string.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *p;
	size_t n;
};

struct span span_of(const char *); /* NULL is empty */
bool span_equal(struct span, struct span);
bool span_equal_nocase(struct span, struct span); /* ASCII */
bool span_ends_nocase(struct span, struct span tail);
struct span span_trim(struct span); /* blanks, tabs, CR, LF at both ends */
/* Cut off what stands before the first c, and c; all if there is none. */
struct span span_cut(struct span *, char c);

#endif
