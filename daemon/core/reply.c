/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reply.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* ".N" of 1 to 3 digits without a leading zero (RFC 3464, 2.3.4). */
static const char *
number(const char *p)
{
	size_t n = 0;

	if (p == NULL || *p++ != '.')
		return NULL;
	while (n < 4 && is_digit(p[n]))
		n++;
	if (n < 1 || n > 3 || (n > 1 && p[0] == '0'))
		return NULL;
	return p + n;
}

static bool
dsn_ok(int32_t code, const char *dsn, const char **why)
{
	const char *end = dsn[0] != '\0' ? number(number(dsn + 1)) : NULL;

	if (end == NULL || *end != '\0') {
		*why = "the enhanced code is not like 5.7.1";
		return false;
	}
	if (dsn[0] != (char)('0' + code / 100)) {
		*why = "the enhanced code is of another class than the code";
		return false;
	}
	return true;
}

/* libmilter wants each "%" twice, and counts both. */
static size_t
weight(char c)
{
	return c == '%' ? 2 : 1;
}

static const char *
line_fault(struct span line)
{
	size_t n = 0;

	if (line.n == 0)
		return "a line of the text is empty";
	for (size_t i = 0; i < line.n; i++) {
		if (!is_printable(line.p[i]))
			return "the text has a byte that is no printable ASCII";
		n += weight(line.p[i]);
	}
	if (n > REPLY_LINE_BYTES)
		return "a line of the text is over 980 bytes (a % counts "
		       "twice)";
	return NULL;
}

static bool
text_ok(const char *text, const char **why)
{
	struct span left = span_of(text);
	bool more = true;

	*why = NULL;
	for (int lines = 1; more && *why == NULL; lines++) {
		struct span line;

		more = left.n > 0 && memchr(left.p, '\n', left.n) != NULL;
		line = span_cut(&left, '\n');
		*why = lines > REPLY_LINES ? "the text is over 32 lines"
					   : line_fault(line);
	}
	return *why == NULL;
}

bool
reply_set(struct reply *out, struct arena *arena, int32_t code, const char *dsn,
    const char *text, const char **why)
{
	if (code < 400 || code > 599) {
		*why = "the code is not from 400 to 599";
		return false;
	}
	if (dsn == NULL)
		dsn = code < 500 ? "4.7.1" : "5.7.1";
	if (!dsn_ok(code, dsn, why) || !text_ok(text, why))
		return false;
	out->code = (uint16_t)code;
	out->dsn = arena_copy(arena, dsn);
	out->text = arena_copy(arena, text);
	return true;
}

static void
put_clean(struct buf *b, struct span line)
{
	size_t room = REPLY_LINE_BYTES;

	for (size_t i = 0; i < line.n; i++) {
		char c = is_printable(line.p[i]) ? line.p[i] : '?';

		if (weight(c) > room)
			return;
		room -= weight(c);
		buf_char(b, c);
	}
}

const char *
reply_clean(struct arena *arena, const char *text)
{
	struct span left = span_of(text);
	struct buf b = { 0 };
	const char *clean;
	int lines = 0;

	while (left.n > 0 && lines < REPLY_LINES) {
		struct span line = span_cut(&left, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			continue;
		if (lines++ > 0)
			buf_char(&b, '\n');
		put_clean(&b, line);
	}
	clean = arena_copy(arena, b.n > 0 ? b.p : "?");
	buf_finish(&b);
	return clean;
}
