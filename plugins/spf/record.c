/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <string.h>

#include "macro.h"

enum argument { ARG_NONE, ARG_OPTIONAL, ARG_DOMAIN, ARG_IP4, ARG_IP6 };

static const struct mechanism {
	const char *name;
	enum term_kind kind;
	enum argument argument;
	bool dual_cidr;
	bool asks;
} mechanisms[] = {
	{ "all", TERM_ALL, ARG_NONE, false, false },
	{ "include", TERM_INCLUDE, ARG_DOMAIN, false, true },
	{ "a", TERM_A, ARG_OPTIONAL, true, true },
	{ "mx", TERM_MX, ARG_OPTIONAL, true, true },
	{ "ptr", TERM_PTR, ARG_OPTIONAL, false, true },
	{ "ip4", TERM_IP4, ARG_IP4, false, false },
	{ "ip6", TERM_IP6, ARG_IP6, false, false },
	{ "exists", TERM_EXISTS, ARG_DOMAIN, false, true },
};

static const struct modifier {
	const char *name;
	enum term_kind kind;
} modifiers[] = {
	{ "redirect", TERM_REDIRECT },
	{ "exp", TERM_EXP },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VERSION_BYTES = 6 }; /* "v=spf1" */

bool
record_is_spf(struct span s)
{
	return s.n >= VERSION_BYTES &&
	       span_is((struct span){ s.p, VERSION_BYTES }, "v=spf1") &&
	       (s.n == VERSION_BYTES || s.p[VERSION_BYTES] == ' ');
}

struct span
record_terms(struct span s)
{
	return (struct span){ s.p + VERSION_BYTES, s.n - VERSION_BYTES };
}

/*
 * "/" ( "0" / %x31-39 *DIGIT ) at the end; slashes: one or two of them.
 * Cuts it off; without one *bits stays.
 */
static const char *
cut_length(struct span *s, size_t slashes, uint8_t most, uint8_t *bits)
{
	size_t n = s->n;
	unsigned number = 0;

	while (n > 0 && text_is_digit(s->p[n - 1]))
		n--;
	if (n == s->n || n < slashes || s->p[n - 1] != '/' ||
	    s->p[n - slashes] != '/')
		return NULL;
	if (s->p[n] == '0' && s->n > n + 1)
		return "a prefix length begins with 0";
	for (size_t i = n; i < s->n && number <= most; i++)
		number = number * 10 + (unsigned)(s->p[i] - '0');
	if (number > most)
		return most == 32 ? "a prefix length is over 32"
				  : "a prefix length is over 128";
	*bits = (uint8_t)number;
	s->n = n - slashes;
	return NULL;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ] */
static const char *
cut_dual(struct span *s, struct term *t)
{
	size_t before = s->n;
	const char *why = cut_length(s, 2, 128, &t->bits6);

	if (why != NULL)
		return why;
	/* "/24/64" is neither of the two. */
	why = cut_length(s, 1, 32, &t->bits4);
	if (why == NULL && s->n < before && s->n > 0 && s->p[s->n - 1] == '/')
		return "a prefix length has too many slashes";
	return why;
}

static const char *
parse_network(struct span s, enum argument argument, struct term *t)
{
	const char *why;

	if (argument == ARG_IP4) {
		if ((why = cut_length(&s, 1, 32, &t->bits4)) != NULL)
			return why;
		return address_parse_ip4(s, &t->network)
			   ? NULL
			   : "that is no IPv4 network";
	}
	if ((why = cut_length(&s, 1, 128, &t->bits6)) != NULL)
		return why;
	return address_parse_ip6(s, &t->network) ? NULL
						 : "that is no IPv6 network";
}

/* rest: what stands behind the mechanism's name. */
static const char *
parse_argument(const struct mechanism *m, struct span rest, struct term *t)
{
	const char *why = m->dual_cidr ? cut_dual(&rest, t) : NULL;

	if (why != NULL)
		return why;
	if (rest.n == 0)
		return m->argument >= ARG_DOMAIN ? "its argument is missing"
						 : NULL;
	if (rest.p[0] != ':')
		return "a : or a blank must follow the name";
	if (m->argument == ARG_NONE)
		return "it takes no argument";
	t->domain = (struct span){ rest.p + 1, rest.n - 1 };
	if (m->argument == ARG_IP4 || m->argument == ARG_IP6) {
		why = parse_network(t->domain, m->argument, t);
		t->domain.n = 0;
		return why;
	}
	return macro_fault(t->domain, MACRO_DOMAIN);
}

static const char *
parse_mechanism(struct span word, struct term *t)
{
	size_t n = 0;

	if (word.n > 0 && strchr("+-?~", word.p[0]) != NULL && word.p[0]) {
		t->qualifier = word.p[0];
		word.p++;
		word.n--;
	}
	while (n < word.n &&
	       (text_is_letter(word.p[n]) || text_is_digit(word.p[n])))
		n++;
	for (size_t i = 0; i < COUNT(mechanisms); i++) {
		const struct mechanism *m = &mechanisms[i];

		if (!span_is((struct span){ word.p, n }, m->name))
			continue;
		t->kind = m->kind;
		return parse_argument(
		    m, (struct span){ word.p + n, word.n - n }, t);
	}
	return "there is no such mechanism";
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ); 0: no modifier. */
static size_t
modifier_name(struct span word)
{
	size_t n = 0;

	if (word.n == 0 || !text_is_letter(word.p[0]))
		return 0;
	while (n < word.n &&
	       (text_is_letter(word.p[n]) || text_is_digit(word.p[n]) ||
		   word.p[n] == '-' || word.p[n] == '_' || word.p[n] == '.'))
		n++;
	return n < word.n && word.p[n] == '=' ? n : 0;
}

static const char *
parse_modifier(struct span word, size_t n, struct term *t)
{
	struct span value = { word.p + n + 1, word.n - n - 1 };

	t->kind = TERM_OTHER;
	for (size_t i = 0; i < COUNT(modifiers); i++)
		if (span_is((struct span){ word.p, n }, modifiers[i].name))
			t->kind = modifiers[i].kind;
	if (t->kind == TERM_OTHER)
		return macro_fault(value, MACRO_MODIFIER);
	t->domain = value;
	return macro_fault(value, MACRO_DOMAIN);
}

bool
record_next(struct span *rest, struct term *t, const char **why)
{
	struct span word = { NULL, 0 };
	size_t name;

	*why = NULL;
	while (rest->n > 0 && word.n == 0)
		word = span_cut(rest, ' ');
	if (word.n == 0)
		return false;
	*t = (struct term){ .qualifier = '+', .text = word };
	t->bits4 = 32;
	t->bits6 = 128;
	name = modifier_name(word);
	*why =
	    name > 0 ? parse_modifier(word, name, t) : parse_mechanism(word, t);
	return *why == NULL;
}

const char *
record_fault(struct span text, struct span *bad)
{
	struct span rest = record_terms(text);
	unsigned seen[TERM_OTHER + 1] = { 0 };
	struct term t = { .text = { text.p, 0 } };
	const char *why;

	while (record_next(&rest, &t, &why)) {
		seen[t.kind]++;
		if ((t.kind == TERM_REDIRECT || t.kind == TERM_EXP) &&
		    seen[t.kind] > 1) {
			why = "it stands there twice";
			break;
		}
	}
	if (why != NULL)
		*bad = t.text;
	return why;
}

bool
term_asks(const struct term *t)
{
	for (size_t i = 0; i < COUNT(mechanisms); i++)
		if (mechanisms[i].kind == t->kind)
			return mechanisms[i].asks;
	return t->kind == TERM_REDIRECT;
}
