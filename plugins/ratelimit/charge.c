/* SPDX-License-Identifier: Apache-2.0 */
#include "charge.h"

#include <stdio.h>
#include <string.h>

#include "key.h"

static struct mr_bytes
bytes(const char *text)
{
	return (struct mr_bytes){ text, (uint32_t)strlen(text) };
}

static const char *
keep(struct mr_ctx *c, const char *text, size_t n)
{
	char *copy = c->host->alloc(c, n + 1);

	memcpy(copy, text, n);
	return copy;
}

static struct mr_limit
limit_of(struct mr_ctx *c, const struct charge_wish *w, const struct rule *r,
    int64_t cost)
{
	const struct rules_key *k = &w->keys[r->key];
	char name[RULES_COUNTER_BYTES];
	size_t n = rules_counter(name, k->name, k->value, &r->limit);
	int64_t amount = r->limit.amount, burst = r->limit.burst;

	if (w->margin > 0 && amount > 0) {
		amount += amount * w->margin / 100;
		burst += burst * w->margin / 100;
	}
	return (struct mr_limit){
		.key = { keep(c, name, n), (uint32_t)n },
		.kind = r->limit.what == LIMIT_RATE ? MR_LIMIT_RATE
						    : MR_LIMIT_WINDOW,
		.amount = amount,
		.period_ms = r->limit.period_ms,
		.burst = burst > 0 ? burst : 1,
		.cost = cost,
		.share = w->share,
	};
}

/* Messages and bytes are taken once a message from each counter. */
static bool
has_taken(
    const struct charges *all, enum limit_unit unit, const struct mr_limit *l)
{
	if (unit != LIMIT_MESSAGES && unit != LIMIT_BYTES)
		return false;
	for (const struct charge *ch = all->first; ch != NULL; ch = ch->next)
		for (uint32_t i = 0; i < ch->n && !ch->returned; i++)
			if (ch->rules[i]->limit.unit == unit &&
			    ch->limits[i].key.n == l->key.n &&
			    memcmp(ch->limits[i].key.p, l->key.p, l->key.n) ==
				0)
				return true;
	return false;
}

/* FNV-1a: a mark is a name that only has to be short. */
static uint64_t
hash_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

/* The same recipient twice in one message. */
static bool
has_mark(const struct charges *all, const char *mark)
{
	for (const struct charge *ch = all->first; ch != NULL; ch = ch->next)
		for (uint32_t i = 0; i < ch->n; i++)
			if (ch->marks[i] != NULL &&
			    strcmp(ch->marks[i], mark) == 0)
				return true;
	return false;
}

/*
 * A recipient is marked for one period from the first time on; whose mark it
 * is tells a message that is told again from a second message.
 */
