/* SPDX-License-Identifier: Apache-2.0 */
#include "service/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

/*
 * What mail is written in, under the names that it goes by (RFC 1345, the
 * registry of IANA, and practice).  Of two like charsets the smaller one is
 * read as the larger, as browsers do it.
 */
static const struct charset charsets[] = {
	{ "utf-8", NULL, false },
	{ "utf8", NULL, false },
	{ "unicode-1-1-utf-8", NULL, false },
	{ "us-ascii", NULL, true },
	{ "ascii", NULL, true },
	{ "ansi_x3.4-1968", NULL, true },
	{ "iso-8859-1", "CP1252", false },
	{ "iso8859-1", "CP1252", false },
	{ "latin1", "CP1252", false },
	{ "windows-1252", "CP1252", false },
	{ "cp1252", "CP1252", false },
	{ "iso-8859-2", "ISO-8859-2", false },
	{ "iso-8859-3", "ISO-8859-3", false },
	{ "iso-8859-4", "ISO-8859-4", false },
	{ "iso-8859-5", "ISO-8859-5", false },
	{ "iso-8859-6", "ISO-8859-6", false },
	{ "iso-8859-7", "ISO-8859-7", false },
	{ "iso-8859-8", "ISO-8859-8", false },
	{ "iso-8859-8-i", "ISO-8859-8", false },
	{ "iso-8859-9", "CP1254", false },
	{ "iso-8859-10", "ISO-8859-10", false },
	{ "iso-8859-11", "TIS-620", false },
	{ "iso-8859-13", "ISO-8859-13", false },
	{ "iso-8859-14", "ISO-8859-14", false },
	{ "iso-8859-15", "ISO-8859-15", false },
	{ "iso-8859-16", "ISO-8859-16", false },
	{ "windows-1250", "CP1250", false },
	{ "windows-1251", "CP1251", false },
	{ "cp1251", "CP1251", false },
	{ "windows-1253", "CP1253", false },
	{ "windows-1254", "CP1254", false },
	{ "windows-1255", "CP1255", false },
	{ "windows-1256", "CP1256", false },
	{ "windows-1257", "CP1257", false },
	{ "windows-1258", "CP1258", false },
	{ "koi8-r", "KOI8-R", false },
	{ "koi8-u", "KOI8-U", false },
	{ "cp866", "CP866", false },
	{ "ibm866", "CP866", false },
	{ "cp850", "CP850", false },
	{ "cp437", "CP437", false },
	{ "macintosh", "MACINTOSH", false },
	{ "tis-620", "TIS-620", false },
	{ "windows-874", "CP874", false },
	{ "gb2312", "GB18030", false },
	{ "gbk", "GB18030", false },
	{ "gb18030", "GB18030", false },
	{ "hz-gb-2312", "GB18030", false },
	{ "big5", "BIG5", false },
	{ "big5-hkscs", "BIG5-HKSCS", false },
	{ "shift_jis", "CP932", false },
	{ "shift-jis", "CP932", false },
	{ "sjis", "CP932", false },
	{ "windows-31j", "CP932", false },
	{ "cp932", "CP932", false },
	{ "euc-jp", "EUC-JP", false },
	{ "iso-2022-jp", "ISO-2022-JP", false },
	{ "euc-kr", "CP949", false },
	{ "ks_c_5601-1987", "CP949", false },
	{ "cp949", "CP949", false },
	{ "iso-2022-kr", "ISO-2022-KR", false },
	{ "utf-7", "UTF-7", false },
	{ "utf-16", "UTF-16", false },
	{ "utf-16le", "UTF-16LE", false },
	{ "utf-16be", "UTF-16BE", false },
	{ "iso-8859-6-i", "ISO-8859-6", false },
	{ "cp1250", "WINDOWS-1250", false },
	{ "unicode-1-1-utf-7", "UTF-7", false },
};

enum { CHARSETS = sizeof(charsets) / sizeof(charsets[0]) };

static const char windows[] = "CP1252";

/* Unicode 15, table 3-7: well-formed byte sequences. */
size_t
utf8_next(struct span in, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)in.p;
	static const struct {
		unsigned char first, last, low, high, more;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 1 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },
		{ 0xe1, 0xec, 0x80, 0xbf, 2 },
		{ 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 3 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};

	if (in.n == 0)
		return 0;
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t more = rows[i].more;

		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (in.n <= more || p[1] < rows[i].low || p[1] > rows[i].high)
			return 0;
		*code = p[0] & (0x3fu >> more);
		for (size_t k = 1; k <= more; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
			*code = *code << 6 | (p[k] & 0x3fu);
		}
		return more + 1;
	}
	return 0;
}

