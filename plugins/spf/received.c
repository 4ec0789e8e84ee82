/* SPDX-License-Identifier: Apache-2.0 */
#include "received.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_blanks(struct span *s)
{
	while (s->n > 0 && is_blank(s->p[0])) {
		s->p++;
		s->n--;
	}
}

static struct span
cut_word(struct span *s)
{
	struct span word = { s->p, 0 };

	while (word.n < s->n && !is_blank(s->p[word.n]))
		word.n++;
	s->p += word.n;
	s->n -= word.n;
	return word;
}

/* A comment with those inside it, without its own parentheses. */
static bool
cut_comment(struct span *s, struct span *inside)
{
	size_t depth = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '(') {
			depth++;
		} else if (s->p[i] == ')' && --depth == 0) {
			*inside = (struct span){ s->p + 1, i - 1 };
			s->p += i + 1;
			s->n -= i + 1;
			return true;
		}
	}
	return false;
}

static bool
starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && span_is((struct span){ s.p, n }, word);
}

/* "192.0.2.7" or "IPv6:2001:db8::7", as between the brackets. */
static bool
parse_literal(struct span s, struct address *a)
{
	if (starts(s, "IPv6:")) {
		s.p += 5;
		s.n -= 5;
	}
	return address_parse(s, a);
}

/* The first "[address]". */
static bool
find_bracketed(struct span s, struct address *a)
{
	while (s.n > 0) {
		struct span rest;

		span_cut(&s, '[');
		rest = s;
		if (memchr(s.p, ']', s.n) == NULL)
			return false;
		if (parse_literal(span_cut(&rest, ']'), a))
			return true;
	}
	return false;
}

/* A comment that is an address and nothing else. */
static bool
is_bare(struct span s, struct address *a)
{
	skip_blanks(&s);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return parse_literal(s, a);
}

/* Exim's "helo=name" in the comment that has the address. */
static void
find_helo(struct span s, struct span *helo)
{
	while (s.n > 0) {
		struct span word;

		skip_blanks(&s);
		word = cut_word(&s);
		if (starts(word, "helo=")) {
			*helo = (struct span){ word.p + 5, word.n - 5 };
			return;
		}
	}
}

/* True: the comment tells the address. */
static bool
read_comment(struct span comment, struct received *r)
{
	/* qmail: "(HELO name)", a name that the client chose. */
	if (starts(comment, "HELO ") || starts(comment, "EHLO ")) {
		r->helo = (struct span){ comment.p + 5, comment.n - 5 };
		return false;
	}
	if (starts(comment, "helo=")) {
		find_helo(comment, &r->helo);
		return false;
	}
	if (!find_bracketed(comment, &r->client))
		return is_bare(comment, &r->client);
	find_helo(comment, &r->helo);
	return true;
}

/*
 * "from NAME (comment) ... by": NAME is the client's own word, so an address
 * in it counts only where no comment tells one.
 */
bool
received_parse(struct span value, struct received *out)
{
	struct received r = { .helo = { NULL, 0 } };
	struct span name, word, comment;
	bool found = false;

	skip_blanks(&value);
	if (!span_is(cut_word(&value), "from"))
		return false;
	skip_blanks(&value);
	name = cut_word(&value);
	r.helo = name;
	while (!found) {
		skip_blanks(&value);
		if (value.n > 0 && value.p[0] == '(') {
			if (!cut_comment(&value, &comment))
				return false;
			found = read_comment(comment, &r);
			continue;
		}
		word = cut_word(&value);
		if (word.n == 0 || span_is(word, "by"))
			break;
	}
	if (!found && !find_bracketed(name, &r.client))
		return false;
	*out = r;
	return true;
}
