/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a fleet, in Redis or Valkey. */
#include "service/store_redis.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/limit.h"
#include "service/record.h"
#include "service/redis_answer.h"

/* --- keys --- */

void
store_redis_key(
    struct buf *b, struct mr_bytes group, char kind, struct mr_bytes key)
{
	const char *p = group.p;

	buf_text(b, "mr:{");
	for (uint32_t i = 0; i < group.n; i++)
		if (p[i] == '}' || p[i] == '%')
			buf_printf(b, "%%%02X", (unsigned char)p[i]);
		else
			buf_char(b, p[i]);
	buf_printf(b, "}:%c:", kind);
	buf_put(b, key.p, key.n);
}

/* The keys of a command; they live as long as it. */
struct keys {
	struct buf all[MR_LIMIT_MOST + 1];
	unsigned n;
};

static void
add_key(struct keys *k, struct redis_command *c, struct mr_bytes group,
    char kind, struct mr_bytes key)
{
	struct buf *b = &k->all[k->n++];

	store_redis_key(b, group, kind, key);
	redis_add_bytes(c, (struct mr_bytes){ b->p, (uint32_t)b->n });
}

static void
finish_keys(struct keys *k)
{
	for (unsigned i = 0; i < k->n; i++)
		buf_finish(&k->all[i]);
}

/* --- asking --- */

/* NULL: down; then others are told. */
static redisReply *
run(struct store_redis *s, const struct store_call *call,
    enum redis_script script, int keys, const struct redis_command *c)
{
	redisReply *reply =
	    redis_run(s->redis, script, keys, c, call->until_us);

	if (reply == NULL)
		fleet_failed(s);
	return reply;
}

/* A command of one key. */
static redisReply *
ask(struct store_redis *s, const struct store_call *call,
    const struct redis_command *c, const struct buf *key)
{
	redisReply *reply = redis_ask(s->redis, c,
	    (struct mr_bytes){ key->p, (uint32_t)key->n }, call->until_us);

	if (reply == NULL)
		fleet_failed(s);
	return reply;
}

/* --- limits --- */

static void
add_limit(struct redis_command *c, const struct mr_limit *l)
{
	redis_add_number(c, l->kind);
	redis_add_number(c, l->period_ms);
	redis_add_number(c, l->amount);
	redis_add_number(c, l->burst);
	redis_add_number(c, l->cost);
}

static void
add_keys(struct keys *k, struct redis_command *c, const struct store_limits *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		add_key(k, c, q->group, RECORD_LIMIT, q->limits[i].key);
	if (q->once.n > 0)
		add_key(k, c, q->group, RECORD_ONCE, q->once);
}

static void
note(struct store_redis *s, const struct store_call *c,
    const struct store_limits *q, const struct redis_answer *a,
    const struct mr_limit_state *states)
{
	if (s->mirror == NULL || c->dry_run)
		return;
	mirror_took(s->mirror, c, q, a->now_us);
	for (uint32_t i = 0; i < q->n; i++) {
		const struct mr_limit *l = &q->limits[i];

		if (l->share && l->cost > 0 && l->kind == MR_LIMIT_WINDOW &&
		    l->amount > 0 && states[i].used >= l->amount / 2)
			fleet_hot(s, q->group, l, states[i].used);
	}
}

static mr_store_status
reserve_there(struct store_redis *s, const struct store_call *call,
    const struct store_limits *q, struct mr_limit_state *states,
    uint32_t *refused)
{
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	struct redis_answer a;
	redisReply *reply;
	bool ok;

	add_keys(&k, &c, q);
	redis_add_number(&c, q->n);
	redis_add(&c, call->dry_run ? "1" : "0");
	redis_add_number(&c, LIMIT_ONCE_MS);
	for (uint32_t i = 0; i < q->n; i++)
		add_limit(&c, &q->limits[i]);
	reply = run(s, call, REDIS_RESERVE, (int)k.n, &c);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	ok = redis_answer_read(reply, q, &a, states);
	if (!ok)
		log_error("store: an answer cannot be read: does another "
			  "program write the same keys?");
	if (ok && a.code == REDIS_TAKEN)
		note(s, call, q, &a, states);
	freeReplyObject(reply);
	if (!ok)
		return MR_STORE_DOWN;
	if (a.code != REDIS_REFUSED)
		return MR_STORE_OK;
	*refused = (uint32_t)a.refused;
	return MR_STORE_OVER;
}

static void
name_limit(struct buf *b, struct mr_bytes group, const struct mr_limit *l)
{
	store_redis_key(b, group, RECORD_LIMIT, l->key);
}

static bool
may_share(const struct store_redis *s, const struct store_limits *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (!q->limits[i].share)
			return false;
	return s->mirror != NULL;
}

