/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "DNSBL_"

struct word {
	const char *p;
	size_t n;
};

static struct word
next_word(const char **at)
{
	struct word w = { *at + strspn(*at, " \t"), 0 };

	w.n = strcspn(w.p, " \t");
	*at = w.p + w.n;
	return w;
}

static bool
is(struct word w, const char *text)
{
	return strlen(text) == w.n && memcmp(w.p, text, w.n) == 0;
}

/* Cut off what stands before the first c, and c; all if there is none. */
static struct word
cut(struct word *w, char c)
{
	const char *at = memchr(w->p, c, w->n);
	struct word head = { w->p, at != NULL ? (size_t)(at - w->p) : w->n };
	size_t taken = head.n + (at != NULL);

	w->p += taken;
	w->n -= taken;
	return head;
}

static bool
copy_of(struct word w, const char *good, char *out, size_t size)
{
	if (w.n == 0 || w.n >= size)
		return false;
	memcpy(out, w.p, w.n);
	out[w.n] = '\0';
	return strspn(out, good) == w.n;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
zone_ok(const char *zone)
{
	size_t label = 0;

	for (; *zone != '\0'; zone++) {
		if (*zone == '.' && label == 0)
			return false;
		label = *zone == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static bool
parse_kinds(struct word all, struct entry *e)
{
	static const char *const names[KINDS] = { "client", "helo", "sender",
		"dkim", "url" };
	static const char tail[] = "-host";

	while (all.n > 0) {
		struct word one = cut(&all, ',');
		bool whole = one.n > sizeof(tail) - 1 &&
			     memcmp(one.p + one.n - (sizeof(tail) - 1), tail,
				 sizeof(tail) - 1) == 0;
		int k = 0;

		if (whole)
			one.n -= sizeof(tail) - 1;
		while (k < KINDS && !is(one, names[k]))
			k++;
		if (k == KINDS || (whole && k == CLIENT))
			return false;
		e->with[k] = true;
		e->whole[k] = whole;
	}
	for (int k = 0; k < KINDS; k++)
		if (e->with[k])
			return true;
	return false;
}

static bool
parse_byte(struct word w, uint32_t *out)
{
	uint32_t value = 0;

	if (w.n == 0 || w.n > 3)
		return false;
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(w.p[i] - '0');
	}
	*out = value;
	return value <= 255;
}

static bool
parse_address(struct word w, uint32_t *out)
{
	uint32_t byte, all = 0;

	for (int i = 0; i < 4; i++) {
		if (!parse_byte(cut(&w, '.'), &byte))
			return false;
		all = all << 8 | byte;
	}
	*out = all;
	return w.n == 0 && w.p[-1] != '.';
}

/* "*", "&4", "127.0.0.2", "127.0.0.4-7", "127.0.0.4-127.0.1.255" */
static bool
parse_values(struct word w, struct entry_answer *a)
{
	struct word low;
	uint32_t byte;

	if (is(w, "*")) {
		a->how = ANSWER_ANY;
		return true;
	}
	if (w.n > 1 && w.p[0] == '&') {
		a->how = ANSWER_MASK;
		w.p++;
		w.n--;
		return parse_byte(w, &a->low) && a->low > 0;
	}
	a->how = ANSWER_RANGE;
	low = cut(&w, '-');
	if (!parse_address(low, &a->low))
		return false;
	a->high = a->low;
	if (w.n == 0 && w.p[-1] == '-')
		return false;
	if (w.n == 0)
		return entry_meaning(a->low);
	if (parse_byte(w, &byte))
		a->high = (a->low & 0xffffff00) | byte;
	else if (!parse_address(w, &a->high))
		return false;
	return a->low <= a->high && entry_meaning(a->low) &&
	       entry_meaning(a->high);
}

static bool
parse_score(struct word w, double *out)
{
	char text[16], *end;

	if (!copy_of(w, DIGITS ".-", text, sizeof(text)))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && *out >= -1000 && *out <= 1000;
}

static const char *
parse_answer(struct word w, struct entry *e)
{
	struct word values = cut(&w, '='), symbol = cut(&w, ':');
	struct entry_answer *a = &e->answers[e->count];

	if (e->count == ENTRY_ANSWERS)
		return "it has more than 32 answers";
	if (!parse_values(values, a))
		return "an answer is 127.0.0.2, 127.0.0.4-7, &4 (a bit of the "
		       "last byte) or *";
	memcpy(a->symbol, PREFIX, sizeof(PREFIX));
	if (!copy_of(symbol, UPPER DIGITS "_", a->symbol + strlen(PREFIX),
		ENTRY_SYMBOL - strlen(PREFIX)))
		return "after an answer comes =SYMBOL, of capital letters, "
		       "digits and \"_\"";
	a->score = 1;
	if (w.n > 0 || w.p[-1] == ':')
		if (!parse_score(w, &a->score))
			return "after a symbol comes :SCORE, a number from "
			       "-1000 to 1000";
	e->count++;
	return NULL;
}

static const char *
parse_rest(const char *at, struct entry *e)
{
	struct word w;
	const char *why;

	while ((w = next_word(&at)).n > 0) {
		if (is(w, "untested"))
			e->untested = true;
		else if ((why = parse_answer(w, e)) != NULL)
			return why;
	}
	return e->count > 0 ? NULL
			    : "no answer means anything: add one, such "
			      "as 127.0.0.2=LISTED:3";
}

bool
entry_parse(const char *text, struct entry *e, const char **why)
{
	struct word name, zone;

	memset(e, 0, sizeof(*e));
	*why = NULL;
	name = next_word(&text);
	zone = next_word(&text);
	if (zone.n > 1 && zone.p[zone.n - 1] == '.')
		zone.n--;
	if (!copy_of(name, LOWER UPPER DIGITS "_-", e->name, ENTRY_NAME)) {
		e->name[0] = '\0';
		*why = "it begins with a short name of its own, of letters, "
		       "digits, \"-\" and \"_\"";
	} else if (!copy_of(
		       zone, LOWER UPPER DIGITS "_-.", e->zone, ENTRY_ZONE) ||
		   !zone_ok(e->zone)) {
		*why = "after the name comes the list's zone, such as "
		       "list.example.com";
	} else if (!parse_kinds(next_word(&text), e)) {
		*why = "after the zone comes what it is asked with: client, "
		       "helo, sender, dkim, url, apart by commas";
	} else {
		*why = parse_rest(text, e);
	}
	return *why == NULL;
}

bool
entry_meaning(uint32_t address)
{
	/* 127.255.255.0/24: how lists say that they do not answer. */
	return address >> 24 == 127 && address >> 8 != 0x7fffff;
}

static bool
matches(const struct entry_answer *a, uint32_t address)
{
	if (a->how == ANSWER_MASK)
		return (address & 0xff & a->low) != 0;
	return a->how == ANSWER_RANGE && address >= a->low &&
	       address <= a->high;
}

static bool
matches_none(const struct entry *e, uint32_t address)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (matches(&e->answers[i], address))
			return false;
	return true;
}

const struct entry_answer *
entry_match(const struct entry *e, uint32_t address, uint32_t *at)
{
	if (!entry_meaning(address))
		return NULL;
	while (*at < e->count) {
		const struct entry_answer *a = &e->answers[(*at)++];

		if (a->how == ANSWER_ANY ? matches_none(e, address)
					 : matches(a, address))
			return a;
	}
	return NULL;
}
