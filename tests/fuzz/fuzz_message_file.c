/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message file: names and values are what a header field may hold, what is
 * put together again reads as the same, and no line of a body lacks its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/message_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static bool
equal(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

/* The header goes to again as it would be sent; in is the body then. */
static void
read_header(struct span *in, struct buf *again)
{
	struct span name, raw;

	while (message_file_field(in, &name, &raw)) {
		struct buf value = { 0 };

		must(name.n > 0 && memchr(name.p, ':', name.n) == NULL);
		for (size_t i = 0; i < name.n; i++)
			must(name.p[i] > ' ' && name.p[i] < 0x7f);
		message_file_value(&value, raw);
		must(memchr(value.p, '\0', value.n) == NULL);
		for (size_t i = 0; i < value.n; i++)
			must(value.p[i] != '\n' || value.p[i + 1] == ' ' ||
			     value.p[i + 1] == '\t');
		buf_put(again, name.p, name.n);
		buf_char(again, ':');
		buf_put(again, value.p, value.n);
		buf_char(again, '\n');
		buf_finish(&value);
	}
	buf_char(again, '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = { 0 }, second = { 0 }, body = { 0 }, same = { 0 };
	struct span in = { (const char *)data, size };

	message_file_begin(&in);
	read_header(&in, &first);
	message_file_body(&body, in);
	must(body.n == 0 || memcmp(body.p + body.n - 2, "\r\n", 2) == 0);
	message_file_body(&same, (struct span){ body.p, body.n });
	must(equal(&body, &same));
	in = (struct span){ first.p, first.n };
	read_header(&in, &second);
	/* of a CR at an end only the last belongs to the line's end */
	if (memchr(first.p, '\r', first.n) == NULL)
		must(in.n == 0 && equal(&first, &second));
	buf_finish(&first);
	buf_finish(&second);
	buf_finish(&body);
	buf_finish(&same);
	return 0;
}
