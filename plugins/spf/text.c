/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

struct span
span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

bool
text_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
span_is(struct span s, const char *word)
{
	if (s.n != strlen(word))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (text_lower(s.p[i]) != text_lower(word[i]))
			return false;
	return true;
}

struct span
span_cut(struct span *s, char c)
{
	const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;
	struct span cut = *s;

	if (at == NULL) {
		s->p += s->n;
		s->n = 0;
		return cut;
	}
	cut.n = (size_t)(at - s->p);
	s->p += cut.n + 1;
	s->n -= cut.n + 1;
	return cut;
}

void
text_char(struct text *t, char c)
{
	if (t->n + 1 >= t->size) {
		t->cut = true;
		if (t->keep == 0)
			return;
		memmove(t->p, t->p + t->n - t->keep, t->keep);
		t->n = t->keep;
	}
	t->p[t->n++] = c;
	t->p[t->n] = '\0';
}

void
text_span(struct text *t, struct span s)
{
	t->p[t->n] = '\0';
	for (size_t i = 0; i < s.n; i++)
		text_char(t, s.p[i]);
}

void
text_string(struct text *t, const char *s)
{
	text_span(t, span_of(s));
}

void
text_number(struct text *t, unsigned long number)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_span(t, (struct span){ digits + n, sizeof(digits) - n });
}

void
text_clean(struct text *t, struct span s)
{
	t->p[t->n] = '\0';
	for (size_t i = 0; i < s.n; i++)
		text_char(t, s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}
