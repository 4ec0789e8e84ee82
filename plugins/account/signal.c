/* SPDX-License-Identifier: Apache-2.0 */
#include "signal.h"

#include <string.h>

enum { NUMBER_MOST = 1000000000, PERIOD_DAYS_MOST = 28 };

static const struct {
	const char *name;
	bool distinct;
	struct signal usual;
} kinds[SIGNAL_KINDS] = {
	[SIGNAL_NETWORKS] = { "networks", true, { true, 10, 3600000, 0, 3 } },
	[SIGNAL_COUNTRIES] = { "countries", true, { true, 3, 86400000, 0, 3 } },
	[SIGNAL_ASNS] = { "asns", true, { true, 5, 3600000, 0, 2 } },
	[SIGNAL_UNKNOWN] = { "unknown-recipients", false,
	    { true, 100, 3600000, 0, 5 } },
	[SIGNAL_FOREIGN] = { "foreign-from", false,
	    { true, 5, 3600000, 0, 2 } },
	[SIGNAL_OVER] = { "over-limit", false, { true, 100, 3600000, 0, 2 } },
	[SIGNAL_SPAM] = { "spam", false, { true, 3, 3600000, 0, 4 } },
	[SIGNAL_RISE] = { "rise", false, { true, 50, 3600000, 4, 3 } },
};

const char *
signal_name(enum signal_kind kind)
{
	return kinds[kind].name;
}

bool
signal_is_distinct(enum signal_kind kind)
{
	return kinds[kind].distinct;
}

void
signal_defaults(struct signal signals[SIGNAL_KINDS])
{
	for (int i = 0; i < SIGNAL_KINDS; i++)
		signals[i] = kinds[i].usual;
}

static void
blanks(const char **at)
{
	*at += strspn(*at, " \t");
}

static bool
take_number(const char **at, int64_t least, int64_t *out)
{
	const char *p = *at;
	int64_t n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (*p - '0');
		if (n > NUMBER_MOST)
			return false;
	}
	if (n < least)
		return false;
	*at = p;
	blanks(at);
	*out = n;
	return true;
}

static bool
take_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) != 0 ||
	    ((*at)[n] != ' ' && (*at)[n] != '\t' && (*at)[n] != '\0'))
		return false;
	*at += n;
	blanks(at);
	return true;
}

static const char *
take_period(const char **at, int64_t *ms)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 },
		{ 'd', 86400000 } };
	int64_t n;

	if (**at != '/')
		return "after the number comes the period, as in \"10 / 1h\"";
	++*at;
	blanks(at);
	if (!take_number(at, 1, &n))
		return "after / comes the period, as in \"10 / 1h\"";
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (**at != units[i].letter)
			continue;
		++*at;
		if (**at != ' ' && **at != '\t' && **at != '\0')
			break;
		blanks(at);
		if (n > PERIOD_DAYS_MOST * INT64_C(86400000) / units[i].ms)
			return "the period must be 1s to 28d";
		*ms = n * units[i].ms;
		return NULL;
	}
	return "the period needs a unit: 30m, 1h or 1d";
}

static const char *
take_rest(const char **at, enum signal_kind kind, struct signal *s)
{
	s->weight = kinds[kind].usual.weight;
	s->factor = kinds[kind].usual.factor;
	while (**at != '\0') {
		if (take_word(at, "weight")) {
			if (!take_number(at, 1, &s->weight))
				return "after weight comes a number from 1";
		} else if (kind == SIGNAL_RISE && take_word(at, "factor")) {
			if (!take_number(at, 1, &s->factor))
				return "after factor comes a number from 1";
		} else {
			return "after the period comes \"weight N\", of rise "
			       "also \"factor N\"";
		}
	}
	return NULL;
}

const char *
signal_parse(const char *text, enum signal_kind *kind, struct signal *out)
{
	struct signal s = { .watched = true };
	const char *why;
	int k = 0;

	blanks(&text);
	while (k < SIGNAL_KINDS && !take_word(&text, kinds[k].name))
		k++;
	if (k == SIGNAL_KINDS)
		return "there is no such signal; there are networks, "
		       "countries, asns, unknown-recipients, foreign-from, "
		       "over-limit, spam and rise";
	if (!take_number(&text, 0, &s.threshold))
		return "after the name comes a number, as in \"networks 10 / "
		       "1h\"";
	if (kinds[k].distinct && s.threshold >= SIGNAL_DISTINCT_MOST)
		return "different ones are counted to 255; use less than that";
	if ((why = take_period(&text, &s.period_ms)) != NULL ||
	    (why = take_rest(&text, (enum signal_kind)k, &s)) != NULL)
		return why;
	*kind = (enum signal_kind)k;
	*out = s;
	return NULL;
}

bool
signal_raised(enum signal_kind kind, const struct signal *s, int64_t value,
    int64_t baseline)
{
	int64_t most = s->threshold;

	if (kind == SIGNAL_RISE && baseline * s->factor > most)
		most = baseline * s->factor;
	return s->watched && value > most;
}

int64_t
signal_sum(const struct signal signals[SIGNAL_KINDS],
    const int64_t values[SIGNAL_KINDS], int64_t baseline)
{
	int64_t sum = 0;

	for (int i = 0; i < SIGNAL_KINDS; i++)
		if (signal_raised(
			(enum signal_kind)i, &signals[i], values[i], baseline))
			sum += signals[i].weight;
	return sum;
}
