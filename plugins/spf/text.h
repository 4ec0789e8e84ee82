/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from outside, and text that is put together within bounds.  Pure:
 * knows neither mail nor the daemon.
 */
#ifndef SPF_TEXT_H
#define SPF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *p;
	size_t n;
};

/*
 * What is written goes to p and stays a C string.  What does not fit is
 * left out; with keep > 0 the front goes instead, and of it all but the last
 * keep bytes (keep < size / 2).
 */
struct text {
	char *p;
	size_t n, size; /* of p, with its NUL; at least 1 */
	size_t keep;
	bool cut; /* something was left out */
};

#define TEXT(buffer) ((struct text){ .p = (buffer), .size = sizeof(buffer) })

struct span span_of(const char *);
bool span_is(struct span, const char *word); /* in any case of letters */
/* Cut off what stands before the first c; all, if there is no c. */
struct span span_cut(struct span *, char c);

bool text_is_letter(char);
bool text_is_digit(char);
char text_lower(char);

void text_char(struct text *, char);
void text_span(struct text *, struct span);
void text_string(struct text *, const char *);
void text_number(struct text *, unsigned long);
/* As above, but what is no printable ASCII becomes a question mark. */
void text_clean(struct text *, struct span);

#endif
