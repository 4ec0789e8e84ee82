/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <millrace/text.h>

struct piece {
	const char *p;
	size_t n;
};

/* Cut a line off; false if it has no end. */
static bool
next_line(struct piece *left, struct piece *line)
{
	const char *end = left->n > 0 ? memchr(left->p, '\n', left->n) : NULL;
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - left->p);
	*line = (struct piece){ left->p, n };
	if (n > 0 && line->p[n - 1] == '\r')
		line->n--;
	left->p += n + 1;
	left->n -= n + 1;
	return true;
}

static void
skip_blanks(struct piece *s)
{
	while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->n--;
	}
}

static bool
take(struct piece *s, const char *word)
{
	size_t n = strlen(word);

	if (s->n < n || strncasecmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* At most 9 digits. */
static bool
read_count(struct piece *s, size_t *count)
{
	size_t value = 0, n = 0;

	for (; n < s->n && n < 9 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		value = value * 10 + (size_t)(s->p[n] - '0');
	*count = value;
	s->p += n;
	s->n -= n;
	return n > 0;
}

static bool
read_number(struct piece *s, double *number)
{
	char text[32], *end;
	size_t n = 0;

	while (n < s->n && s->p[n] != '\0' &&
	       strchr("+-.0123456789", s->p[n]) != NULL)
		n++;
	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s->p, n);
	text[n] = '\0';
	*number = strtod(text, &end);
	if (end != text + n || *number > REPLY_SCORE || *number < -REPLY_SCORE)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* "SPAMD/1.1 0 EX_OK"; the rest of it is the text of an error. */
static bool
read_status(struct piece l, size_t *code, struct piece *text)
{
	size_t ignored;

	if (!take(&l, "SPAMD/") || !read_count(&l, &ignored) ||
	    !take(&l, ".") || !read_count(&l, &ignored) || !take(&l, " ") ||
	    !read_count(&l, code) || (l.n > 0 && *l.p != ' '))
		return false;
	skip_blanks(&l);
	*text = l;
	return true;
}

/* "True ; 15.0 / 5.0" */
static bool
read_verdict(struct piece l, struct reply *r)
{
	r->spam = take(&l, "True") || take(&l, "Yes");
	if (!r->spam && !take(&l, "False") && !take(&l, "No"))
		return false;
	skip_blanks(&l);
	if (!take(&l, ";"))
		return false;
	skip_blanks(&l);
	if (!read_number(&l, &r->score))
		return false;
	skip_blanks(&l);
	if (!take(&l, "/"))
		return false;
	skip_blanks(&l);
	if (!read_number(&l, &r->threshold))
		return false;
	skip_blanks(&l);
	return l.n == 0;
}

/* The fields up to the empty line; both must be there. */
static enum reply_state
read_fields(struct piece *left, struct reply *r, size_t *length)
{
	bool has_length = false, has_verdict = false;
	struct piece l;

	while (next_line(left, &l)) {
		if (l.n == 0)
			return has_length && has_verdict ? REPLY_WHOLE
							 : REPLY_BAD;
		if (take(&l, "Content-length:")) {
			skip_blanks(&l);
			if (has_length || !read_count(&l, length) || l.n > 0)
				return REPLY_BAD;
			has_length = true;
		} else if (take(&l, "Spam:")) {
			skip_blanks(&l);
			if (has_verdict || !read_verdict(l, r))
				return REPLY_BAD;
			has_verdict = true;
		}
	}
	return REPLY_MORE;
}

static void
read_name(const char *p, size_t n, char out[REPLY_NAME + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < REPLY_NAME; i++) {
		char c = p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		out[len++] =
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
	}
	out[len] = '\0';
}

static bool
between_symbols(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "A,B,C", on one line or more. */
static void
read_symbols(struct piece body, struct reply *r)
{
	size_t from = 0, to;

	for (; from < body.n && r->count < REPLY_SYMBOLS; from = to + 1) {
		to = from;
		while (to < body.n && !between_symbols(body.p[to]))
			to++;
		if (to > from)
			read_name(
			    body.p + from, to - from, r->symbols[r->count++]);
	}
}

static enum reply_state
more(size_t n)
{
	return n < REPLY_HEAD_MAX ? REPLY_MORE : REPLY_BAD;
}

enum reply_state
reply_parse(const char *bytes, size_t n, struct reply *r)
{
	size_t most = n < REPLY_HEAD_MAX ? n : (size_t)REPLY_HEAD_MAX;
	struct piece left = { bytes, most }, line, text;
	size_t code, length = 0;
	enum reply_state s;

	*r = (struct reply){ .count = 0 };
	if (!next_line(&left, &line))
		return more(n);
	if (!read_status(line, &code, &text))
		return REPLY_BAD;
	if (code != 0) {
		mr_text_clean(r->error, sizeof(r->error), text.p, text.n);
		return REPLY_ERROR;
	}
	if ((s = read_fields(&left, r, &length)) != REPLY_WHOLE)
		return s == REPLY_MORE ? more(n) : s;
	if (length > REPLY_BODY_MAX)
		return REPLY_BAD;
	if (n - (size_t)(left.p - bytes) < length)
		return REPLY_MORE;
	left.n = length;
	read_symbols(left, r);
	return REPLY_WHOLE;
}
