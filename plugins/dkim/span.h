/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes inside somebody else's text. */
#ifndef DKIM_SPAN_H
#define DKIM_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *p;
	size_t n;
};

static inline struct span
span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static inline bool
span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static inline bool
span_same(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Blanks of a header field: folds come as LF and a blank. */
static inline bool
span_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct span
span_trim(struct span s)
{
	while (s.n > 0 && span_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && span_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/*
 * Cut what stands before the next separator off the front of *in.  The last
 * part has no separator behind it: in->p is NULL after it.
 */
static inline struct span
span_cut(struct span *in, char separator)
{
	const char *end = in->n > 0 ? memchr(in->p, separator, in->n) : NULL;
	struct span part = *in;

	if (end == NULL) {
		*in = (struct span){ NULL, 0 };
		return part;
	}
	part.n = (size_t)(end - in->p);
	in->p = end + 1;
	in->n -= part.n + 1;
	return part;
}

#endif
