/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What ASCII looks like, from the blank on; "?": none of a word. */
static const char ascii[] = " ???s???????????ol2e4s6789??????"
			    "aabcdefghijklmnopqrstuvwxyz?????"
			    "?abcdefghijklmnopqrstuvwxyz?l??";

/*
 * Letters that look like a Latin one (Unicode TR 39, those seen in mail),
 * in their order.
 */
static const struct alike {
	uint32_t code;
	char as;
} alike[] = {
	{ 0x131, 'i' },
	{ 0x142, 'l' },
	{ 0x1c0, 'l' },
	{ 0x251, 'a' },
	{ 0x261, 'g' },
	{ 0x391, 'a' },
	{ 0x392, 'b' },
	{ 0x395, 'e' },
	{ 0x396, 'z' },
	{ 0x397, 'h' },
	{ 0x399, 'i' },
	{ 0x39a, 'k' },
	{ 0x39c, 'm' },
	{ 0x39d, 'n' },
	{ 0x39f, 'o' },
	{ 0x3a1, 'p' },
	{ 0x3a4, 't' },
	{ 0x3a5, 'y' },
	{ 0x3a7, 'x' },
	{ 0x3b1, 'a' },
	{ 0x3b9, 'i' },
	{ 0x3bd, 'v' },
	{ 0x3bf, 'o' },
	{ 0x3c1, 'p' },
	{ 0x405, 's' },
	{ 0x406, 'i' },
	{ 0x408, 'j' },
	{ 0x410, 'a' },
	{ 0x412, 'b' },
	{ 0x415, 'e' },
	{ 0x41a, 'k' },
	{ 0x41c, 'm' },
	{ 0x41d, 'h' },
	{ 0x41e, 'o' },
	{ 0x420, 'p' },
	{ 0x421, 'c' },
	{ 0x422, 't' },
	{ 0x423, 'y' },
	{ 0x425, 'x' },
	{ 0x430, 'a' },
	{ 0x435, 'e' },
	{ 0x43a, 'k' },
	{ 0x43e, 'o' },
	{ 0x440, 'p' },
	{ 0x441, 'c' },
	{ 0x443, 'y' },
	{ 0x445, 'x' },
	{ 0x455, 's' },
	{ 0x456, 'i' },
	{ 0x458, 'j' },
	{ 0x4bb, 'h' },
	{ 0x501, 'd' },
	{ 0x51b, 'q' },
	{ 0x51d, 'w' },
};

/* U+00C0 to U+00FF without their accents; "?": none of these. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo?ouuuuyps"
			    "aaaaaaaceeeeiiiidnooooo?ouuuuypy";

/* The next character of text that is UTF-8, or nearly. */
static size_t
next(const char *p, size_t n, uint32_t *code)
{
	unsigned char c = (unsigned char)p[0];
	size_t more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	*code = more == 0 ? c : c & (0x3fu >> more);
	if (more >= n)
		return 1;
	for (size_t i = 1; i <= more; i++)
		*code = *code << 6 | ((unsigned char)p[i] & 0x3fu);
	return more + 1;
}

static int
by_code(const void *key, const void *item)
{
	const uint32_t *code = key;
	const struct alike *a = item;

	return *code < a->code ? -1 : *code > a->code;
}

static char
look(uint32_t c)
{
	const struct alike *a;
	char as = '?';

	if (c >= ' ' && c < 0x7f)
		as = ascii[c - ' '];
	else if (c >= 0xc0 && c <= 0xff)
		as = latin[c - 0xc0];
	else if ((a = bsearch(&c, alike, sizeof(alike) / sizeof(alike[0]),
		      sizeof(alike[0]), by_code)) != NULL)
		as = a->as;
	return as == '?' ? '\0' : as;
}

/* "rn" looks like "m", "vv" like "w". */
static size_t
join_pairs(char *text, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && text[i] == 'r' && text[i + 1] == 'n') {
			text[to++] = 'm';
			i++;
		} else if (i + 1 < n && text[i] == 'v' && text[i + 1] == 'v') {
			text[to++] = 'w';
			i++;
		} else {
			text[to++] = text[i];
		}
	}
	return to;
}

size_t
fold_text(char *out, size_t size, const char *text, size_t n)
{
	size_t used = 0;
	uint32_t code;

	while (n > 0 && used + 1 < size) {
		size_t one = next(text, n, &code);
		char c = look(code);

		if (c != '\0')
			out[used++] = c;
		text += one;
		n -= one;
	}
	used = join_pairs(out, used);
	out[used] = '\0';
	return used;
}

