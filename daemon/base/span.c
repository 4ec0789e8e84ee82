/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <string.h>
#include <strings.h>

struct span
span_of(const char *text)
{
	if (text == NULL)
		text = "";
	return (struct span){ text, strlen(text) };
}

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Not tolower(): what a mail means must not hang on the locale. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
span_ends_nocase(struct span s, struct span tail)
{
	if (tail.n > s.n)
		return false;
	if (tail.n == 0)
		return true;
	s.p += s.n - tail.n;
	s.n = tail.n;
	return span_equal_nocase(s, tail);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

struct span
span_cut(struct span *s, char c)
{
	const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;
	struct span head = *s;

	if (at != NULL)
		head.n = (size_t)(at - s->p);
	if (s->n > 0)
		s->p += head.n + (at != NULL);
	s->n -= head.n + (at != NULL);
	return head;
}
