/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.c against limit.lua on a real server, record by record: the same
 * bytes before, the same limit, the same time; the same answer and the same
 * bytes after.
 *
 * usage: equal PORT STEPS SEED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "service/limit.h"
#include "service/redis.h"

enum { KEYS = 3 };

static struct redis *redis;
static uint64_t state;

struct bytes {
	char p[LIMIT_RECORD_MOST + 8];
	size_t n;
};

static uint64_t
rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void
fail(const char *what, int step)
{
	fprintf(stderr, "step %d: %s differs\n", step, what);
	exit(1);
}

static int64_t
until(void)
{
	return clock_steady_us() + 10 * 1000000;
}

static redisReply *
must(redisReply *reply, const char *what)
{
	if (reply == NULL) {
		fprintf(stderr, "no answer to %s\n", what);
		exit(1);
	}
	return reply;
}

static void
name(char key[16], int i)
{
	snprintf(key, 16, "{equal}%d", i % KEYS);
}

static void
set(int i, const struct bytes *b)
{
	struct redis_command c = { .n = 0 };
	char key[16];

	name(key, i);
	redis_add(&c, b->n > 0 ? "SET" : "DEL");
	redis_add(&c, key);
	if (b->n > 0)
		redis_add_bytes(&c, (struct mr_bytes){ b->p, (uint32_t)b->n });
	freeReplyObject(
	    must(redis_ask(redis, &c,
		     (struct mr_bytes){ key, (uint32_t)strlen(key) }, until()),
		"SET"));
}

static void
get(int i, struct bytes *b)
{
	struct redis_command c = { .n = 0 };
	redisReply *r;
	char key[16];

	name(key, i);
	redis_add(&c, "GET");
	redis_add(&c, key);
	r = must(redis_ask(redis, &c,
		     (struct mr_bytes){ key, (uint32_t)strlen(key) }, until()),
	    "GET");
	b->n = r->type == REDIS_REPLY_STRING ? r->len : 0;
	if (b->n > sizeof(b->p))
		fail("a length", -1);
	memcpy(b->p, r->str != NULL ? r->str : "", b->n);
	freeReplyObject(r);
}

static int64_t
some_period(void)
{
	static const int64_t periods[] = { 1000, 1001, 60000, 3600000, 86400000,
		400 * LIMIT_DAY_MS };

	return periods[rnd(6)];
}

static int64_t
some_number(void)
{
	return (int64_t)rnd(UINT64_C(1) << rnd(41));
}

static struct mr_limit
some_limit(void)
{
	struct mr_limit l = { .kind = 1 + (mr_limit_kind)rnd(2),
		.period_ms = some_period(),
		.amount = rnd(8) == 0 ? -1 : some_number(),
		.burst = 1 + some_number(),
		.cost = rnd(4) == 0 ? 0 : some_number() };

	if (l.kind == MR_LIMIT_RATE && l.amount < 1)
		l.amount = 1;
	if (l.burst > LIMIT_MOST / l.period_ms)
		l.burst = LIMIT_MOST / l.period_ms;
	return l;
}

/* A record that fits the limit or not, at a time near to now or not. */
static void
some_record(const struct mr_limit *l, struct bytes *b)
{
	int64_t now = clock_wall_us(), period = l->period_ms * 1000;
	struct limit_record r = { .kind = (uint8_t)l->kind,
		.gen = (uint32_t)rnd(1 << 22),
		.period_ms = rnd(8) == 0 ? some_period() : l->period_ms };

	r.last_us = rnd(3) == 0 ? now - (int64_t)rnd((uint64_t)period * 3)
		    : rnd(2)    ? now + (int64_t)rnd((uint64_t)period * 3)
				: now - (int64_t)rnd(2000000);
	if (r.last_us < 0)
		r.last_us = 0;
	r.level = some_number() * 4000;
	for (int i = 0; i < LIMIT_RING && r.kind == MR_LIMIT_WINDOW; i++)
		r.counts[i] = rnd(3) ? 0 : some_number() / 64;
	b->n = limit_encode(&r, b->p);
	if (rnd(16) == 0) /* damaged */
		b->p[rnd(b->n)] = (char)rnd(256);
	if (rnd(32) == 0)
		b->n -= rnd(b->n);
	if (rnd(16) == 0)
		b->n = 0;
}

