/* SPDX-License-Identifier: Apache-2.0 */
#include "service/encoded_word.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "service/charset.h"

/* Converters that one value may open. */
enum { OPENINGS = 32 };

/* An encoded word, taken apart: =?charset?encoding?text?= */
struct word {
	struct span charset, text;
	bool base64;
	size_t whole; /* bytes from "=?" to "?=" */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to the next "?"; false if there is none in this line. */
static bool
cut_part(struct span *in, struct span *part, bool blanks)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != '?') {
		char c = in->p[n++];

		if (c == '\r' || c == '\n' || (is_blank(c) && !blanks))
			return false;
	}
	if (n == in->n)
		return false;
	*part = (struct span){ in->p, n };
	in->p += n + 1;
	in->n -= n + 1;
	return true;
}

/* RFC 2047, section 2. */
static bool
word_cut(struct span s, struct word *w)
{
	struct span in = s, encoding;

	if (in.n < 2 || in.p[0] != '=' || in.p[1] != '?')
		return false;
	in.p += 2;
	in.n -= 2;
	/* Blanks are not allowed in the text, but seen in the wild. */
	if (!cut_part(&in, &w->charset, false) || w->charset.n == 0 ||
	    !cut_part(&in, &encoding, false) || encoding.n != 1 ||
	    memchr("bBqQ", encoding.p[0], 4) == NULL ||
	    !cut_part(&in, &w->text, true) || in.n == 0 || in.p[0] != '=')
		return false;
	/* The language tag of RFC 2231, section 5. */
	w->charset =
	    span_cut(&(struct span){ w->charset.p, w->charset.n }, '*');
	w->base64 = encoding.p[0] == 'b' || encoding.p[0] == 'B';
	w->whole = (size_t)(in.p + 1 - s.p);
	return true;
}

size_t
encoded_word_length(struct span s)
{
	struct word w;

	return word_cut(s, &w) ? w.whole : 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static void
decode_q(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] == '=' && i + 2 < s.n &&
		    (high = hex_digit(s.p[i + 1])) >= 0 &&
		    (low = hex_digit(s.p[i + 2])) >= 0) {
			buf_char(b, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_char(b, s.p[i] == '_' ? ' ' : s.p[i]);
		}
	}
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Other characters are passed over, as RFC 2045, 6.8 says. */
static void
decode_b(struct buf *b, struct span s)
{
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
		int digit = base64_digit(s.p[i]);

		if (digit < 0)
			continue;
		bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_char(b, (char)(bits >> have & 0xff));
		}
	}
}

/* Encoded words side by side, all in one charset. */
struct run {
	struct buf bytes;
	const struct charset *charset; /* NULL: there is no run */
	iconv_t iconv;
	unsigned openings;
};

static bool
run_begin(struct run *r, const struct charset *charset)
{
	if (charset->iconv != NULL) {
		if (r->openings == OPENINGS)
			return false;
		r->openings++;
		r->iconv = iconv_open("UTF-8", charset->iconv);
		if (r->iconv == (iconv_t)-1)
			return false;
	}
	r->charset = charset;
	return true;
}

/* Some hold a letter back until they know that no accent follows. */
static void
flush(iconv_t cd, struct buf *out)
{
	char text[16], *to = text;
	size_t room = sizeof(text);

	if (iconv(cd, NULL, NULL, &to, &room) != (size_t)-1)
		buf_put(out, text, sizeof(text) - room);
}

/* What is no character becomes a byte that is no UTF-8: see escape_text. */
static void
convert(iconv_t cd, struct buf *out, struct buf *bytes)
{
	char *in = bytes->p, text[256];
	size_t left = bytes->n;

	while (left > 0) {
		char *to = text;
		size_t room = sizeof(text);
		size_t done = iconv(cd, &in, &left, &to, &room);

		buf_put(out, text, sizeof(text) - room);
		if (done != (size_t)-1)
			break;
		if (errno == E2BIG && room < sizeof(text))
			continue;
		buf_char(out, '\xff');
		in++;
		left--;
	}
	flush(cd, out);
}

static void
run_end(struct run *r, struct buf *out)
{
	if (r->charset == NULL)
		return;
	if (r->charset->iconv != NULL) {
		convert(r->iconv, out, &r->bytes);
		iconv_close(r->iconv);
	} else {
		buf_put(out, r->bytes.p, r->bytes.n);
	}
	buf_cut(&r->bytes, 0);
	r->charset = NULL;
}

/* False, and nothing changed: it stays as it is. */
static bool
run_add(struct run *r, struct buf *out, const struct word *w)
{
	const struct charset *charset = charset_find(w->charset);
	struct buf bytes = { 0 };
	bool ok = false;

	if (charset == NULL)
		return false;
	(w->base64 ? decode_b : decode_q)(&bytes, w->text);
	if (bytes.n == 0 && w->text.n > 0)
		goto out;
	if (r->charset != charset) {
		run_end(r, out);
		if (!run_begin(r, charset))
			goto out;
	}
	buf_put(&r->bytes, bytes.p, bytes.n);
	ok = true;
out:
	buf_finish(&bytes);
	return ok;
}

static size_t
blanks(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n;
}

/* Up to what may begin a word, or is a blank; at least one byte. */
static size_t
plain(struct span s)
{
	size_t n = 1;

	while (n < s.n && s.p[n] != '=' && !is_blank(s.p[n]))
		n++;
	return n;
}

static void
skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void
decode_raw(struct buf *raw, struct span in)
{
	struct run run = { 0 };
	bool after_word = false;

	while (in.n > 0) {
		size_t gap = blanks(in);
		struct word w;

		skip(&in, gap);
		if (gap > 0 && !after_word) {
			buf_char(raw, ' ');
			gap = 0;
		}
		if (word_cut(in, &w) && run_add(&run, raw, &w)) {
			skip(&in, w.whole);
			after_word = true;
			continue;
		}
		run_end(&run, raw);
		after_word = false;
		/* Blanks between two words do not count; here is no word. */
		if (gap > 0)
			buf_char(raw, ' ');
		if (in.n == 0)
			break;
		gap = plain(in);
		buf_put(raw, in.p, gap);
		skip(&in, gap);
	}
	run_end(&run, raw);
	buf_finish(&run.bytes);
}

void
encoded_word_decode(struct buf *b, struct span value)
{
	struct buf raw = { 0 };
	size_t start = b->n;

	buf_put(&raw, "", 0);
	decode_raw(&raw, span_trim(value));
	escape_text(b, (struct span){ raw.p, raw.n });
	while (b->n > start && b->p[b->n - 1] == ' ')
		buf_cut(b, b->n - 1);
	buf_finish(&raw);
}