static mr_store_status
mark(struct mr_ctx *c, const struct charges *all, const struct charge_wish *w,
    const struct mr_limit *l, const char **mark)
{
	struct mr_bytes group = bytes(w->group), mine = bytes(c->message_id);
	struct mr_bytes value;
	char name[400], spelt[KEY_VALUE_BYTES + 1];
	mr_store_status status;
	int n;

	key_spell(spelt, w->recipient);
	for (char *p = spelt; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	n = snprintf(name, sizeof(name), "d %.*s %016llx", (int)l->key.n,
	    (const char *)l->key.p, (unsigned long long)hash_of(spelt));
	*mark = keep(c, name, (size_t)n);
	if (has_mark(all, *mark))
		return MR_STORE_OVER;
	status = w->store->add(c, group, bytes(*mark), mine, l->period_ms);
	if (status == MR_STORE_OVER &&
	    w->store->get(c, group, bytes(*mark), &value) == MR_STORE_OK &&
	    value.n == mine.n && memcmp(value.p, mine.p, mine.n) == 0)
		status = MR_STORE_OK;
	return status;
}

static void
unmark(struct mr_ctx *c, const struct charge_wish *w, const struct charge *ch)
{
	for (uint32_t i = 0; i < ch->n; i++)
		if (ch->marks[i] != NULL)
			w->store->remove(
			    c, bytes(w->group), bytes(ch->marks[i]));
}

static struct charge *
new_charge(struct mr_ctx *c, uint32_t room)
{
	struct charge *ch = c->host->alloc(c, sizeof(*ch));

	ch->limits = c->host->alloc(c, room * sizeof(*ch->limits));
	ch->states = c->host->alloc(c, room * sizeof(*ch->states));
	ch->rules = c->host->alloc(c, room * sizeof(*ch->rules));
	ch->marks = c->host->alloc(c, room * sizeof(*ch->marks));
	return ch;
}

/* The limits that the rules make of the wish; false: the store is away. */
static bool
collect(struct mr_ctx *c, const struct charges *all,
    const struct charge_wish *w, struct charge *ch)
{
	for (uint32_t i = 0; i < w->rules->count; i++) {
		const struct rule *r = &w->rules->items[i];
		int64_t cost = w->cost[r->limit.unit];
		struct mr_limit l;
		mr_store_status status;

		if (cost == 0)
			continue;
		l = limit_of(c, w, r, cost);
		if (all != NULL && has_taken(all, r->limit.unit, &l))
			continue;
		if (r->limit.unit == LIMIT_DISTINCT) {
			status = mark(c, all, w, &l, &ch->marks[ch->n]);
			if (status == MR_STORE_DOWN)
				return false;
			if (status != MR_STORE_OK) {
				ch->marks[ch->n] = NULL;
				continue;
			}
		}
		ch->rules[ch->n] = r;
		ch->limits[ch->n++] = l;
	}
	return true;
}

static enum charge_result
refused(const struct charge *ch, uint32_t at, struct charge_refusal *why)
{
	if (at >= ch->n)
		at = 0;
	why->rule = ch->rules[at];
	why->state = ch->states[at];
	return ch->states[at].retry_ms < 0 ? CHARGE_NEVER : CHARGE_OVER;
}

static const char *
step_name(struct mr_ctx *c, const struct charge_wish *w, uint32_t step)
{
	char name[100];
	int n = snprintf(name, sizeof(name), "%.60s %08x %u", c->message_id,
	    w->identity, step);

	return keep(c, name, (size_t)n);
}

enum charge_result
charge_take(struct mr_ctx *c, struct charges *all, const struct charge_wish *w,
    struct charge_refusal *why)
{
	struct charge *ch = new_charge(c, w->rules->count + 1);
	mr_store_status status;
	uint32_t at = 0;

	/* Counted even if nothing is taken: told again, it is the same. */
	ch->once = step_name(c, w, all->steps++);
	ch->recipient = w->recipient;
	if (!collect(c, all, w, ch)) {
		unmark(c, w, ch);
		return CHARGE_DOWN;
	}
	if (ch->n == 0)
		return CHARGE_OK;
	status = w->store->reserve(c, bytes(w->group), ch->limits, ch->n,
	    bytes(ch->once), ch->states, &at);
	if (status == MR_STORE_OK) {
		ch->next = all->first;
		all->first = ch;
		return CHARGE_OK;
	}
	unmark(c, w, ch);
	return status == MR_STORE_OVER ? refused(ch, at, why) : CHARGE_DOWN;
}

enum charge_result
charge_take_bytes(struct mr_ctx *c, struct charges *all,
    const struct charge_wish *w, int64_t more, struct charge_refusal *why)
{
	struct charge *ch = new_charge(c, MR_LIMIT_MOST);
	mr_store_status status;
	uint32_t at = 0;

	ch->once = step_name(c, w, all->steps++);
	for (const struct charge *x = all->first; x != NULL; x = x->next)
		for (uint32_t i = 0; i < x->n && ch->n < MR_LIMIT_MOST; i++)
			if (x->rules[i]->limit.unit == LIMIT_BYTES) {
				ch->rules[ch->n] = x->rules[i];
				ch->limits[ch->n] = x->limits[i];
				ch->limits[ch->n++].cost = more;
			}
	if (ch->n == 0)
		return CHARGE_OK;
	status = w->store->reserve(c, bytes(w->group), ch->limits, ch->n,
	    bytes(ch->once), ch->states, &at);
	if (status == MR_STORE_OVER)
		return refused(ch, at, why);
	if (status != MR_STORE_OK)
		return CHARGE_DOWN;
	ch->next = all->first;
	all->first = ch;
	return CHARGE_OK;
}

/* The first limit that has no room; n: all have. */
static uint32_t
first_full(const struct charge *ch, const int64_t *costs)
{
	uint32_t i = 0;

	while (i < ch->n && ch->states[i].free >= costs[i])
		i++;
	return i;
}

/*
 * A look costs nothing; only one that finds no room asks in earnest, which
 * tells how long to wait, and gives back what was free after all.
 */
enum charge_result
charge_look(
    struct mr_ctx *c, const struct charge_wish *w, struct charge_refusal *why)
{
	struct charge *ch = new_charge(c, w->rules->count + 1);
	struct charge_wish looked = *w;
	struct mr_bytes group = bytes(w->group), no_name = { "", 0 };
	int64_t costs[RULES_MOST];
	mr_store_status status;
	uint32_t at = 0;

	looked.cost[LIMIT_DISTINCT] = 0; /* it may be one that is known */
	collect(c, NULL, &looked, ch);
	if (ch->n == 0)
		return CHARGE_OK;
	for (uint32_t i = 0; i < ch->n; i++) {
		costs[i] = ch->limits[i].cost;
		ch->limits[i].cost = 0;
	}
	status = w->store->reserve(
	    c, group, ch->limits, ch->n, no_name, ch->states, &at);
	if (status != MR_STORE_OK)
		return CHARGE_DOWN;
	if (first_full(ch, costs) == ch->n)
		return CHARGE_OK;
	for (uint32_t i = 0; i < ch->n; i++)
		ch->limits[i].cost = costs[i];
	status = w->store->reserve(
	    c, group, ch->limits, ch->n, no_name, ch->states, &at);
	if (status == MR_STORE_OK)
		w->store->refund(
		    c, group, ch->limits, ch->states, ch->n, no_name);
	if (status == MR_STORE_OVER)
		return refused(ch, at, why);
	return status == MR_STORE_OK ? CHARGE_OK : CHARGE_DOWN;
}

void
charge_return(
    struct mr_ctx *c, struct charges *all, const struct charge_wish *w)
{
	for (struct charge *ch = all->first; ch != NULL; ch = ch->next) {
		if (ch->returned)
			continue;
		ch->returned = true;
		w->store->refund(c, bytes(w->group), ch->limits, ch->states,
		    ch->n, bytes(ch->once));
		unmark(c, w, ch);
	}
}

/* Some of the limits of a taking: those of these units, at this cost. */
static void
return_some(struct mr_ctx *c, const struct charge_wish *w, struct charge *ch,
    uint32_t units, int64_t cost)
{
	struct mr_limit limits[MR_LIMIT_MOST];
	struct mr_limit_state states[MR_LIMIT_MOST];
	uint32_t n = 0;

	for (uint32_t i = 0; i < ch->n; i++) {
		if ((units >> ch->rules[i]->limit.unit & 1) == 0)
			continue;
		if (ch->marks[i] != NULL)
			w->store->remove(
			    c, bytes(w->group), bytes(ch->marks[i]));
		ch->marks[i] = NULL;
		limits[n] = ch->limits[i];
		if (cost > 0)
			limits[n].cost = cost;
		states[n++] = ch->states[i];
		ch->limits[i].cost -= limits[n - 1].cost;
	}
	if (n > 0)
		w->store->refund(c, bytes(w->group), limits, states, n,
		    (struct mr_bytes){ "", 0 });
}

static bool
is_recipient(const struct mr_ctx *c, const char *address)
{
	for (const char *const *r = c->recipients; r && *r != NULL; r++)
		if (strcmp(*r, address) == 0)
			return true;
	return false;
}

void
charge_return_lost(
    struct mr_ctx *c, struct charges *all, const struct charge_wish *w)
{
	for (struct charge *ch = all->first; ch != NULL; ch = ch->next)
		if (!ch->returned && ch->recipient != NULL &&
		    !is_recipient(c, ch->recipient)) {
			return_some(c, w, ch,
			    UINT32_C(1) << LIMIT_RECIPIENTS |
				UINT32_C(1) << LIMIT_DISTINCT,
			    0);
			ch->recipient = NULL;
		}
}

void
charge_return_bytes(struct mr_ctx *c, struct charges *all,
    const struct charge_wish *w, int64_t amount)
{
	for (struct charge *ch = all->first; ch != NULL; ch = ch->next)
		if (!ch->returned)
			return_some(
			    c, w, ch, UINT32_C(1) << LIMIT_BYTES, amount);
}