static void
load(const struct bytes *b, struct limit_record *r)
{
	*r = (struct limit_record){ 0 };
	if (b->n > 0)
		limit_decode((struct span){ b->p, b->n }, r);
}

static void
same(const struct limit_record *r, const char *p, size_t n, const char *what,
    int step)
{
	char mine[LIMIT_RECORD_MOST];

	if (limit_encode(r, mine) != n || memcmp(mine, p, n) != 0)
		fail(what, step);
}

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
check_kept(const struct bytes *before, const struct limit_record *r,
    const struct mr_limit *l, int key, bool changed, int step)
{
	struct bytes after;

	get(key, &after);
	/* What has leaked may have gone by now. */
	if (changed && after.n == 0 && limit_life_ms(r, l) < 5000)
		return;
	if (changed)
		same(r, after.p, after.n, "what is kept", step);
	else if (after.n != before->n ||
		 memcmp(after.p, before->p, after.n) != 0)
		fail("what should not have changed", step);
}

static void
check_reserve(const redisReply *reply, const struct bytes *before,
    const struct mr_limit *l, int n, struct limit_record *r, uint64_t *tokens,
    int step)
{
	uint32_t refused = 0;
	bool ok;

	for (int i = 0; i < n; i++) {
		load(&before[i], &r[i]);
		limit_advance(&r[i], &l[i], reply->element[2]->integer);
	}
	ok = limit_reserve(r, l, (uint32_t)n, tokens, &refused);
	if (reply->element[0]->integer != !ok ||
	    reply->element[1]->integer != (ok ? 0 : refused))
		fail("the decision", step);
	for (int i = 0; i < n; i++) {
		const redisReply *bytes = reply->element[4 + i];
		uint32_t gen = 0;
		uint64_t when = 0;

		same(&r[i], bytes->str, bytes->len, "a record", step);
		check_kept(
		    &before[i], &r[i], &l[i], i, ok && l[i].cost > 0, step);
		if (!ok)
			continue;
		memcpy(&gen, reply->element[3]->str + 12 * i, 4);
		memcpy(&when, reply->element[3]->str + 12 * i + 4, 8);
		if (limit_token_of(gen, when) != tokens[i])
			fail("a token", step);
	}
}

/* Would it be given back then? */
static bool
refunds(
    struct limit_record r, const struct mr_limit *l, uint64_t token, int64_t us)
{
	limit_advance(&r, l, us);
	return limit_refund(&r, l, token);
}

static void
refund(const struct mr_limit *l, uint64_t token, int step)
{
	struct redis_command c = { .n = 0 };
	struct limit_record r, now;
	struct bytes before, after;
	int64_t began;

	get(0, &before);
	began = clock_wall_us();
	redis_add(&c, "{equal}0");
	redis_add(&c, "1");
	redis_add(&c, "0");
	add_limit(&c, l);
	redis_add_number(&c, limit_token_gen(token));
	redis_add_number(&c, limit_token_when(token));
	freeReplyObject(
	    must(redis_run(redis, REDIS_REFUND, 1, &c, until()), "refund"));
	get(0, &after);
	load(&before, &r);
	if (after.n == 0) /* it has leaked, and is gone */
		return;
	if (after.n == before.n && memcmp(after.p, before.p, after.n) == 0) {
		if (refunds(r, l, token, began) &&
		    refunds(r, l, token, clock_wall_us()))
			fail("a refund", step);
		return;
	}
	/* The server does not say when it was: its record does. */
	load(&after, &now);
	limit_advance(&r, l, now.last_us);
	if (!limit_refund(&r, l, token))
		fail("no refund", step);
	same(&r, after.p, after.n, "a refunded record", step);
}

