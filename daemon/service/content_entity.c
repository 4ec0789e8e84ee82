/* SPDX-License-Identifier: Apache-2.0 */
/* Character references of HTML: numbers, and the names that mail uses. */
#include <string.h>

#include "service/content_html.h"

static const struct {
	const char *name;
	uint32_t code;
} entities[] = {
	{ "amp", '&' },
	{ "lt", '<' },
	{ "gt", '>' },
	{ "quot", '"' },
	{ "apos", '\'' },
	{ "nbsp", 0xa0 },
	{ "colon", ':' },
	{ "sol", '/' },
	{ "period", '.' },
	{ "commat", '@' },
	{ "num", '#' },
	{ "quest", '?' },
	{ "equals", '=' },
	{ "lpar", '(' },
	{ "rpar", ')' },
	{ "comma", ',' },
	{ "excl", '!' },
	{ "dollar", '$' },
	{ "percnt", '%' },
	{ "Tab", '\t' },
	{ "NewLine", '\n' },
	{ "copy", 0xa9 },
	{ "reg", 0xae },
	{ "trade", 0x2122 },
	{ "hellip", 0x2026 },
	{ "ndash", 0x2013 },
	{ "mdash", 0x2014 },
	{ "lsquo", 0x2018 },
	{ "rsquo", 0x2019 },
	{ "sbquo", 0x201a },
	{ "ldquo", 0x201c },
	{ "rdquo", 0x201d },
	{ "bdquo", 0x201e },
	{ "laquo", 0xab },
	{ "raquo", 0xbb },
	{ "bull", 0x2022 },
	{ "middot", 0xb7 },
	{ "shy", 0xad },
	{ "zwnj", 0x200c },
	{ "zwj", 0x200d },
	{ "ensp", 0x2002 },
	{ "emsp", 0x2003 },
	{ "thinsp", 0x2009 },
	{ "euro", 0x20ac },
	{ "pound", 0xa3 },
	{ "yen", 0xa5 },
	{ "cent", 0xa2 },
	{ "sect", 0xa7 },
	{ "deg", 0xb0 },
	{ "times", 0xd7 },
	{ "iexcl", 0xa1 },
	{ "iquest", 0xbf },
	{ "Agrave", 0xc0 },
	{ "Aacute", 0xc1 },
	{ "Acirc", 0xc2 },
	{ "Atilde", 0xc3 },
	{ "Auml", 0xc4 },
	{ "Aring", 0xc5 },
	{ "AElig", 0xc6 },
	{ "Ccedil", 0xc7 },
	{ "Egrave", 0xc8 },
	{ "Eacute", 0xc9 },
	{ "Ecirc", 0xca },
	{ "Euml", 0xcb },
	{ "Igrave", 0xcc },
	{ "Iacute", 0xcd },
	{ "Icirc", 0xce },
	{ "Iuml", 0xcf },
	{ "Ntilde", 0xd1 },
	{ "Ograve", 0xd2 },
	{ "Oacute", 0xd3 },
	{ "Ocirc", 0xd4 },
	{ "Otilde", 0xd5 },
	{ "Ouml", 0xd6 },
	{ "Oslash", 0xd8 },
	{ "Ugrave", 0xd9 },
	{ "Uacute", 0xda },
	{ "Ucirc", 0xdb },
	{ "Uuml", 0xdc },
	{ "szlig", 0xdf },
	{ "agrave", 0xe0 },
	{ "aacute", 0xe1 },
	{ "acirc", 0xe2 },
	{ "atilde", 0xe3 },
	{ "auml", 0xe4 },
	{ "aring", 0xe5 },
	{ "aelig", 0xe6 },
	{ "ccedil", 0xe7 },
	{ "egrave", 0xe8 },
	{ "eacute", 0xe9 },
	{ "ecirc", 0xea },
	{ "euml", 0xeb },
	{ "igrave", 0xec },
	{ "iacute", 0xed },
	{ "icirc", 0xee },
	{ "iuml", 0xef },
	{ "ntilde", 0xf1 },
	{ "ograve", 0xf2 },
	{ "oacute", 0xf3 },
	{ "ocirc", 0xf4 },
	{ "otilde", 0xf5 },
	{ "ouml", 0xf6 },
	{ "oslash", 0xf8 },
	{ "ugrave", 0xf9 },
	{ "uacute", 0xfa },
	{ "ucirc", 0xfb },
	{ "uuml", 0xfc },
	{ "yacute", 0xfd },
	{ "yuml", 0xff },
	{ "oelig", 0x153 },
	{ "OElig", 0x152 },
};

static int
digit(char c, unsigned base)
{
	int n = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 16;

	return n < (int)base ? n : -1;
}

/* "&#65;" "&#x41;", the semicolon optional as browsers have it. */
static size_t
number(struct span text, uint32_t *code)
{
	size_t i = 2, first;
	unsigned base = 10;
	uint32_t value = 0;

	if (text.n > 2 && (text.p[2] == 'x' || text.p[2] == 'X')) {
		base = 16;
		i = 3;
	}
	first = i;
	for (; i < text.n && digit(text.p[i], base) >= 0; i++)
		if (value <= 0x10ffff)
			value = value * base + (uint32_t)digit(text.p[i], base);
	if (i == first)
		return 0;
	if (value == 0 || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		value = 0xfffd;
	*code = value;
	return i + (i < text.n && text.p[i] == ';');
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t
content_html_entity(struct span text, uint32_t *code)
{
	size_t n = 1;

	if (text.n < 3 || text.p[0] != '&')
		return 0;
	if (text.p[1] == '#')
		return number(text, code);
	while (n < text.n && n < 12 && is_letter(text.p[n]))
		n++;
	/* Without a semicolon it may be a parameter of a URL. */
	if (n == text.n || text.p[n] != ';')
		return 0;
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strlen(entities[i].name) == n - 1 &&
		    memcmp(entities[i].name, text.p + 1, n - 1) == 0) {
			*code = entities[i].code;
			return n + 1;
		}
	return 0;
}