/* --- Punycode: RFC 3492, sections 5 and 6 --- */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, LABEL = 64 };

static unsigned
adapt(unsigned delta, unsigned points, bool first)
{
	unsigned k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static int
digit(char c)
{
	return c >= 'a' && c <= 'z'   ? c - 'a'
	       : c >= 'A' && c <= 'Z' ? c - 'A'
	       : c >= '0' && c <= '9' ? c - '0' + 26
				      : -1;
}

/* One number of variable length; false: it ends too soon or is too large. */
static bool
number(const char **p, const char *end, unsigned bias, unsigned *value)
{
	uint64_t sum = 0, w = 1;

	for (unsigned k = BASE;; k += BASE) {
		unsigned t = k <= bias          ? TMIN
			     : k >= bias + TMAX ? TMAX
						: k - bias;
		int d = *p < end ? digit(**p) : -1;

		if (d < 0)
			return false;
		(*p)++;
		sum += (uint64_t)d * w;
		if (sum > UINT32_MAX)
			return false;
		if ((unsigned)d < t)
			break;
		w *= BASE - t;
		if (w > UINT32_MAX)
			return false;
	}
	*value = (unsigned)sum;
	return true;
}

static bool
punycode(const char *p, size_t n, uint32_t codes[LABEL], size_t *count)
{
	const char *end = p + n, *dash = memrchr(p, '-', n);
	uint64_t code = 128, i = 0;
	unsigned bias = 72, delta;

	*count = 0;
	if (dash != NULL) {
		while (p < dash)
			codes[(*count)++] = (unsigned char)*p++;
		p++;
	}
	while (p < end) {
		if (*count == LABEL || !number(&p, end, bias, &delta))
			return false;
		bias = adapt(delta, (unsigned)*count + 1, i == 0);
		i += delta;
		code += i / (*count + 1);
		i %= *count + 1;
		if (code > 0x10ffff)
			return false;
		memmove(
		    codes + i + 1, codes + i, (*count - i) * sizeof(codes[0]));
		codes[i++] = (uint32_t)code;
		(*count)++;
	}
	return true;
}

static size_t
put(char *out, size_t n, size_t size, uint32_t code)
{
	size_t more = code < 0x80      ? 0
		      : code < 0x800   ? 1
		      : code < 0x10000 ? 2
				       : 3;

	if (n + more + 2 > size)
		return n;
	if (more == 0) {
		out[n] = (char)code;
		return n + 1;
	}
	for (size_t i = more; i > 0; i--, code >>= 6)
		out[n + i] = (char)(0x80 | (code & 0x3f));
	out[n] = (char)((0xf00u >> (more + 1) & 0xff) | code);
	return n + more + 1;
}

size_t
fold_label(char *out, size_t size, const char *domain)
{
	size_t n = strcspn(domain, "."), count = 0, used = 0;
	uint32_t codes[LABEL];

	if (n >= LABEL || size == 0)
		return 0;
	if (n < 4 || strncmp(domain, "xn--", 4) != 0) {
		if (n >= size)
			return 0;
		memcpy(out, domain, n);
		out[n] = '\0';
		return n;
	}
	if (!punycode(domain + 4, n - 4, codes, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		used = put(out, used, size, codes[i]);
	out[used] = '\0';
	return used;
}

/* --- comparing --- */

/* Damerau's distance in its restricted form, row by row. */
unsigned
fold_distance(const char *a, const char *b, unsigned most)
{
	unsigned rows[3][LABEL + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LABEL || m > LABEL || n > m + most || m > n + most)
		return most + 1;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3];
		const unsigned *above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned least = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < least)
				least = up[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && above[j - 2] + 1 < least)
				least = above[j - 2] + 1;
			row[j] = least;
		}
	}
	return rows[n % 3][m] > most ? most + 1 : rows[n % 3][m];
}

static bool
is_latin(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Greek, Cyrillic, Armenian: the scripts with letters that look Latin. */
static bool
is_other(uint32_t c)
{
	return (c >= 0x370 && c <= 0x58f) && c != 0x37e;
}

unsigned
fold_mixed_words(const char *text, size_t n)
{
	bool has_latin = false, has_other = false;
	unsigned words = 0;
	uint32_t code;

	while (n > 0) {
		size_t one = next(text, n, &code);

		if (is_latin(code)) {
			has_latin = true;
		} else if (is_other(code)) {
			has_other = true;
		} else {
			words += has_latin && has_other;
			has_latin = has_other = false;
		}
		text += one;
		n -= one;
	}
	return words + (has_latin && has_other);
}