/* What merge.lua does, told twice. */
static void
merge(int step)
{
	struct mr_limit l = { .kind = MR_LIMIT_WINDOW,
		.amount = -1,
		.period_ms = some_period() };
	struct bytes before, once, twice;
	struct redis_command c = { .n = 0 };
	int64_t now = clock_wall_us(), slot, at[4], units[4];
	struct limit_record r, after;
	char nonce[32];

	some_record(&l, &before);
	set(0, &before);
	snprintf(nonce, sizeof(nonce), "{equal}n%d", step);
	redis_add(&c, "{equal}0");
	redis_add(&c, nonce);
	redis_add_number(&c, l.period_ms);
	redis_add(&c, "60000");
	slot = now / limit_slot_us(l.period_ms);
	for (int i = 0; i < 4; i++) {
		at[i] = slot + 5 - (int64_t)rnd(80);
		units[i] = (int64_t)rnd(1000);
		redis_add_number(&c, at[i] > 0 ? at[i] : 0);
		redis_add_number(&c, units[i]);
	}
	freeReplyObject(
	    must(redis_run(redis, REDIS_MERGE, 2, &c, until()), "merge"));
	get(0, &once);
	freeReplyObject(
	    must(redis_run(redis, REDIS_MERGE, 2, &c, until()), "merge"));
	get(0, &twice);
	if (once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0)
		fail("what is told twice", step);
	load(&before, &r);
	load(&once, &after);
	limit_advance(&r, &l, after.last_us);
	if (r.gen != after.gen && before.n == 0)
		r.gen = after.gen; /* drawn from the time */
	slot = r.last_us / limit_slot_us(l.period_ms);
	for (int i = 0; i < 4; i++) {
		int64_t s = at[i] > 0 ? at[i] : 0;

		if (s > slot)
			s = slot;
		if (slot - s <= LIMIT_SLOTS)
			r.counts[s % LIMIT_RING] += units[i];
	}
	same(&r, once.p, once.n, "a merged record", step);
}

static void
step(int i)
{
	struct redis_command c = { .n = 0 };
	struct bytes before[KEYS];
	struct limit_record r[KEYS];
	struct mr_limit l[KEYS];
	uint64_t tokens[KEYS] = { 0 };
	int n = 1 + (int)rnd(KEYS);
	redisReply *reply;
	char keys[KEYS][16];

	for (int j = 0; j < n; j++) {
		l[j] = some_limit();
		some_record(&l[j], &before[j]);
		set(j, &before[j]);
		name(keys[j], j);
		redis_add(&c, keys[j]);
	}
	redis_add_number(&c, n);
	redis_add(&c, "0");
	redis_add(&c, "1000");
	for (int j = 0; j < n; j++)
		add_limit(&c, &l[j]);
	reply =
	    must(redis_run(redis, REDIS_RESERVE, n, &c, until()), "reserve");
	check_reserve(reply, before, l, n, r, tokens, i);
	if (reply->element[0]->integer == 0 && rnd(2)) {
		if (rnd(4) == 0)
			tokens[0] += rnd(3) == 0 ? UINT64_C(1) << 42 : rnd(70);
		if (l[0].cost > 1 && rnd(2))
			l[0].cost = 1;
		refund(&l[0], tokens[0], i);
	}
	freeReplyObject(reply);
}

int
main(int argc, char **argv)
{
	struct redis_settings s = { .timeout_us = 10 * 1000000 };
	char *why;
	int steps;

	if (argc != 4) {
		fprintf(stderr, "usage: equal PORT STEPS SEED\n");
		return 2;
	}
	s.database.kind = DATABASE_REDIS;
	s.database.nhosts = 1;
	snprintf(s.database.hosts[0].name, DATABASE_TEXT, "127.0.0.1");
	s.database.hosts[0].port = (uint16_t)atoi(argv[1]);
	steps = atoi(argv[2]);
	state = strtoull(argv[3], NULL, 10);
	redis = redis_create(&s);
	if (!redis_connect(redis, &why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (int i = 0; i < steps; i++)
		if (rnd(8) == 0)
			merge(i);
		else
			step(i);
	redis_destroy(&redis);
	printf("%d steps\n", steps);
	return 0;
}
