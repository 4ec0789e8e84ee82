/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tell.h"

enum { SQUEEZE_MOST = 1000000 };

static struct ratelimit *
self(struct mr_ctx *c)
{
	return c->self;
}

static const struct ratelimit_conf *
conf(struct mr_ctx *c)
{
	return self(c)->conf;
}

static struct charge_wish
wish(struct mr_ctx *c, const struct rules *rules, const struct rules_key *keys)
{
	const struct ratelimit *r = self(c);

	return (struct charge_wish){
		.store = r->store,
		.group = r->conf->group,
		.identity = r->identity,
		.keys = keys,
		.rules = rules,
		.share = r->conf->when_store_down == DOWN_SHARE,
	};
}

/* --- whom it applies to --- */

static bool
is_exempt(struct mr_ctx *c)
{
	const struct ratelimit *r = self(c);
	const struct story *m = c->message;
	int64_t null = r->conf->exempt_null_sender;

	/* A login that could send <> without a limit would. */
	if (c->sender != NULL && c->sender[0] == '\0' &&
	    (null == NULL_YES ||
		(null == NULL_UNAUTHENTICATED && c->client->login == NULL)))
		return true;
	for (uint32_t i = 0; r->conf->exempt != NULL && i < r->nkeys; i++)
		if (m->keys[i].value != NULL &&
		    instance_look_up(r, c, r->conf->exempt, m->keys[i].value) !=
			NULL)
			return true;
	return false;
}

static bool
is_exempt_recipient(struct mr_ctx *c, const char *to)
{
	return conf(c)->exempt_recipients != NULL &&
	       instance_look_up(self(c), c, conf(c)->exempt_recipients, to) !=
		   NULL;
}

/* The rules of keys, overrides and all. */
static void
build(struct mr_ctx *c, struct rules *out, const struct rules_key *keys)
{
	struct ratelimit *r = self(c);
	const struct story *m = c->message;
	struct rules_override overrides[INSTANCE_OVERRIDES];
	uint32_t n = instance_overrides(r, c, keys, overrides);

	rules_build(
	    out, keys, r->nkeys, r->defaults, r->ndefaults, overrides, n);
	if (out->full)
		c->host->log(c->host, c, MR_LOG_WARN,
		    "more than 24 limits hold for this message; the last are "
		    "left out");
	if (m->squeeze > 1)
		rules_squeeze(out, m->squeeze);
}

static void
read_squeeze(struct mr_ctx *c)
{
	const char *text = c->host->note(c, "account.squeeze");
	struct story *m = c->message;
	long n = text != NULL ? strtol(text, NULL, 10) : 1;

	m->squeeze = n >= 1 && n <= SQUEEZE_MOST ? n : 1;
}

/* Once a message, at the first stage that asks. */
static mr_verdict
prepare(struct mr_ctx *c)
{
	const struct ratelimit *r = self(c);
	struct story *m = c->message;
	struct facts facts = { .instance = r, .ctx = c };

	m->ready = true;
	if (m->declared == 0)
		m->declared = 1;
	for (uint32_t i = 0; i < r->nkeys; i++) {
		enum key_state state = facts_key(&facts, i, &m->keys[i].value);

		memcpy(m->keys[i].name, r->names[i], sizeof(r->names[i]));
		m->states[i] = state == KEY_LATER   ? STORY_LATE
			       : state == KEY_VALUE ? STORY_KNOWN
						    : 0;
	}
	if (is_exempt(c)) {
		tell_result(c, "exempt");
		return MR_SKIP;
	}
	read_squeeze(c);
	build(c, &m->rules, m->keys);
	if (m->rules.blocked.source != NULL)
		return tell_blocked(c);
	tell_result(c, "ok");
	return MR_CONTINUE;
}

/* --- the stages --- */

static int64_t
declared_size(const char *const *args)
{
	for (; args != NULL && *args != NULL; args++)
		if (strncasecmp(*args, "SIZE=", 5) == 0) {
			char *end;
			long long n = strtoll(*args + 5, &end, 10);

			if (*end == '\0' && n > 0 && n <= LIMIT_AMOUNT_MOST)
				return n;
		}
	return 0;
}

/* A limit that one message alone exceeds, whatever else was sent. */
static const struct rule *
too_large(const struct rules *rules, int64_t bytes)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct limit *l = &rules->items[i].limit;
		int64_t most = l->what == LIMIT_RATE ? l->burst : l->amount;

		if (l->unit == LIMIT_BYTES && l->amount >= 0 && bytes > most)
			return &rules->items[i];
	}
	return NULL;
}

