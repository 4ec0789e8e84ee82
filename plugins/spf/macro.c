/* SPDX-License-Identifier: Apache-2.0 */
#include "macro.h"

#include <string.h>

enum piece_kind { PIECE_END, PIECE_LITERAL, PIECE_ESCAPE, PIECE_MACRO };

/* A run of literal bytes, "%%" and the like, or "%{...}". */
struct piece {
	enum piece_kind kind;
	struct span literal; /* LITERAL, and what ESCAPE stands for */
	char letter;         /* MACRO, in lower case */
	bool url;            /* the letter is a capital */
	bool reverse;
	uint32_t keep; /* parts from the right; 0: all */
	struct span delimiters;
};

static const char bad_percent[] = "a % is not followed by {, %, _ or -";
static const char bad_macro[] = "a macro is not like %{d2r.}";

static const char *
next_escape(struct span *in, struct piece *p)
{
	p->kind = PIECE_ESCAPE;
	switch (in->n > 1 ? in->p[1] : '\0') {
	case '%':
		p->literal = span_of("%");
		break;
	case '_':
		p->literal = span_of(" ");
		break;
	case '-':
		p->literal = span_of("%20");
		break;
	default:
		return bad_percent;
	}
	in->p += 2;
	in->n -= 2;
	return NULL;
}

/*
 * transformers = *DIGIT [ "r" ]; the number must not be zero.  One that is
 * larger than a name has labels changes nothing any more.
 */
static const char *
transformers(struct span *inside, struct piece *p)
{
	size_t i = 0;

	for (; i < inside->n && text_is_digit(inside->p[i]); i++)
		if (p->keep < 1000000)
			p->keep = p->keep * 10 + (uint32_t)(inside->p[i] - '0');
	if (i > 0 && p->keep == 0)
		return "a macro keeps no part at all";
	if (i < inside->n && text_lower(inside->p[i]) == 'r') {
		p->reverse = true;
		i++;
	}
	inside->p += i;
	inside->n -= i;
	return NULL;
}

static const char *
next_macro(struct span *in, struct piece *p)
{
	struct span inside;
	const char *why;

	if (memchr(in->p, '}', in->n) == NULL)
		return bad_macro;
	inside = span_cut(in, '}');
	inside.p += 2;
	inside.n -= 2;
	p->kind = PIECE_MACRO;
	if (inside.n == 0)
		return bad_macro;
	p->letter = text_lower(inside.p[0]);
	p->url = p->letter != inside.p[0];
	if (p->letter == '\0' || strchr("slodiphcrtv", p->letter) == NULL)
		return "there is no macro of that letter";
	inside.p++;
	inside.n--;
	if ((why = transformers(&inside, p)) != NULL)
		return why;
	for (size_t i = 0; i < inside.n; i++)
		if (inside.p[i] == '\0' ||
		    strchr(".-+,/_=", inside.p[i]) == NULL)
			return bad_macro;
	p->delimiters = inside.n > 0 ? inside : span_of(".");
	return NULL;
}

/* Cut the next piece off; NULL, or what is wrong with it. */
static const char *
next_piece(struct span *in, struct piece *p)
{
	const char *percent;

	*p = (struct piece){ .kind = PIECE_END };
	if (in->n == 0)
		return NULL;
	if (in->p[0] == '%')
		return in->n > 1 && in->p[1] == '{' ? next_macro(in, p)
						    : next_escape(in, p);
	p->kind = PIECE_LITERAL;
	percent = memchr(in->p, '%', in->n);
	p->literal = *in;
	if (percent != NULL)
		p->literal.n = (size_t)(percent - in->p);
	in->p += p->literal.n;
	in->n -= p->literal.n;
	return NULL;
}

/* macro-literal, and in an explanation SP. */
static bool
literal_ok(struct span s, enum macro_place place)
{
	char first = place == MACRO_EXPLANATION ? ' ' : '!';

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < first || s.p[i] > '~')
			return false;
	return true;
}

/* ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" )
 * alphanum ) */
static bool
is_toplabel(struct span s)
{
	bool letter = false;

	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (text_is_letter(s.p[i]) || s.p[i] == '-')
			letter = true;
		else if (!text_is_digit(s.p[i]))
			return false;
	}
	return letter;
}

