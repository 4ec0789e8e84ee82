/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern is read as alternatives of sequences of items.  An item that
 * must be there and is plain text continues a run; anything else ends it.
 * The best two runs, or alternatives of groups that must match, are what the
 * sequence asks for.  What is not understood asks for nothing.
 */
#include "literal.h"

#include <string.h>

enum { NESTING = 50 };

struct reader {
	const char *p, *end;
	bool utf;
	bool caseless; /* or perhaps from somewhere on */
	bool lost;     /* what cannot be read: give up */
	int nesting;
};

/* What must be there: one of each; the first is the better one. */
struct asked {
	struct literals sets[LITERAL_SETS];
};

/* A sequence as far as it is read. */
struct sequence {
	struct asked best;
	char run[LITERAL_LONGEST];
	size_t n;
};

static size_t
shortest(const struct literals *l)
{
	size_t n = l->count > 0 ? LITERAL_LONGEST : 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].n < n)
			n = l->items[i].n;
	return n;
}

static bool
is_better(const struct literals *a, const struct literals *b)
{
	size_t n = shortest(a), m = shortest(b);

	return n > m || (n == m && a->count < b->count);
}

static void
offer(struct asked *best, const struct literals *l)
{
	if (is_better(l, &best->sets[0])) {
		best->sets[1] = best->sets[0];
		best->sets[0] = *l;
	} else if (is_better(l, &best->sets[1])) {
		best->sets[1] = *l;
	}
}

static void
end_run(struct sequence *s)
{
	struct literals one = { .count = 1 };

	if (s->n > 0) {
		one.items[0].n = (unsigned char)s->n;
		memcpy(one.items[0].text, s->run, s->n);
		offer(&s->best, &one);
	}
	s->n = 0;
}

static void
add(struct reader *r, struct sequence *s, char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	/* U+212A and U+017F are a "k" and an "s" too. */
	if (r->utf && r->caseless && (c == 'k' || c == 's')) {
		end_run(s);
		return;
	}
	if (s->n == LITERAL_LONGEST)
		end_run(s);
	s->run[s->n++] = c;
}

static bool
more(const struct reader *r)
{
	return !r->lost && r->p < r->end;
}

static bool
next_is(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, word, n) == 0;
}

/* How often the last item must be there, once "?", "*", "{2,}" is read. */
enum times { ONCE, SOME, PERHAPS };

static bool
braces(struct reader *r, enum times *times)
{
	const char *p = r->p + 1;
	bool zero = true;

	/* "{,3}" and "{ 1 }": letters, and quantifiers since PCRE2 10.43. */
	if (p < r->end && (*p == ',' || *p == ' '))
		r->lost = true;
	if (p == r->end || *p < '0' || *p > '9')
		return false; /* "{" is a letter like any other */
	for (; p < r->end && *p >= '0' && *p <= '9'; p++)
		zero = zero && *p == '0';
	if (p < r->end && *p == ',')
		for (p++; p < r->end && *p >= '0' && *p <= '9'; p++)
			;
	if (p == r->end || *p != '}')
		return false;
	r->p = p + 1;
	*times = zero ? PERHAPS : SOME;
	return true;
}

static enum times
quantifier(struct reader *r)
{
	enum times times = ONCE;

	if (r->p == r->end)
		return ONCE;
	if (*r->p == '?' || *r->p == '*') {
		times = PERHAPS;
		r->p++;
	} else if (*r->p == '+') {
		times = SOME;
		r->p++;
	} else if (*r->p != '{' || !braces(r, &times)) {
		return ONCE;
	}
	if (r->p < r->end && (*r->p == '?' || *r->p == '+'))
		r->p++;
	return times;
}

