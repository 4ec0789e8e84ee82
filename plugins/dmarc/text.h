/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with a length, borrowed: records of the DNS are no C strings. */
#ifndef DMARC_TEXT_H
#define DMARC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char *p;
	size_t n;
};

struct text text_of(const char *);
struct text text_trim(struct text); /* blanks and tabs */
/* Cut off what stands before the first c, and c; all if there is none. */
struct text text_cut(struct text *, char c);
bool text_is(struct text, const char *word); /* in any case */

#endif
