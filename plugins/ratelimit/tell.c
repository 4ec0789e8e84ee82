/* SPDX-License-Identifier: Apache-2.0 */
#include "tell.h"

#include <stdio.h>
#include <string.h>

#include "reply.h"

enum { REFUSED_MS = 86400000 };

static const struct ratelimit_conf *
conf(struct mr_ctx *c)
{
	return ((const struct ratelimit *)c->self)->conf;
}

void
tell_result(struct mr_ctx *c, const char *result)
{
	c->host->note_set(c, "ratelimit.result", result);
}

/* A name for people: "mailbox:alice@example.com". */
static const char *
key_name(struct mr_ctx *c, const struct rules_key *k)
{
	size_t n = strlen(k->name) + strlen(k->value) + 2;
	char *out = c->host->alloc(c, n);

	snprintf(out, n, "%s:%s", k->name, k->value);
	return out;
}

/* Attempts over a limit have a counter of their own; see the command. */
static void
count_refused(struct mr_ctx *c, const char *key)
{
	const struct ratelimit *r = c->self;
	char name[RULES_COUNTER_BYTES];
	int64_t now;
	int n = snprintf(name, sizeof(name), "r %.300s", key);

	if (n > 0 && n < (int)sizeof(name))
		r->store->count(c,
		    (struct mr_bytes){
			r->conf->group, (uint32_t)strlen(r->conf->group) },
		    (struct mr_bytes){ name, (uint32_t)n }, 1, REFUSED_MS,
		    &now);
}

static void
leave_symbol(
    struct mr_ctx *c, const char *name, const char *key, const char *limit)
{
	struct story *m = c->message;
	char detail[400];

	if (m->told)
		return;
	m->told = true;
	snprintf(detail, sizeof(detail), "%.250s %.100s", key, limit);
	c->host->symbol(c, name, 0, detail);
	c->host->note_set(c, "ratelimit.key", key);
	c->host->note_set(c, "ratelimit.limit", limit);
}

mr_verdict
tell_down(struct mr_ctx *c)
{
	tell_result(c, "unknown");
	if (conf(c)->when_store_down == DOWN_OPEN)
		return MR_CONTINUE;
	c->host->reply(c, 451, "4.3.0",
	    "Sending limits cannot be checked now, please try again later");
	return MR_TEMPFAIL;
}

static mr_verdict
tell_never(struct mr_ctx *c, const char *limit, enum limit_unit unit)
{
	char text[REPLY_BYTES];

	snprintf(text, sizeof(text),
	    "This message alone is more than the limit of %s allows; it can "
	    "never be sent",
	    limit);
	c->host->reply(c, unit == LIMIT_BYTES ? 552 : 550,
	    unit == LIMIT_BYTES ? "5.3.4" : "5.7.1", text);
	return MR_REJECT;
}

mr_verdict
tell_over(struct mr_ctx *c, enum charge_result result,
    const struct charge_refusal *why, const struct rules_key *keys)
{
	const struct rule *rule = why->rule;
	char limit[LIMIT_PRINT_BYTES], used[LIMIT_PRINT_BYTES];
	char when[REPLY_WHEN_BYTES], text[REPLY_BYTES];
	bool rejects = conf(c)->over == OVER_REJECT;
	const char *key = key_name(c, &keys[rule->key]);

	limit_print(limit, &rule->limit);
	limit_print_amount(used, rule->limit.unit, why->state.used);
	reply_when(when, why->state.retry_ms);
	tell_result(c, "over");
	leave_symbol(c, "RATELIMIT_OVER", key, limit);
	count_refused(c, key);
	if (result == CHARGE_NEVER)
		return tell_never(c, limit, rule->limit.unit);
	reply_build(text, conf(c)->reply,
	    &(struct reply_facts){ limit, key, used, when });
	c->host->reply(
	    c, rejects ? 550 : 450, rejects ? "5.7.1" : "4.7.1", text);
	return rejects ? MR_REJECT : MR_TEMPFAIL;
}

mr_verdict
tell_blocked(struct mr_ctx *c)
{
	const struct story *m = c->message;
	const struct rule *b = &m->rules.blocked;
	const char *key = key_name(c, &m->keys[b->key]);
	char own[REPLY_BYTES], text[REPLY_BYTES];
	const char *form = conf(c)->blocked_reply;

	snprintf(
	    own, sizeof(own), "%.*s", (int)b->limit.text_bytes, b->limit.text);
	if (own[0] != '\0')
		form = own;
	reply_build(
	    text, form, &(struct reply_facts){ "blocked", key, "", "later" });
	tell_result(c, "blocked");
	leave_symbol(c, "RATELIMIT_BLOCKED", key, "blocked");
	count_refused(c, key);
	c->host->reply(c, 550, "5.7.1", text);
	return MR_REJECT;
}