static void
letters(struct reader *r, struct sequence *s, const char *p, size_t n)
{
	enum times times = quantifier(r);

	if (times == PERHAPS) {
		end_run(s);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add(r, s, p[i]);
	if (times == SOME)
		end_run(s);
}

static void
letter(struct reader *r, struct sequence *s, char c)
{
	letters(r, s, &c, 1);
}

/* Something that is there or not, and of which nothing is known. */
static void
anything(struct reader *r, struct sequence *s)
{
	quantifier(r);
	end_run(s);
}

/* The next, which may be of several bytes; its other case has other bytes. */
static void
character(struct reader *r, struct sequence *s)
{
	const char *from = r->p++;

	if (r->utf && (unsigned char)*from >= 0x80)
		while (r->p < r->end && ((unsigned char)*r->p & 0xc0) == 0x80)
			r->p++;
	if (r->p - from > 1 && r->caseless)
		anything(r, s);
	else
		letters(r, s, from, (size_t)(r->p - from));
}

static void
skip_class(struct reader *r)
{
	r->p++;
	if (r->p < r->end && *r->p == '^')
		r->p++;
	if (r->p < r->end && *r->p == ']')
		r->p++;
	while (r->p < r->end && *r->p != ']') {
		if (next_is(r, "[:")) {
			const char *end =
			    memmem(r->p, (size_t)(r->end - r->p), ":]", 2);

			if (end != NULL)
				r->p = end + 1;
		} else if (*r->p == '\\') {
			if (next_is(r, "\\Q"))
				r->lost = true;
			r->p++;
		}
		r->p++;
	}
	if (r->p >= r->end)
		r->lost = true;
	else
		r->p++;
}

static void
skip_braces(struct reader *r)
{
	if (r->p < r->end && strchr("{<'", *r->p) != NULL) {
		char close = *r->p == '{' ? '}' : *r->p == '<' ? '>' : '\'';
		const char *end =
		    memchr(r->p + 1, close, (size_t)(r->end - r->p - 1));

		if (end == NULL)
			r->lost = true;
		else
			r->p = end + 1;
	}
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "\x41" or "\x{41}", after the x. */
static void
hexadecimal(struct reader *r, struct sequence *s)
{
	unsigned code = 0;

	if (r->p < r->end && *r->p == '{') {
		skip_braces(r);
		anything(r, s);
		return;
	}
	for (int i = 0; i < 2 && r->p < r->end && hex(*r->p) >= 0; i++)
		code = code * 16 + (unsigned)hex(*r->p++);
	if (code == 0 || (code >= 0x80 && r->utf))
		anything(r, s);
	else
		letter(r, s, (char)code);
}

static void
escape(struct reader *r, struct sequence *s)
{
	static const char zero_width[] = "bBAzZGK";
	static const char classes[] = "dDwWsShHvVRXN";
	static const char controls[] = "n\nt\tr\rf\fe\x1b"
				       "a\a";
	char c;

	if (++r->p == r->end) {
		r->lost = true;
		return;
	}
	c = *r->p++;
	if (c == '\0' || (c == 'N' && next_is(r, "{"))) {
		r->lost = true;
	} else if (strchr(zero_width, c) != NULL) {
		quantifier(r);
	} else if (strchr(classes, c) != NULL) {
		anything(r, s);
	} else if (c == 'x') {
		hexadecimal(r, s);
	} else if (c >= '0' && c <= '9') {
		while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
			r->p++;
		anything(r, s);
	} else if (c == 'p' || c == 'P') {
		if (r->p < r->end && *r->p != '{')
			r->p++;
		else
			skip_braces(r);
		anything(r, s);
	} else if (c == 'k' || c == 'g') {
		skip_braces(r);
		while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
			r->p++;
		anything(r, s);
	} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		for (size_t i = 0; i + 1 < sizeof(controls); i += 2)
			if (controls[i] == c) {
				letter(r, s, controls[i + 1]);
				return;
			}
		r->lost = true;
	} else {
		r->p--;
		character(r, s);
	}
}

static struct asked alternatives(struct reader *);

/* After "(": what kind of group it is.  False: nothing more to read. */
static bool
open_group(struct reader *r, bool *zero_width)
{
	*zero_width = false;
	if (next_is(r, "*")) {
		r->lost = true;
		return false;
	}
	if (!next_is(r, "?"))
		return true;
	r->p++;
	if (next_is(r, "#")) {
		const char *end = memchr(r->p, ')', (size_t)(r->end - r->p));

		r->p = end != NULL ? end + 1 : r->end;
		/* A quantifier after it is of what stands before it. */
		if (r->p < r->end && strchr("?*+{", *r->p) != NULL)
			r->lost = true;
		return false;
	}
	if (next_is(r, "=") || next_is(r, "!") || next_is(r, "<=") ||
	    next_is(r, "<!")) {
		r->p += *r->p == '<' ? 2 : 1;
		*zero_width = true;
		return true;
	}
	if (next_is(r, "P<"))
		r->p++;
	if (next_is(r, "<") || next_is(r, "'")) {
		skip_braces(r);
		return true;
	}
	if (next_is(r, ">") || next_is(r, "|")) {
		r->p++;
		return true;
	}
	for (; r->p < r->end && strchr("imsnJ^-", *r->p) != NULL; r->p++)
		r->caseless = r->caseless || *r->p == 'i';
	if (next_is(r, ":")) {
		r->p++;
		return true;
	}
	if (next_is(r, ")"))
		r->p++; /* "(?i)": for what follows */
	else
		r->lost = true;
	return false;
}

static void
group(struct reader *r, struct sequence *s)
{
	struct asked inner;
	bool zero_width;

	r->p++;
	if (!open_group(r, &zero_width))
		return;
	if (++r->nesting > NESTING) {
		r->lost = true;
		return;
	}
	inner = alternatives(r);
	r->nesting--;
	if (!next_is(r, ")")) {
		r->lost = true;
		return;
	}
	r->p++;
	if (quantifier(r) == PERHAPS)
		inner.sets[0].count = inner.sets[1].count = 0;
	if (zero_width)
		return;
	end_run(s);
	offer(&s->best, &inner.sets[0]);
	offer(&s->best, &inner.sets[1]);
}

static struct asked
sequence(struct reader *r)
{
	struct sequence s = { .n = 0 };

	while (more(r) && *r->p != '|' && *r->p != ')') {
		switch (*r->p) {
		case '\\':
			escape(r, &s);
			break;
		case '(':
			group(r, &s);
			break;
		case '[':
			skip_class(r);
			anything(r, &s);
			break;
		case '.':
			r->p++;
			anything(r, &s);
			break;
		case '^':
		case '$':
			r->p++;
			break;
		default:
			character(r, &s);
		}
	}
	end_run(&s);
	return s.best;
}

/* None if one of the two is, or if they are too many. */
static void
join(struct literals *all, const struct literals *one)
{
	if (all->count == 0 || one->count == 0 ||
	    all->count + one->count > LITERAL_COUNT) {
		all->count = 0;
		return;
	}
	for (size_t i = 0; i < one->count; i++)
		all->items[all->count++] = one->items[i];
}

static const struct literals *
last_set(const struct asked *a)
{
	return a->sets[1].count > 0 ? &a->sets[1] : &a->sets[0];
}

/*
 * One of them will match: all of what they ask for first, and all of what
 * they ask for second, those that have one.
 */
static struct asked
alternatives(struct reader *r)
{
	struct asked all = sequence(r);

	while (more(r) && *r->p == '|') {
		struct asked one;
		struct literals second = *last_set(&all);
		bool two = all.sets[1].count > 0;

		r->p++;
		one = sequence(r);
		join(&second, last_set(&one));
		if (!two && one.sets[1].count == 0)
			second.count = 0;
		join(&all.sets[0], &one.sets[0]);
		all.sets[1] = second;
	}
	return all;
}

bool
literal_extract(const char *pattern, size_t n, unsigned flags,
    struct literals out[LITERAL_SETS])
{
	struct reader r = { .p = pattern,
		.end = pattern + n,
		.utf = flags & LITERAL_UTF,
		.caseless = flags & LITERAL_CASELESS };
	struct asked all = alternatives(&r);

	if (shortest(&all.sets[1]) < LITERAL_SHORTEST)
		all.sets[1].count = 0;
	memcpy(out, all.sets, sizeof(all.sets));
	return !r.lost && r.p == r.end && shortest(&out[0]) >= LITERAL_SHORTEST;
}