void
utf8_put(struct buf *out, uint32_t code)
{
	char bytes[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (n == 1) {
		buf_char(out, (char)code);
		return;
	}
	for (size_t i = n; i-- > 1; code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(code | (0xf00u >> n & 0xff));
	buf_put(out, bytes, n);
}

static size_t
ascii_run(struct span in)
{
	size_t n = 0;

	while (n < in.n && (unsigned char)(in.p[n] - 1) < 0x7f)
		n++;
	return n;
}

static bool
is_valid(struct span in)
{
	uint32_t code;
	size_t n;

	while (in.n > 0) {
		n = ascii_run(in);
		if (n == 0 && in.p[0] == '\0')
			n = 1;
		if (n == 0 && (n = utf8_next(in, &code)) == 0)
			return false;
		in.p += n;
		in.n -= n;
	}
	return true;
}

/* One that is cut at the end of the limit is none. */
static enum charset_result
copy(struct span in, size_t limit, struct buf *out)
{
	enum charset_result result = CHARSET_OK;
	size_t end = out->n + limit, n;
	uint32_t code;

	while (in.n > 0 && out->n < end) {
		n = ascii_run(in);
		if (n > end - out->n)
			n = end - out->n;
		if (n > 0) {
			buf_put(out, in.p, n);
		} else if ((n = utf8_next(in, &code)) > 0) {
			if (end - out->n < n)
				break;
			utf8_put(out, code == 0 ? ' ' : code);
		} else {
			if (end - out->n < 3)
				break;
			n = 1;
			utf8_put(out, 0xfffd);
			result = CHARSET_BROKEN;
		}
		in.p += n;
		in.n -= n;
	}
	return result;
}

/* NULs are asked for by no charset, and nobody wants them in text. */
static void
put_converted(struct buf *out, char *bytes, size_t n)
{
	for (char *nul = bytes;
	     (nul = memchr(nul, '\0', n - (size_t)(nul - bytes))) != NULL;)
		*nul = ' ';
	buf_put(out, bytes, n);
}

static enum charset_result
convert(const char *name, struct span in, size_t limit, struct buf *out)
{
	iconv_t cd = iconv_open("UTF-8", name);
	enum charset_result result = CHARSET_OK;
	char *from = (char *)(uintptr_t)in.p;
	size_t left = in.n, end = out->n + limit;

	if (cd == (iconv_t)-1)
		return CHARSET_UNKNOWN;
	while (left > 0 && out->n < end) {
		char bytes[4096], *to = bytes;
		size_t room = sizeof(bytes), rest = end - out->n, n;
		bool bad;

		if (room > rest)
			room = rest;
		bad = iconv(cd, &from, &left, &to, &room) == (size_t)-1 &&
		      errno != E2BIG;
		n = (size_t)(to - bytes);
		put_converted(out, bytes, n);
		if (bad) {
			result = CHARSET_BROKEN;
			if (end - out->n < 3)
				break;
			utf8_put(out, 0xfffd);
			from++;
			left--;
		} else if (n == 0) {
			break; /* no room for one more character */
		}
	}
	iconv_close(cd);
	return result;
}

/* Nobody says what it is, or what is said means nothing. */
static void
guess(struct span in, size_t limit, struct buf *out)
{
	if (is_valid(in) || convert(windows, in, limit, out) == CHARSET_UNKNOWN)
		copy(in, limit, out);
}

const struct charset *
charset_find(struct span name)
{
	for (size_t i = 0; i < CHARSETS; i++)
		if (span_equal_nocase(name, span_of(charsets[i].name)))
			return &charsets[i];
	return NULL;
}

static enum charset_result
decode_as(
    const struct charset *c, struct span in, size_t limit, struct buf *out)
{
	if (c->iconv != NULL)
		return convert(c->iconv, in, limit, out);
	if (!c->ascii || is_valid(in))
		return copy(in, limit, out);
	/* Eight bits under a flag of seven are more use read. */
	guess(in, limit, out);
	return CHARSET_BROKEN;
}

enum charset_result
charset_decode(const char *name, struct span in, size_t limit, struct buf *out)
{
	const struct charset *c = charset_find(span_of(name));
	enum charset_result result = CHARSET_UNKNOWN;

	if (c != NULL)
		result = decode_as(c, in, limit, out);
	if (result == CHARSET_UNKNOWN)
		guess(in, limit, out);
	return name[0] == '\0' ? CHARSET_OK : result;
}