mr_verdict
story_mail(struct mr_ctx *c, const char *const *args)
{
	struct story *m = c->message;
	struct charge_refusal why = { 0 };
	struct charge_wish w;
	enum charge_result result;
	mr_verdict v;

	m->declared = declared_size(args);
	if ((v = prepare(c)) != MR_CONTINUE)
		return v;
	if ((why.rule = too_large(&m->rules, m->declared)) != NULL)
		return tell_over(c, CHARGE_NEVER, &why, m->keys);
	/*
	 * Within a margin there may be room yet; and of mail that is counted
	 * at its end Postfix can refuse nothing before.
	 */
	if (conf(c)->over == OVER_HOLD || conf(c)->count_at == COUNT_AT_EOM)
		return MR_CONTINUE;
	w = wish(c, &m->rules, m->keys);
	w.cost[LIMIT_MESSAGES] = w.cost[LIMIT_RECIPIENTS] = 1;
	w.cost[LIMIT_FAILED] = 1;
	w.cost[LIMIT_BYTES] = m->declared;
	result = charge_look(c, &w, &why);
	if (result == CHARGE_OK)
		return MR_CONTINUE;
	if (result == CHARGE_DOWN)
		return tell_down(c);
	return tell_over(c, result, &why, m->keys);
}

/* Take it; held: over, but within the margin of over = hold. */
static mr_verdict
take(struct mr_ctx *c, struct charge_wish *w)
{
	struct story *m = c->message;
	struct charge_refusal why;
	enum charge_result result = charge_take(c, &m->charges, w, &why);

	if (result == CHARGE_OVER && conf(c)->over == OVER_HOLD) {
		w->margin = conf(c)->hold_margin;
		result = charge_take(c, &m->charges, w, &why);
		w->margin = 0;
		if (result == CHARGE_OK && !m->held) {
			m->held = true;
			tell_result(c, "held");
			c->host->symbol(c, "RATELIMIT_HELD", 0, NULL);
			c->host->quarantine(c, "sending limit reached");
		}
	}
	if (result == CHARGE_OK)
		return MR_CONTINUE;
	if (result == CHARGE_DOWN)
		return tell_down(c);
	return tell_over(c, result, &why, w->keys);
}

/*
 * The keys for this recipient: those known from mail on, and those that name
 * the recipient.  The rules are the message's own if there are none of these.
 */
static struct rules *
rules_for(struct mr_ctx *c, const char *to, const struct rules_key **keys)
{
	const struct ratelimit *r = self(c);
	struct story *m = c->message;
	struct facts facts = { .instance = r, .ctx = c, .recipient = to };
	struct rules_key *own;
	struct rules *rules;

	*keys = m->keys;
	if (!r->some_by_recipient)
		return &m->rules;
	own = c->host->alloc(c, sizeof(m->keys));
	memcpy(own, m->keys, sizeof(m->keys));
	for (uint32_t i = 0; i < r->nkeys; i++)
		if (r->by_recipient[i] &&
		    facts_key(&facts, i, &own[i].value) != KEY_VALUE)
			own[i].value = NULL;
	rules = c->host->alloc(c, sizeof(*rules));
	build(c, rules, own);
	*keys = own;
	return rules;
}

/* One that the MTA has refused: counted, and never given back. */
static void
count_failed(struct mr_ctx *c)
{
	const struct story *m = c->message;
	struct charge_wish w = wish(c, &m->rules, m->keys);
	struct charges apart = { 0 };
	struct charge_refusal why;

	w.cost[LIMIT_FAILED] = 1;
	/* Its name must not be that of another taking. */
	apart.steps = 0x40000000u + m->charges.steps;
	((struct story *)c->message)->charges.steps++;
	charge_take(c, &apart, &w, &why);
}

static bool
is_refused_by_mta(struct mr_ctx *c)
{
	const char *mailer = c->host->macro(c, "{rcpt_mailer}");

	return mailer != NULL && strcmp(mailer, "error") == 0;
}