static mr_store_status
redis_reserve(void *self, const struct store_call *call,
    const struct store_limits *q, struct mr_limit_state *states,
    uint32_t *refused)
{
	struct store_redis *s = self;
	struct store_call there = *call, here = *call;
	mr_store_status status = MR_STORE_DOWN;

	/* Some time must be left to decide alone. */
	if (may_share(s, q)) {
		int64_t now = clock_steady_us();

		there.until_us = now + (call->until_us - now) / 4 * 3;
	}
	if (fleet_ready(s, &there))
		status = reserve_there(s, &there, q, states, refused);
	if (status != MR_STORE_DOWN || !may_share(s, q))
		return status;
	return mirror_reserve(s->mirror, &here, q, name_limit, states, refused);
}

static mr_store_status
refund_there(struct store_redis *s, const struct store_call *call,
    const struct store_limits *q, const struct mr_limit_state *states)
{
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	redisReply *reply;
	int64_t done;

	add_keys(&k, &c, q);
	redis_add_number(&c, q->n);
	redis_add(&c, call->dry_run ? "1" : "0");
	for (uint32_t i = 0; i < q->n; i++) {
		add_limit(&c, &q->limits[i]);
		redis_add_number(&c, limit_token_gen(states[i].token));
		redis_add_number(&c, limit_token_when(states[i].token));
	}
	reply = run(s, call, REDIS_REFUND, (int)k.n, &c);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	done = reply->integer;
	freeReplyObject(reply);
	if (done == 0)
		return MR_STORE_NONE;
	if (s->mirror != NULL && !call->dry_run)
		mirror_gave_back(s->mirror, call, q, states);
	return MR_STORE_OK;
}

static mr_store_status
redis_refund(void *self, const struct store_call *call,
    const struct store_limits *q, const struct mr_limit_state *states)
{
	struct store_redis *s = self;

	if (states[0].flags & MR_LIMIT_ALONE)
		return s->mirror == NULL || call->dry_run
			   ? MR_STORE_NONE
			   : mirror_refund(s->mirror, call, q, states);
	return fleet_ready(s, call) ? refund_there(s, call, q, states)
				    : MR_STORE_DOWN;
}

static mr_store_status
redis_reset(
    void *self, const struct store_call *call, const struct store_limits *q)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	redisReply *reply;

	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	if (call->dry_run)
		return MR_STORE_OK;
	for (uint32_t i = 0; i < q->n; i++)
		add_key(&k, &c, q->group, RECORD_LIMIT, q->limits[i].key);
	for (uint32_t i = 0; i < q->n; i++)
		add_limit(&c, &q->limits[i]);
	reply = run(s, call, REDIS_RESET, (int)k.n, &c);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	freeReplyObject(reply);
	if (s->mirror != NULL)
		mirror_forgot(s->mirror, call, q);
	return MR_STORE_OK;
}

/* --- values --- */

static mr_store_status
redis_get(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key, struct buf *value)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	mr_store_status status = MR_STORE_NONE;
	struct keys k = { .n = 0 };
	redisReply *reply;

	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	redis_add(&c, "GET");
	add_key(&k, &c, group, RECORD_VALUE, key);
	reply = ask(s, call, &c, &k.all[0]);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	if (reply->type == REDIS_REPLY_STRING) {
		buf_put(value, reply->str, reply->len);
		status = MR_STORE_OK;
	}
	freeReplyObject(reply);
	return status;
}

/* In a dry run: is there a value? */
static mr_store_status
look(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key)
{
	struct buf value = { 0 };
	mr_store_status status = redis_get(self, call, group, key, &value);

	buf_finish(&value);
	return status;
}

static mr_store_status
redis_set(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key, struct mr_bytes value, int64_t ttl_ms, bool only_new)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	mr_store_status status;
	redisReply *reply;

	if (call->dry_run) {
		status = look(self, call, group, key);
		return status == MR_STORE_DOWN             ? status
		       : status == MR_STORE_OK && only_new ? MR_STORE_OVER
							   : MR_STORE_OK;
	}
	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	redis_add(&c, "SET");
	add_key(&k, &c, group, RECORD_VALUE, key);
	redis_add_bytes(&c, value);
	if (only_new)
		redis_add(&c, "NX");
	if (ttl_ms > 0) {
		redis_add(&c, "PX");
		redis_add_number(&c, ttl_ms);
	}
	reply = ask(s, call, &c, &k.all[0]);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	status = reply->type == REDIS_REPLY_NIL ? MR_STORE_OVER : MR_STORE_OK;
	freeReplyObject(reply);
	return status;
}