/* domain-end = ( "." toplabel [ "." ] ) / macro-expand */
static bool
ends_name(const struct piece *last)
{
	struct span s = last->literal, label;
	bool dot = false;

	if (last->kind == PIECE_MACRO || last->kind == PIECE_ESCAPE)
		return true;
	if (last->kind == PIECE_END)
		return false;
	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	for (label = span_cut(&s, '.'); s.n > 0; label = span_cut(&s, '.'))
		dot = true;
	return dot && is_toplabel(label);
}

const char *
macro_fault(struct span in, enum macro_place place)
{
	struct piece p, last = { .kind = PIECE_END };
	const char *why;

	for (;;) {
		if ((why = next_piece(&in, &p)) != NULL)
			return why;
		if (p.kind == PIECE_END)
			break;
		if (p.kind == PIECE_LITERAL && !literal_ok(p.literal, place))
			return "there is a byte that is no visible ASCII";
		if (p.kind == PIECE_MACRO && place == MACRO_DOMAIN &&
		    strchr("crt", p.letter) != NULL)
			return "the macros c, r and t are for explanations";
		last = p;
	}
	if (place == MACRO_DOMAIN && !ends_name(&last))
		return last.kind == PIECE_END
			   ? "a domain is missing"
			   : "a domain does not end like a name";
	return NULL;
}

bool
macro_uses(struct span in, char letter)
{
	struct piece p;

	while (next_piece(&in, &p) == NULL && p.kind != PIECE_END)
		if (p.kind == PIECE_MACRO && p.letter == letter)
			return true;
	return false;
}

/* Unreserved characters of RFC 3986 stay. */
static void
put_url(struct text *out, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	if (text_is_letter(c) || text_is_digit(c) ||
	    (c != '\0' && strchr("-._~", c) != NULL)) {
		text_char(out, c);
		return;
	}
	text_char(out, '%');
	text_char(out, hex[byte >> 4]);
	text_char(out, hex[byte & 15]);
}

static void
put_part(
    struct text *out, const struct piece *p, const char *from, const char *end)
{
	for (; from < end; from++) {
		if (p->url)
			put_url(out, *from);
		else
			text_char(out, *from);
	}
}

static bool
is_delimiter(const struct piece *p, char c)
{
	return memchr(p->delimiters.p, c, p->delimiters.n) != NULL;
}

/* Where the parts that are kept begin, counted from the right. */
static const char *
kept_from(const struct piece *p, struct span value)
{
	uint32_t parts = 0;
	const char *at = value.p + value.n;

	for (; at > value.p; at--)
		if (is_delimiter(p, at[-1]) && ++parts == p->keep)
			break;
	return at;
}

/* Reversed, the parts on the right are those that were on the left. */
static const char *
kept_until(const struct piece *p, struct span value)
{
	uint32_t parts = 0;
	const char *at = value.p, *end = value.p + value.n;

	for (; at < end; at++)
		if (is_delimiter(p, *at) && ++parts == p->keep)
			break;
	return at;
}

static void
put_forward(struct text *out, const struct piece *p, struct span value)
{
	const char *end = value.p + value.n;

	for (const char *at = kept_from(p, value); at < end; at++) {
		if (is_delimiter(p, *at))
			text_char(out, '.');
		else
			put_part(out, p, at, at + 1);
	}
}

static void
put_backward(struct text *out, const struct piece *p, struct span value)
{
	const char *end = kept_until(p, value);
	const char *at = end;

	for (; at > value.p; at--) {
		if (!is_delimiter(p, at[-1]))
			continue;
		put_part(out, p, at, end);
		text_char(out, '.');
		end = at - 1;
	}
	put_part(out, p, at, end);
}

bool
macro_expand(struct span in, const struct macro_values *v, struct text *out)
{
	struct piece p;

	out->p[out->n] = '\0';
	while (next_piece(&in, &p) == NULL && p.kind != PIECE_END) {
		struct span value = p.literal;

		if (p.kind != PIECE_MACRO) {
			text_span(out, value);
			continue;
		}
		value = v->of[p.letter - 'a'];
		if (!literal_ok(value, MACRO_EXPLANATION))
			return false;
		if (value.n == 0)
			continue;
		if (p.reverse)
			put_backward(out, &p, value);
		else
			put_forward(out, &p, value);
	}
	return true;
}