mr_verdict
story_rcpt(struct mr_ctx *c, const char *to)
{
	struct story *m = c->message;
	struct charge_wish w;
	const struct rules_key *keys;
	const struct rules *rules;
	mr_verdict v;

	if (!m->ready && (v = prepare(c)) != MR_CONTINUE)
		return v;
	if (is_refused_by_mta(c)) {
		count_failed(c);
		return MR_CONTINUE;
	}
	if (conf(c)->count_at == COUNT_AT_EOM || is_exempt_recipient(c, to))
		return MR_CONTINUE;
	rules = rules_for(c, to, &keys);
	w = wish(c, rules, keys);
	w.recipient = to;
	w.cost[LIMIT_MESSAGES] = 1;
	w.cost[LIMIT_RECIPIENTS] = w.cost[LIMIT_DISTINCT] = 1;
	w.cost[LIMIT_BYTES] = m->declared;
	v = take(c, &w);
	m->refused += v != MR_CONTINUE;
	return v;
}

mr_verdict
story_data(struct mr_ctx *c)
{
	const struct story *m = c->message;

	if (conf(c)->partial || m->refused == 0)
		return MR_CONTINUE;
	c->host->reply(c, 450, "4.7.1",
	    "The sending limit does not allow all of these recipients now; "
	    "none was sent to");
	return MR_TEMPFAIL;
}

/* --- the end of the message --- */

static uint32_t
counted_recipients(struct mr_ctx *c)
{
	uint32_t n = 0;

	for (const char *const *r = c->recipients; r && *r != NULL; r++)
		n += !is_exempt_recipient(c, *r);
	return n;
}

static void
keep_by_recipient(struct rules *rules, const struct ratelimit *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < rules->count; i++)
		if (r->by_recipient[rules->items[i].key])
			rules->items[kept++] = rules->items[i];
	rules->count = kept;
}

/* Each recipient by itself: different ones, and keys that name it. */
static mr_verdict
take_each(struct mr_ctx *c, struct rules *rules, const struct rules_key *keys,
    bool by_recipient)
{
	const struct story *m = c->message;
	mr_verdict v = MR_CONTINUE;

	for (const char *const *r = c->recipients;
	     r && *r != NULL && v == MR_CONTINUE; r++) {
		struct charge_wish w;

		if (is_exempt_recipient(c, *r))
			continue;
		if (by_recipient) {
			rules = rules_for(c, *r, &keys);
			keep_by_recipient(rules, self(c));
		}
		w = wish(c, rules, keys);
		w.recipient = *r;
		w.cost[LIMIT_DISTINCT] = 1;
		if (by_recipient) {
			w.cost[LIMIT_MESSAGES] = w.cost[LIMIT_RECIPIENTS] = 1;
			w.cost[LIMIT_BYTES] = m->size > 0 ? m->size : 1;
		}
		v = take(c, &w);
	}
	return v;
}

static bool
counts_distinct(const struct rules *rules)
{
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->items[i].limit.unit == LIMIT_DISTINCT)
			return true;
	return false;
}

/* The whole message at once, for these keys. */
static mr_verdict
take_whole(struct mr_ctx *c, struct rules *rules, const struct rules_key *keys)
{
	const struct story *m = c->message;
	struct charge_wish w = wish(c, rules, keys);
	mr_verdict v;

	w.cost[LIMIT_RECIPIENTS] = counted_recipients(c);
	/* Exempt recipients alone make no message. */
	if (w.cost[LIMIT_RECIPIENTS] == 0)
		return MR_CONTINUE;
	w.cost[LIMIT_MESSAGES] = 1;
	w.cost[LIMIT_BYTES] = m->size > 0 ? m->size : 1;
	v = take(c, &w);
	if (v == MR_CONTINUE && counts_distinct(rules))
		v = take_each(c, rules, keys, false);
	return v;
}

static void
keep_late(struct rules *rules, const struct story *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < rules->count; i++)
		if (m->states[rules->items[i].key] == STORY_LATE)
			rules->items[kept++] = rules->items[i];
	rules->count = kept;
}

/*
 * Keys that only the header tells; with count-at = eom those known before
 * as well.
 */
