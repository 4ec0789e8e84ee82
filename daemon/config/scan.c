/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "config/scan.h"

static const char unquoted_stop[] = " \t\r\n\"'#={}()+,*";

static void
bad(struct scan_token *t, unsigned line, const char *why)
{
	t->type = SCAN_BAD;
	t->line = line;
	t->why = why;
}

static bool
starts(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return s->in.n >= n && memcmp(s->in.p, text, n) == 0;
}

static void
move(struct scan *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->line += s->in.p[i] == '\n';
	s->in.p += n;
	s->in.n -= n;
}

static size_t
rest_of_line(const struct scan *s)
{
	const char *end = memchr(s->in.p, '\n', s->in.n);

	return end != NULL ? (size_t)(end - s->in.p) : s->in.n;
}

/* False: a comment never ends. */
static bool
skip_blank(struct scan *s)
{
	while (s->in.n > 0) {
		const char *end;

		if (memchr(" \t\r\n", s->in.p[0], 4) != NULL) {
			move(s, 1);
		} else if (s->in.p[0] == '#' || starts(s, "//")) {
			move(s, rest_of_line(s));
		} else if (starts(s, "/*")) {
			end = memmem(s->in.p + 2, s->in.n - 2, "*/", 2);
			if (end == NULL)
				return false;
			move(s, (size_t)(end + 2 - s->in.p));
		} else {
			return true;
		}
	}
	return true;
}

static bool
is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* Length of the escape at p (which is a backslash), 0 if it is none. */
static size_t
escape_length(const char *p, size_t n, char quote)
{
	if (n < 2)
		return 0;
	if (p[1] == '\n')
		return 2;
	if (p[1] == '\r' && n > 2 && p[2] == '\n')
		return 3;
	if (quote == '\'')
		return is_control(p[1]) ? 0 : 2;
	if (p[1] == 'x')
		return n >= 4 && isxdigit((unsigned char)p[2]) &&
			       isxdigit((unsigned char)p[3]) &&
			       memcmp(p + 2, "00", 2) != 0
			   ? 4
			   : 0;
	return memchr("\\\"'ntr$", p[1], 7) != NULL ? 2 : 0;
}

static void
quoted(struct scan *s, struct scan_token *t)
{
	const char *p = s->in.p;
	size_t i = 1;

	while (i < s->in.n && p[i] != p[0]) {
		size_t n = 1;

		if (p[i] == '\n' ||
		    (p[i] == '\r' && i + 1 < s->in.n && p[i + 1] == '\n')) {
			bad(t, s->line,
			    "text is not closed: a quote is missing at its "
			    "end (\\ at the end of a line goes on in the "
			    "next)");
			return;
		}
		if (p[i] == '\\')
			n = escape_length(p + i, s->in.n - i, p[0]);
		if (n == 0) {
			bad(t, s->line,
			    "unknown escape in text: write \\\\ for a "
			    "backslash, or use single quotes");
			return;
		}
		if (n == 1 && is_control(p[i])) {
			bad(t, s->line,
			    "control character in text: write it as \\xHH");
			return;
		}
		i += n;
	}
	if (i >= s->in.n) {
		bad(t, s->line, "text is not closed: a quote is missing");
		return;
	}
	t->type = SCAN_WORD;
	t->raw = (struct span){ p, i + 1 };
	move(s, i + 1);
}

static void
unquoted(struct scan *s, struct scan_token *t)
{
	size_t n = 0;

	while (n < s->in.n && s->in.p[n] != '\0' &&
	       strchr(unquoted_stop, s->in.p[n]) == NULL &&
	       !is_control(s->in.p[n]))
		n++;
	if (n == 0) {
		if (starts(s, "+="))
			bad(t, s->line,
			    "+= is not known: write the whole list "
			    "after =");
		else if (is_control(s->in.p[0]))
			bad(t, s->line, "control character in the file");
		else
			bad(t, s->line, "text with + or * needs quotes");
		return;
	}
	t->type = SCAN_WORD;
	t->raw = (struct span){ s->in.p, n };
	move(s, n);
	if (s->in.n > 0 && (s->in.p[0] == '*' || s->in.p[0] == '+'))
		bad(t, s->line, "text with + or * needs quotes");
}

void
scan_next(struct scan *s, struct scan_token *t)
{
	unsigned line = s->line;

	*t = (struct scan_token){ .type = SCAN_END };
	if (!skip_blank(s)) {
		bad(t, line, "comment is not closed: */ is missing");
		return;
	}
	t->line = s->line;
	if (s->in.n == 0)
		return;
	if (memchr("{}()=,", s->in.p[0], 6) != NULL) {
		t->type = SCAN_MARK;
		t->mark = s->in.p[0];
		move(s, 1);
	} else if (s->in.p[0] == '"' || s->in.p[0] == '\'') {
		quoted(s, t);
	} else {
		unquoted(s, t);
	}
}

static int
hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Write what the escape at p means; quote is the kind of text it is in. */
static void
decode_escape(const char *p, char quote, struct buf *out)
{
	if (p[1] == '\n' || p[1] == '\r')
		return;
	if (quote == '\'' && p[1] != '\\' && p[1] != '\'')
		buf_put(out, p, 2);
	else if (quote == '\'')
		buf_char(out, p[1]);
	else if (p[1] == 'x')
		buf_char(out, (char)(hex(p[2]) << 4 | hex(p[3])));
	else if (p[1] == 'n')
		buf_char(out, '\n');
	else if (p[1] == 't')
		buf_char(out, '\t');
	else if (p[1] == 'r')
		buf_char(out, '\r');
	else
		buf_char(out, p[1]);
}

void
scan_decode(struct span raw, struct buf *out)
{
	char quote = raw.n > 1 ? raw.p[0] : '\0';

	buf_put(out, "", 0);
	if (quote != '"' && quote != '\'') {
		buf_put(out, raw.p, raw.n);
		return;
	}
	for (size_t i = 1; i + 1 < raw.n;) {
		size_t n = 1;

		if (raw.p[i] == '\\')
			n = escape_length(raw.p + i, raw.n - i, quote);
		if (raw.p[i] == '\\' && n > 0)
			decode_escape(raw.p + i, quote, out);
		else
			buf_char(out, raw.p[i]);
		i += n > 0 ? n : 1;
	}
}

void
scan_encode(const char *text, struct buf *out)
{
	buf_char(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n')
			buf_text(out, "\\n");
		else if (is_control(*p))
			buf_printf(out, "\\x%02x", (unsigned char)*p);
		else if (strchr("\"\\$", *p) != NULL)
			buf_printf(out, "\\%c", *p);
		else
			buf_char(out, *p);
	}
	buf_char(out, '"');
}
