/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_text.h"

#include "service/charset.h"

enum { BLANK = ' ', INVISIBLE = 0 };

/* Characters of Unicode that stand for others, or for nothing. */
static const struct {
	uint32_t first, last, as;
} rows[] = {
	{ 0x0000, 0x0020, BLANK },
	{ 0x007f, 0x00a0, BLANK },
	{ 0x00ad, 0x00ad, INVISIBLE }, /* soft hyphen */
	{ 0x034f, 0x034f, INVISIBLE },
	{ 0x061c, 0x061c, INVISIBLE },
	{ 0x115f, 0x1160, INVISIBLE },
	{ 0x1680, 0x1680, BLANK },
	{ 0x17b4, 0x17b5, INVISIBLE },
	{ 0x180b, 0x180e, INVISIBLE },
	{ 0x2000, 0x200a, BLANK },
	{ 0x200b, 0x200f, INVISIBLE }, /* zero width, directions */
	{ 0x2028, 0x2029, BLANK },
	{ 0x202a, 0x202e, INVISIBLE },
	{ 0x202f, 0x202f, BLANK },
	{ 0x205f, 0x205f, BLANK },
	{ 0x2060, 0x206f, INVISIBLE },
	{ 0x2800, 0x2800, BLANK },
	{ 0x3000, 0x3000, BLANK },
	{ 0x3164, 0x3164, INVISIBLE },
	{ 0xfe00, 0xfe0f, INVISIBLE }, /* variation selectors */
	{ 0xfeff, 0xfeff, INVISIBLE },
	{ 0xfff0, 0xfffc, INVISIBLE },
	{ 0xe0000, 0xe0fff, INVISIBLE },
};

/* Full-width and mathematical letters and digits, as plain ones. */
static uint32_t
plain(uint32_t code)
{
	if (code >= 0xff01 && code <= 0xff5e)
		return code - 0xff01 + '!';
	if (code >= 0x1d400 && code <= 0x1d6a3) {
		uint32_t n = (code - 0x1d400) % 52;

		return n < 26 ? 'A' + n : 'a' + n - 26;
	}
	if (code >= 0x1d7ce && code <= 0x1d7ff)
		return '0' + (code - 0x1d7ce) % 10;
	if (code >= 0x24b6 && code <= 0x24e9) { /* in circles */
		uint32_t n = code - 0x24b6;

		return n < 26 ? 'A' + n : 'a' + n - 26;
	}
	return code;
}

static uint32_t
meaning(uint32_t code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (code <= rows[i].last)
			return code >= rows[i].first ? rows[i].as : code;
	return code;
}

static bool
fits(struct content_text *t, size_t n)
{
	if (t->out->n + n <= t->limit)
		return true;
	t->full = true;
	return false;
}

void
content_text_put(struct content_text *t, uint32_t code)
{
	uint32_t c = code;

	if (code <= ' ' || code >= 0x7f) {
		c = meaning(plain(code));
		t->styled += code >= 0x80 && c > ' ' && c < 0x7f;
	}
	if (c == INVISIBLE) {
		t->hidden += !t->blank;
		return;
	}
	if (c == BLANK) {
		t->blank = true;
		return;
	}
	if (!fits(t, 5)) /* a blank and the longest character */
		return;
	if (t->blank && t->out->n > 0 && t->out->p[t->out->n - 1] != '\n')
		buf_char(t->out, ' ');
	t->blank = false;
	utf8_put(t->out, c);
}

void
content_text_add(struct content_text *t, struct span in)
{
	uint32_t code;
	size_t n;

	while (in.n > 0 && !t->full) {
		if ((n = utf8_next(in, &code)) == 0) {
			code = 0xfffd;
			n = 1;
		}
		content_text_put(t, code);
		in.p += n;
		in.n -= n;
	}
}

void
content_text_end(struct content_text *t)
{
	t->blank = false;
	if (t->out->n > 0 && t->out->p[t->out->n - 1] != '\n' && fits(t, 1))
		buf_char(t->out, '\n');
}
