/* SPDX-License-Identifier: Apache-2.0 */
/* Input: HTML in any bytes; what is seen stays UTF-8 within its limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/charset.h"
#include "service/content_html.h"

enum { LIMIT = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must_be_utf8(struct span s)
{
	uint32_t code;

	while (s.n > 0) {
		size_t n = utf8_next(s, &code);

		if (n == 0 || code == 0)
			abort();
		s = (struct span){ s.p + n, s.n - n };
	}
}

static void
on_link(void *arg, struct span url, struct span shown)
{
	(void)arg;
	must_be_utf8(url);
	must_be_utf8(shown);
	if (url.n == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf utf8 = { 0 }, text = { 0 };
	struct content_text seen = { .out = &text, .limit = LIMIT };
	struct content_html h = { .text = &seen, .link = on_link };

	charset_decode(
	    "utf-8", (struct span){ (const char *)data, size }, size, &utf8);
	if (utf8.n > 0)
		content_html_strip(&h, (struct span){ utf8.p, utf8.n });
	if (text.n > LIMIT)
		abort();
	must_be_utf8((struct span){ text.p, text.n });
	buf_finish(&utf8);
	buf_finish(&text);
	return 0;
}
