/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes out is valid UTF-8 without a byte that could end a line or
 * move a terminal's cursor, whatever went in.
 */
#include "base/escape.h"

#include <stdint.h>
#include <string.h>

/*
 * Bytes of the character that s begins with, and which one; 0: no UTF-8
 * (overlong forms, surrogates and what is beyond U+10FFFF included).
 */
static size_t
character(struct span s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80   ? 1
		   : c < 0xc0 ? 0
		   : c < 0xe0 ? 2
		   : c < 0xf0 ? 3
		   : c < 0xf8 ? 4
			      : 0;

	if (n == 0 || n > s.n)
		return 0;
	*code = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		c = (unsigned char)s.p[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (c & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* Also what turns the writing direction or ends a line for Unicode. */
static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void
hex(struct buf *b, const char *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char text[4] = { '\\', 'x', digit[c >> 4], digit[c & 15] };

		buf_put(b, text, sizeof(text));
	}
}

static void
advance(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/*
 * Put what means itself in every form.  What comes next may not: *n bytes,
 * 0 if it is no UTF-8.  False: that was all.
 */
static bool
put_plain(struct buf *b, struct span *s, size_t *n, uint32_t *code)
{
	size_t run = 0;

	while (run < s->n && s->p[run] >= ' ' && s->p[run] <= '~' &&
	       s->p[run] != '"' && s->p[run] != '\\')
		run++;
	buf_put(b, s->p, run);
	advance(s, run);
	if (s->n == 0)
		return false;
	*n = character(*s, code);
	return true;
}

void
escape_log(struct buf *b, struct span s)
{
	uint32_t code;
	size_t n;

	while (put_plain(b, &s, &n, &code)) {
		if (n == 0)
			hex(b, s.p, n = 1);
		else if (is_control(code) || code == '\\')
			hex(b, s.p, n);
		else
			buf_put(b, s.p, n);
		advance(&s, n);
	}
}

static bool
is_plain(struct span s)
{
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		uint32_t code = 0;
		size_t n = character(s, &code);

		if (n == 0 || is_control(code) || code == ' ' || code == '"' ||
		    code == '=' || code == '\\')
			return false;
		advance(&s, n);
	}
	return true;
}

void
escape_logfmt(struct buf *b, struct span s)
{
	uint32_t code;
	size_t n;

	if (is_plain(s)) {
		buf_put(b, s.p, s.n);
		return;
	}
	buf_char(b, '"');
	while (put_plain(b, &s, &n, &code)) {
		if (n == 0)
			hex(b, s.p, n = 1);
		else if (is_control(code))
			hex(b, s.p, n);
		else if (code == '"' || code == '\\')
			buf_put(b, code == '"' ? "\\\"" : "\\\\", 2);
		else
			buf_put(b, s.p, n);
		advance(&s, n);
	}
	buf_char(b, '"');
}

void
escape_text(struct buf *b, struct span s)
{
	uint32_t code;
	size_t n;

	while (put_plain(b, &s, &n, &code)) {
		if (n == 0)
			buf_put(b, "\xef\xbf\xbd", 3);
		else if (is_control(code))
			buf_char(b, ' ');
		else
			buf_put(b, s.p, n);
		advance(&s, n > 0 ? n : 1);
	}
}

static void
json_character(struct buf *b, const char *p, size_t n, uint32_t code)
{
	static const char names[] = "\"\\\n\r\t";
	static const char letters[] = "\"\\nrt";
	const char *at = code < 0x80 ? memchr(names, (int)code, 5) : NULL;

	if (at != NULL) {
		buf_char(b, '\\');
		buf_char(b, letters[at - names]);
	} else if (is_control(code)) {
		buf_printf(b, "\\u%04x", code);
	} else {
		buf_put(b, p, n);
	}
}

void
escape_json(struct buf *b, struct span s)
{
	uint32_t code;
	size_t n;

	buf_char(b, '"');
	while (put_plain(b, &s, &n, &code)) {
		if (n == 0) {
			buf_put(b, "\xef\xbf\xbd", 3);
			n = 1;
		} else {
			json_character(b, s.p, n, code);
		}
		advance(&s, n);
	}
	buf_char(b, '"');
}
