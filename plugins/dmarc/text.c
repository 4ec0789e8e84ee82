/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>
#include <strings.h>

struct text
text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text
text_trim(struct text t)
{
	while (t.n > 0 && is_blank(t.p[t.n - 1]))
		t.n--;
	while (t.n > 0 && is_blank(t.p[0])) {
		t.p++;
		t.n--;
	}
	return t;
}

struct text
text_cut(struct text *t, char c)
{
	const char *at = t->n > 0 ? memchr(t->p, c, t->n) : NULL;
	struct text head = *t;

	if (at != NULL)
		head.n = (size_t)(at - t->p);
	t->p += head.n + (at != NULL);
	t->n -= head.n + (at != NULL);
	return head;
}

bool
text_is(struct text t, const char *word)
{
	return strlen(word) == t.n && strncasecmp(t.p, word, t.n) == 0;
}
