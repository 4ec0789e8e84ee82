/* SPDX-License-Identifier: Apache-2.0 */
#include "command/message_file.h"

#include <string.h>

/* The next line without its end; bytes of it with its end in *whole. */
static struct span
line_at(struct span in, size_t *whole)
{
	const char *lf = in.n > 0 ? memchr(in.p, '\n', in.n) : NULL;
	struct span line = { in.p, lf != NULL ? (size_t)(lf - in.p) : in.n };

	*whole = line.n + (lf != NULL);
	if (lf != NULL && line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void
advance(struct span *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

void
message_file_begin(struct span *in)
{
	size_t whole;

	if (in->n < 5 || memcmp(in->p, "From ", 5) != 0)
		return;
	line_at(*in, &whole);
	advance(in, whole);
}

/* Up to the colon, or an empty span (RFC 5322, 2.2; blanks before it: 4.5) */
static struct span
field_name(struct span line)
{
	size_t n = 0, end;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	end = n;
	while (end < line.n && (line.p[end] == ' ' || line.p[end] == '\t'))
		end++;
	if (end == line.n || line.p[end] != ':')
		n = 0;
	return (struct span){ line.p, n };
}

bool
message_file_field(struct span *in, struct span *name, struct span *raw)
{
	size_t whole;
	struct span line = line_at(*in, &whole);
	struct span found = field_name(line);
	const char *value, *end;

	if (found.n == 0) {
		if (line.n == 0)
			advance(in, whole);
		return false;
	}
	value = memchr(found.p + found.n, ':', line.n - found.n);
	value++;
	do {
		end = line.p + line.n;
		advance(in, whole);
		line = line_at(*in, &whole);
	} while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'));
	*name = found;
	*raw = (struct span){ value, (size_t)(end - value) };
	return true;
}

void
message_file_value(struct buf *b, struct span raw)
{
	buf_put(b, "", 0);
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\0')
			continue;
		if (raw.p[i] == '\r' && i + 1 < raw.n && raw.p[i + 1] == '\n')
			continue;
		buf_char(b, raw.p[i]);
	}
}

void
message_file_body(struct buf *b, struct span in)
{
	buf_put(b, "", 0);
	while (in.n > 0) {
		size_t whole;
		struct span line = line_at(in, &whole);

		buf_put(b, line.p, line.n);
		buf_put(b, "\r\n", 2);
		advance(&in, whole);
	}
}
