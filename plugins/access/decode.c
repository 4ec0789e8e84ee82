/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct out {
	char *p;
	size_t n, size;
};

static void
put(struct out *o, unsigned char c)
{
	if (o->n + 1 < o->size)
		o->p[o->n++] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
}

/* An encoded word, taken apart: =?charset?encoding?text?= */
struct word {
	const char *text;
	size_t n;
	size_t whole; /* bytes from "=?" to "?=" */
	bool base64, latin1;
};

static bool
is_latin1(const char *charset, size_t n)
{
	static const char *const names[] = { "iso-8859-1", "iso-8859-15",
		"latin1", "windows-1252" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n &&
		    strncasecmp(charset, names[i], n) == 0)
			return true;
	return false;
}

/* RFC 2047, section 2; the "*language" of RFC 2231 is taken off. */
static bool
word_cut(const char *at, struct word *w)
{
	const char *charset = at + 2, *encoding, *end;
	size_t n;

	if (at[0] != '=' || at[1] != '?')
		return false;
	n = strcspn(charset, "? \t\n");
	if (n == 0 || charset[n] != '?')
		return false;
	encoding = charset + n + 1;
	if (encoding[0] == '\0' || strchr("bBqQ", encoding[0]) == NULL ||
	    encoding[1] != '?')
		return false;
	w->text = encoding + 2;
	/* Blanks are not allowed within, but seen in the wild. */
	w->n = strcspn(w->text, "?\n");
	end = w->text + w->n;
	if (end[0] != '?' || end[1] != '=')
		return false;
	w->whole = (size_t)(end + 2 - at);
	w->base64 = encoding[0] == 'b' || encoding[0] == 'B';
	if (memchr(charset, '*', n) != NULL)
		n = strcspn(charset, "*");
	w->latin1 = is_latin1(charset, n);
	return true;
}

static void
put_decoded(struct out *o, const struct word *w, unsigned char c)
{
	if (w->latin1 && c >= 0x80) {
		/* Never half a character. */
		if (o->n + 2 < o->size) {
			put(o, (unsigned char)(0xc0 | c >> 6));
			put(o, (unsigned char)(0x80 | (c & 0x3f)));
		}
		return;
	}
	put(o, c);
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
decode_q(struct out *o, const struct word *w)
{
	for (size_t i = 0; i < w->n; i++) {
		char c = w->text[i];
		int high, low;

		if (c == '=' && i + 2 < w->n &&
		    (high = hex_digit(w->text[i + 1])) >= 0 &&
		    (low = hex_digit(w->text[i + 2])) >= 0) {
			put_decoded(o, w, (unsigned char)(high << 4 | low));
			i += 2;
		} else {
			put_decoded(o, w, c == '_' ? ' ' : (unsigned char)c);
		}
	}
}

static void
decode_b(struct out *o, const struct word *w)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < w->n && w->text[i] != '='; i++) {
		const char *digit = strchr(digits, w->text[i]);

		if (digit == NULL || *digit == '\0')
			continue;
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			put_decoded(o, w, (unsigned char)(bits >> have));
			bits &= (UINT32_C(1) << have) - 1;
		}
	}
}

size_t
decode_value(char *out, size_t size, const char *value)
{
	struct out o = { out, 0, size };
	const char *at = value + strspn(value, " \t");
	bool after_word = false;

	while (*at != '\0' && o.n + 1 < size) {
		size_t blanks = strspn(at, " \t\r\n");
		struct word w;

		if (word_cut(at + blanks, &w)) {
			/* Blanks between two encoded words do not count. */
			if (blanks > 0 && !after_word)
				put(&o, ' ');
			if (w.base64)
				decode_b(&o, &w);
			else
				decode_q(&o, &w);
			at += blanks + w.whole;
			after_word = true;
			continue;
		}
		after_word = false;
		if (blanks > 0) {
			put(&o, ' ');
			at += blanks;
		} else {
			put(&o, (unsigned char)*at++);
		}
	}
	while (o.n > 0 && out[o.n - 1] == ' ')
		o.n--;
	out[o.n] = '\0';
	return o.n;
}
