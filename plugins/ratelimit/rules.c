/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

/* One word for each unit, as it stands in a counter's name. */
static const char *const words[LIMIT_UNITS] = {
	[LIMIT_MESSAGES] = "messages",
	[LIMIT_RECIPIENTS] = "recipients",
	[LIMIT_BYTES] = "bytes",
	[LIMIT_DISTINCT] = "distinct",
	[LIMIT_FAILED] = "failed",
};

static bool
is_rate(const struct limit *l)
{
	return l->what == LIMIT_RATE;
}

bool
rules_same_slot(const struct limit *a, const struct limit *b)
{
	return a->unit == b->unit && is_rate(a) == is_rate(b) &&
	       a->period_ms == b->period_ms;
}

uint32_t
rules_key_named(
    const struct rules_key *keys, uint32_t nkeys, const char *name, size_t n)
{
	for (uint32_t i = 0; i < nkeys; i++)
		if (strlen(keys[i].name) == n &&
		    memcmp(keys[i].name, name, n) == 0)
			return i;
	return nkeys;
}

static bool
is_set(const struct rules *r, const struct rule *rule)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->items[i].key == rule->key &&
		    rules_same_slot(&r->items[i].limit, &rule->limit))
			return true;
	return false;
}

static void
add(struct rules *r, const struct rule *rule)
{
	if (is_set(r, rule))
		return;
	if (r->count == RULES_MOST)
		r->full = true;
	else
		r->items[r->count++] = *rule;
}

/* Keys of which "unlimited" was said: a bit each. */
struct building {
	struct rules *rules;
	const struct rules_key *keys;
	uint32_t nkeys;
	uint32_t unlimited;
};

/* After "unlimited" a limit is counted, so that it can be looked at. */
static void
add_limit(struct building *b, struct rule *rule)
{
	if (b->unlimited >> rule->key & 1)
		rule->limit.amount = -1;
	add(b->rules, rule);
}

/* "unlimited" holds for what comes later, not for its own neighbours. */
static void
add_override(struct building *b, const struct rules_override *o)
{
	const char *at = o->text;
	uint32_t unlimited = 0;
	struct rule rule = { .source = o->source, .by = o->key };

	while (limit_next(&at, &rule.limit) == NULL &&
	       rule.limit.what != LIMIT_END) {
		rule.key = o->key;
		if (rule.limit.key_bytes > 0)
			rule.key = rules_key_named(b->keys, b->nkeys,
			    rule.limit.key, rule.limit.key_bytes);
		if (rule.key >= b->nkeys || b->keys[rule.key].value == NULL)
			continue;
		if (rule.limit.what == LIMIT_BLOCKED) {
			if (b->rules->blocked.source == NULL)
				b->rules->blocked = rule;
		} else if (rule.limit.period_ms == 0) {
			unlimited |= UINT32_C(1) << rule.key;
		} else {
			if (rule.limit.what == LIMIT_UNLIMITED)
				rule.limit.what = LIMIT_WINDOW;
			add_limit(b, &rule);
		}
	}
	b->unlimited |= unlimited;
}

/* A rate has nothing to count: without its limit it is gone. */
static void
drop_unlimited_rates(struct rules *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->count; i++)
		if (r->items[i].limit.amount >= 0 ||
		    !is_rate(&r->items[i].limit))
			r->items[kept++] = r->items[i];
	r->count = kept;
}

void
rules_build(struct rules *r, const struct rules_key *keys, uint32_t nkeys,
    const struct rule *defaults, uint32_t ndefaults,
    const struct rules_override *overrides, uint32_t noverrides)
{
	struct building b = { r, keys, nkeys, 0 };

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; i < noverrides; i++)
		if (keys[overrides[i].key].value != NULL)
			add_override(&b, &overrides[i]);
	for (uint32_t i = 0; i < ndefaults; i++) {
		struct rule rule = defaults[i];

		if (keys[rule.key].value != NULL)
			add_limit(&b, &rule);
	}
	drop_unlimited_rates(r);
}

size_t
rules_counter(char out[RULES_COUNTER_BYTES], const char *name,
    const char *value, const struct limit *l)
{
	int n = snprintf(out, RULES_COUNTER_BYTES, "%.*s:%.220s %s %c%lld",
	    RULES_NAME_BYTES, name, value, words[l->unit],
	    is_rate(l) ? 'R' : 'W', (long long)l->period_ms);

	return n > 0 ? (size_t)n : 0;
}

static bool
parse_period(const char *p, size_t n, int64_t *ms)
{
	int64_t number = 0;

	if (n == 0 || n > 11)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		number = number * 10 + (p[i] - '0');
	}
	*ms = number;
	return number >= 1000 && number <= LIMIT_SECONDS_MOST * INT64_C(1000);
}

static bool
parse_word(const char *p, size_t n, enum limit_unit *unit)
{
	for (int u = 0; u < LIMIT_UNITS; u++)
		if (strlen(words[u]) == n && memcmp(words[u], p, n) == 0) {
			*unit = (enum limit_unit)u;
			return true;
		}
	return false;
}

bool
rules_counter_parse(const char *text, size_t n, struct rules_counter_parts *out)
{
	struct rules_counter_parts c = { .name = text };
	const char *end = text + n, *colon = memchr(text, ':', n);
	const char *blank = memchr(text, ' ', n), *last;

	if (colon == NULL || blank == NULL || blank < colon)
		return false;
	last = memchr(blank + 1, ' ', (size_t)(end - blank) - 1);
	if (last == NULL || end - last < 3 ||
	    (last[1] != 'W' && last[1] != 'R'))
		return false;
	c.name_bytes = (size_t)(colon - text);
	c.value = colon + 1;
	c.value_bytes = (size_t)(blank - colon) - 1;
	c.limit.what = last[1] == 'R' ? LIMIT_RATE : LIMIT_WINDOW;
	if (c.value_bytes == 0 ||
	    !parse_word(blank + 1, (size_t)(last - blank) - 1, &c.limit.unit) ||
	    !parse_period(
		last + 2, (size_t)(end - last) - 2, &c.limit.period_ms))
		return false;
	*out = c;
	return true;
}

void
rules_squeeze(struct rules *r, int64_t divisor)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct limit *l = &r->items[i].limit;

		if (l->amount > 0 && l->amount / divisor > 0)
			l->amount /= divisor;
		else if (l->amount > 0)
			l->amount = 1;
		if (l->burst > l->amount)
			l->burst = l->amount;
	}
}