static mr_store_status
redis_remove(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	mr_store_status status;
	redisReply *reply;

	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	redis_add(&c, call->dry_run ? "EXISTS" : "DEL");
	add_key(&k, &c, group, RECORD_VALUE, key);
	reply = ask(s, call, &c, &k.all[0]);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	status = reply->integer > 0 ? MR_STORE_OK : MR_STORE_NONE;
	freeReplyObject(reply);
	return status;
}

static mr_store_status
count_dry(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key, int64_t add, int64_t *now)
{
	struct buf value = { 0 };
	mr_store_status status = redis_get(self, call, group, key, &value);
	int64_t sum = 0;

	if (status == MR_STORE_NONE)
		status = MR_STORE_OK;
	else if (status == MR_STORE_OK &&
		 !record_number((struct span){ value.p, value.n }, &sum))
		status = MR_STORE_BAD;
	if (status == MR_STORE_OK && __builtin_add_overflow(sum, add, &sum))
		status = MR_STORE_BAD;
	if (status == MR_STORE_OK)
		*now = sum;
	buf_finish(&value);
	return status;
}

static mr_store_status
redis_count(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key, int64_t add, int64_t ttl_ms, int64_t *now)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	mr_store_status status = MR_STORE_BAD;
	struct keys k = { .n = 0 };
	redisReply *reply;

	if (call->dry_run)
		return count_dry(self, call, group, key, add, now);
	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	add_key(&k, &c, group, RECORD_VALUE, key);
	redis_add_number(&c, add);
	redis_add_number(&c, ttl_ms);
	reply = run(s, call, REDIS_COUNT, 1, &c);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	if (reply->type == REDIS_REPLY_STRING &&
	    record_number((struct span){ reply->str, reply->len }, now))
		status = MR_STORE_OK;
	freeReplyObject(reply);
	return status;
}

static mr_store_status
redis_distinct(void *self, const struct store_call *call, struct mr_bytes group,
    struct mr_bytes key, struct mr_bytes member, uint32_t bound, int64_t ttl_ms,
    uint32_t *distinct, bool *fresh)
{
	struct store_redis *s = self;
	struct redis_command c = { .n = 0 };
	struct keys k = { .n = 0 };
	mr_store_status status = MR_STORE_DOWN;
	redisReply *reply;

	if (!fleet_ready(s, call))
		return MR_STORE_DOWN;
	add_key(&k, &c, group, RECORD_SET, key);
	redis_add_bytes(&c, member);
	redis_add_number(&c, bound);
	redis_add_number(&c, ttl_ms);
	redis_add(&c, call->dry_run ? "1" : "0");
	reply = run(s, call, REDIS_DISTINCT, 1, &c);
	finish_keys(&k);
	if (reply == NULL)
		return MR_STORE_DOWN;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
		*distinct = (uint32_t)reply->element[0]->integer;
		*fresh = reply->element[1]->integer != 0;
		status = MR_STORE_OK;
	}
	freeReplyObject(reply);
	return status;
}

static bool
redis_shared(void *self, uint32_t *hosts)
{
	struct store_redis *s = self;

	pthread_mutex_lock(&s->lock);
	*hosts = s->hosts > 0 ? s->hosts : 1;
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* --- life --- */

/* A server that goes away while we write must not end us. */
static void
ignore_broken_pipes(void)
{
	struct sigaction a;

	if (sigaction(SIGPIPE, NULL, &a) == 0 && a.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

void *
store_redis_open(const struct redis_settings *settings, const char *mirror,
    int64_t mirror_size, bool dry_run, char **why)
{
	struct store_redis *s = memory_zalloc(sizeof(*s));
	pthread_condattr_t a;

	*why = NULL;
	ignore_broken_pipes();
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &a);
	pthread_condattr_destroy(&a);
	s->timeout_us = settings->timeout_us;
	s->dry_run = dry_run;
	s->redis = redis_create(settings);
	if (!dry_run) {
		s->mirror = mirror_open(mirror, mirror_size, why);
		if (s->mirror == NULL)
			log_error("store: this host cannot go on alone when "
				  "Redis is down: %s",
			    *why);
		free(*why);
		*why = NULL;
	}
	fleet_start(s);
	return s;
}

static void
redis_close(void *self)
{
	struct store_redis *s = self;

	fleet_stop(s);
	redis_destroy(&s->redis);
	mirror_close(&s->mirror);
	for (unsigned i = 0; i < FLEET_HOT; i++)
		buf_finish(&s->hot[i]);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct store_backend store_redis = {
	.reserve = redis_reserve,
	.refund = redis_refund,
	.reset = redis_reset,
	.get = redis_get,
	.set = redis_set,
	.remove = redis_remove,
	.count = redis_count,
	.distinct = redis_distinct,
	.each = store_redis_each,
	.groups = store_redis_groups,
	.shared = redis_shared,
	.close = redis_close,
};
