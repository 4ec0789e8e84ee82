/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain letters, classes, groups, repeats and assertions.  Left out are those
 * that depend on the version of a library (the properties of characters,
 * "{,3}"), that are read in two ways ("\8", "(?xx)"), and references to
 * groups, whose case Hyperscan takes from the group.
 */
#include "portable.h"

#include <string.h>

struct reader {
	const char *p, *end;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
next_is(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, word, n) == 0;
}

/* After a backslash; known: the letters that may stand here. */
static bool
escape(struct reader *r, const char *known)
{
	char c;

	if (r->p == r->end)
		return false;
	c = *r->p++;
	if (c == 'x') {
		if (r->end - r->p < 2 || !is_hex(r->p[0]) || !is_hex(r->p[1]))
			return false;
		r->p += 2;
		return true;
	}
	if (is_letter(c))
		return strchr(known, c) != NULL;
	return c > ' ' && c < 0x7f && !is_digit(c);
}

/* "[:alpha:]" within a class; false also for what only looks like one. */
static bool
named(struct reader *r)
{
	static const char *const names[] = { "alpha:]", "digit:]", "alnum:]",
		"upper:]", "lower:]", "space:]", "punct:]", "xdigit:]",
		"word:]", "blank:]", "cntrl:]" };

	r->p += 2;
	if (next_is(r, "^"))
		r->p++;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (next_is(r, names[i])) {
			r->p += strlen(names[i]);
			return true;
		}
	return false;
}

static bool class(struct reader *r)
{
	if (next_is(r, "^"))
		r->p++;
	if (next_is(r, "]"))
		r->p++;
	while (r->p < r->end && *r->p != ']') {
		if (next_is(r, "[.") || next_is(r, "[="))
			return false;
		if (next_is(r, "[:")) {
			if (!named(r))
				return false;
			continue;
		}
		if (*r->p++ == '\\' && !escape(r, "dDsSwWntrfea"))
			return false;
	}
	if (r->p == r->end)
		return false;
	r->p++;
	return true;
}

/* "(", and what stands after it. */
static bool
group(struct reader *r)
{
	static const char *const kinds[] = { "=", "!", "<=", "<!", ">", ":" };

	if (next_is(r, "*"))
		return false;
	if (!next_is(r, "?"))
		return true;
	r->p++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (next_is(r, kinds[i])) {
			r->p += strlen(kinds[i]);
			return true;
		}
	while (r->p < r->end && strchr("ims-", *r->p) != NULL)
		r->p++;
	if (!next_is(r, ":") && !next_is(r, ")"))
		return false;
	r->p++;
	return true;
}

/* "{2,3}": a brace that is none is a letter to one and an error to another. */
static bool
repeat(struct reader *r)
{
	if (r->p == r->end || !is_digit(*r->p))
		return false;
	while (r->p < r->end && is_digit(*r->p))
		r->p++;
	if (next_is(r, ","))
		r->p++;
	while (r->p < r->end && is_digit(*r->p))
		r->p++;
	if (!next_is(r, "}"))
		return false;
	r->p++;
	return true;
}

static bool
item(struct reader *r)
{
	switch (*r->p++) {
	case '\0':
		return false;
	case '\\':
		return escape(r, "dDsSwWntrfeabBAzZ");
	case '[':
		return class(r);
	case '(':
		return group(r);
	case '{':
		return repeat(r);
	default:
		return true;
	}
}

bool
portable_pattern(const char *pattern, size_t n)
{
	struct reader r = { pattern, pattern + n };

	while (r.p < r.end)
		if (!item(&r))
			return false;
	return true;
}