static mr_verdict
take_late(struct mr_ctx *c)
{
	const struct ratelimit *r = self(c);
	struct story *m = c->message;
	struct facts facts = { .instance = r, .ctx = c, .complete = true };
	struct rules_key *keys = c->host->alloc(c, sizeof(m->keys));
	struct rules *rules = c->host->alloc(c, sizeof(*rules));
	bool all = r->conf->count_at == COUNT_AT_EOM, some = all;

	memcpy(keys, m->keys, sizeof(m->keys));
	for (uint32_t i = 0; i < r->nkeys; i++) {
		if (m->states[i] == STORY_LATE && !r->by_recipient[i] &&
		    facts_key(&facts, i, &keys[i].value) == KEY_VALUE)
			some = true;
	}
	if (!some)
		return MR_CONTINUE;
	/* Known keys find overrides for late ones, but are not counted. */
	build(c, rules, keys);
	if (rules->blocked.source != NULL &&
	    m->states[rules->blocked.by] == STORY_LATE) {
		memcpy(m->keys, keys, sizeof(m->keys));
		m->rules.blocked = rules->blocked;
		return tell_blocked(c);
	}
	if (!all)
		keep_late(rules, m);
	return take_whole(c, rules, keys);
}

/* Bytes of the header as they were sent: a fold is CR LF there. */
static int64_t
header_bytes(struct mr_ctx *c)
{
	const char *name, *value;
	int64_t n = 2;

	for (uint32_t i = 0; c->host->header_at(c, i, &name, &value); i++) {
		n += (int64_t)strlen(name) + (int64_t)strlen(value) + 3;
		for (; (value = strchr(value, '\n')) != NULL; value++)
			n++;
	}
	return n;
}

static mr_verdict
correct_bytes(struct mr_ctx *c)
{
	struct story *m = c->message;
	struct charge_wish w = wish(c, &m->rules, m->keys);
	struct charge_refusal why;
	enum charge_result result;
	const struct rule *never;

	if (m->size <= m->declared || m->charges.first == NULL)
		return MR_CONTINUE;
	result =
	    charge_take_bytes(c, &m->charges, &w, m->size - m->declared, &why);
	if (result == CHARGE_OK)
		return MR_CONTINUE;
	if (result == CHARGE_DOWN)
		return tell_down(c);
	if ((never = too_large(&m->rules, m->size)) != NULL) {
		why.rule = never;
		result = CHARGE_NEVER;
	}
	return tell_over(c, result, &why, m->keys);
}

mr_verdict
story_eom(struct mr_ctx *c)
{
	const struct ratelimit *r = self(c);
	struct story *m = c->message;
	mr_verdict v;

	if (!m->ready && (v = prepare(c)) != MR_CONTINUE)
		return v;
	if (r->measures) {
		m->size += header_bytes(c);
		if ((v = correct_bytes(c)) != MR_CONTINUE)
			return v;
	}
	if ((v = take_late(c)) != MR_CONTINUE)
		return v;
	if (r->conf->count_at == COUNT_AT_EOM && r->some_by_recipient)
		return take_each(c, NULL, NULL, true);
	return MR_CONTINUE;
}

/* Refused by others for a reason that counts: the charge stays. */
static bool
counts_refusal(struct mr_ctx *c, mr_outcome outcome)
{
	const struct mr_list *list = conf(c)->count_rejected;
	const char *mine = c->host->note(c, "ratelimit.result");

	if (outcome == MR_OUTCOME_ABORTED ||
	    (mine != NULL && strcmp(mine, "over") == 0))
		return false;
	for (uint32_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];
		const char *equals = strchr(item, '='), *value;
		char name[100];

		if (equals == NULL) {
			if ((outcome == MR_OUTCOME_REJECTED) ==
			    (strcmp(item, "reject") == 0))
				return true;
			continue;
		}
		snprintf(
		    name, sizeof(name), "%.*s", (int)(equals - item), item);
		value = c->host->note(c, name);
		if (value != NULL && strcmp(value, equals + 1) == 0)
			return true;
	}
	return false;
}

void
story_end(struct mr_ctx *c, mr_outcome outcome)
{
	const struct ratelimit *r = self(c);
	struct story *m = c->message;
	struct charge_wish w = wish(c, &m->rules, m->keys);

	if (m->charges.first == NULL || outcome == MR_OUTCOME_MOVED)
		return;
	if (outcome == MR_OUTCOME_REJECTED ||
	    outcome == MR_OUTCOME_TEMPFAILED || outcome == MR_OUTCOME_ABORTED) {
		if (!counts_refusal(c, outcome))
			charge_return(c, &m->charges, &w);
		return;
	}
	charge_return_lost(c, &m->charges, &w);
	if (r->measures && m->size > 0 && m->size < m->declared)
		charge_return_bytes(c, &m->charges, &w, m->declared - m->size);
}
