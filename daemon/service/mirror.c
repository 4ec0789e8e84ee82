/* SPDX-License-Identifier: Apache-2.0 */
/* Own takings, and deciding alone.  mirror_tell.c has the rest. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/mirror_private.h"

enum { WAIT_US = 100 * 1000, PARTS = 2 };

/* --- life --- */

static void
draw_host(char host[MIRROR_HOST])
{
	unsigned char bytes[(MIRROR_HOST - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort(); /* it does not fail for so few */
	for (size_t i = 0; i < sizeof(bytes); i++) {
		host[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		host[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
}

static bool
read_host(struct mirror *m)
{
	struct record_key k;
	struct lmdb_txn t;
	struct span value;

	mirror_meta(&k, "host");
	if (!lmdb_write(m->db, clock_steady_us() + 5 * 1000000, &t))
		return false;
	if (lmdb_get(&t, mirror_span(&k), &value, NULL) &&
	    value.n == MIRROR_HOST - 1) {
		memcpy(m->host, value.p, value.n);
	} else {
		draw_host(m->host);
		lmdb_put(&t, mirror_span(&k),
		    (struct span){ m->host, MIRROR_HOST - 1 }, 0);
	}
	return lmdb_commit(&t);
}

struct mirror *
mirror_open(const char *path, int64_t size, char **why)
{
	const struct lmdb_settings s = { path, size, false };
	struct mirror *m = memory_zalloc(sizeof(*m));

	m->db = lmdb_open(&s, why);
	if (m->db != NULL && read_host(m)) {
		atomic_store(
		    &m->offset_us, clock_wall_us() - lmdb_now_us(m->db));
		return m;
	}
	if (m->db != NULL)
		*why = memory_printf("%s: cannot be written", path);
	mirror_close(&m);
	return NULL;
}

void
mirror_close(struct mirror **m)
{
	if (*m == NULL)
		return;
	lmdb_close(&(*m)->db);
	free(*m);
	*m = NULL;
}

void
mirror_tend(struct mirror *m)
{
	lmdb_tend(m->db);
}

const char *
mirror_host(const struct mirror *m)
{
	return m->host;
}

int64_t
mirror_now_us(const struct mirror *m)
{
	return lmdb_now_us(m->db) + atomic_load(&m->offset_us);
}

void
mirror_set_time(struct mirror *m, int64_t now_us)
{
	atomic_store(&m->offset_us, now_us - lmdb_now_us(m->db));
}

/* --- records --- */

bool
mirror_begin(struct mirror *m, const struct store_call *c, struct lmdb_txn *t)
{
	return lmdb_write(
	    m->db, c != NULL ? c->until_us : clock_steady_us() + WAIT_US, t);
}

void
mirror_read(struct lmdb_txn *t, struct mr_bytes group, enum record_kind kind,
    const struct mr_limit *l, int64_t now_us, struct limit_record *r)
{
	struct record_key k;
	struct span value;

	*r = (struct limit_record){ 0 };
	record_key(&k, group, kind, l->key);
	if (lmdb_get(t, mirror_span(&k), &value, NULL))
		limit_decode(value, r);
	limit_advance(r, l, now_us);
}

void
mirror_write(struct lmdb_txn *t, struct mr_bytes group, enum record_kind kind,
    const struct mr_limit *l, const struct limit_record *r)
{
	char bytes[LIMIT_RECORD_MOST];
	struct record_key k;

	record_key(&k, group, kind, l->key);
	lmdb_put(t, mirror_span(&k),
	    (struct span){ bytes, limit_encode(r, bytes) },
	    t->now_us + limit_life_ms(r, l) * 1000);
}

static void
count(struct lmdb_txn *t, struct mr_bytes group, enum record_kind kind,
    const struct mr_limit *l, int64_t now_us)
{
	struct mr_limit all = *l;
	struct limit_record r;
	uint64_t token;
	uint32_t refused;

	all.amount = -1;
	mirror_read(t, group, kind, &all, now_us, &r);
	limit_reserve(&r, &all, 1, &token, &refused);
	mirror_write(t, group, kind, &all, &r);
}

static bool
is_kept(const struct mr_limit *l)
{
	return l->kind == MR_LIMIT_WINDOW && l->cost > 0;
}

void
mirror_took(struct mirror *m, const struct store_call *c,
    const struct store_limits *q, int64_t now_us)
{
	struct lmdb_txn t;
	bool any = false;

	for (uint32_t i = 0; i < q->n; i++)
		any = any || is_kept(&q->limits[i]);
	if (!any || !mirror_begin(m, c, &t))
		return;
	for (uint32_t i = 0; i < q->n; i++)
		if (is_kept(&q->limits[i]))
			count(
			    &t, q->group, RECORD_LIMIT, &q->limits[i], now_us);
	lmdb_commit(&t);
}

/* The slot is the token's; the generation is each record's own. */
static void
give_back(struct lmdb_txn *t, struct mr_bytes group, enum record_kind kind,
    const struct mr_limit *l, uint64_t token, int64_t now_us)
{
	struct limit_record r;

	mirror_read(t, group, kind, l, now_us, &r);
	token = limit_token_of(r.gen, (uint64_t)limit_token_when(token));
	if (limit_refund(&r, l, token))
		mirror_write(t, group, kind, l, &r);
}

void
mirror_gave_back(struct mirror *m, const struct store_call *c,
    const struct store_limits *q, const struct mr_limit_state *states)
{
	int64_t now = mirror_now_us(m);
	struct lmdb_txn t;

	if (!mirror_begin(m, c, &t))
		return;
	for (uint32_t i = 0; i < q->n; i++)
		if (is_kept(&q->limits[i]))
			give_back(&t, q->group, RECORD_LIMIT, &q->limits[i],
			    states[i].token, now);
	lmdb_commit(&t);
}

void
mirror_forgot(
    struct mirror *m, const struct store_call *c, const struct store_limits *q)
{
	int64_t now = mirror_now_us(m);
	struct limit_record r;
	struct lmdb_txn t;

	if (!mirror_begin(m, c, &t))
		return;
	for (uint32_t i = 0; i < q->n; i++) {
		if (q->limits[i].kind != MR_LIMIT_WINDOW)
			continue;
		mirror_read(&t, q->group, RECORD_LIMIT, &q->limits[i], now, &r);
		limit_reset(&r, &q->limits[i], now);
		mirror_write(&t, q->group, RECORD_LIMIT, &q->limits[i], &r);
	}
	lmdb_commit(&t);
}

/* --- alone --- */

/* What one decision looks at. */
struct alone {
	struct lmdb_txn *t;
	const struct store_limits *q;
	mirror_name *name;
	int64_t now_us, polled_us;
	uint32_t hosts;
};

/* Units of the record since a time, its slot included. */
static int64_t
units_since(const struct limit_record *r, int64_t us)
{
	int64_t width = limit_slot_us(r->period_ms), sum = 0;
	int64_t now = r->last_us / width, slot = us / width;

	if (slot < now - LIMIT_SLOTS)
		slot = now - LIMIT_SLOTS;
	for (; slot <= now; slot++)
		if (slot >= 0)
			sum += r->counts[slot % LIMIT_RING];
	return sum;
}

/*
 * Of a limit that was half used or more when it was last told: this host's
 * part of what was left then.  False: it was not.
 */
static bool
hot_part(const struct alone *a, const struct mr_limit *l, int64_t *part)
{
	struct mirror_hot hot;
	struct buf name = { 0 };
	struct record_key k;
	struct span value;
	bool is_hot;

	a->name(&name, a->q->group, l);
	is_hot =
	    mirror_hot_key(&k, (struct mr_bytes){ name.p, (uint32_t)name.n }) &&
	    lmdb_get(a->t, mirror_span(&k), &value, NULL) &&
	    value.n == sizeof(hot);
	buf_finish(&name);
	if (!is_hot)
		return false;
	memcpy(&hot, value.p, sizeof(hot));
	if (a->now_us - hot.at_us >= LIMIT_RING * limit_slot_us(l->period_ms))
		return false;
	*part = hot.units < l->amount ? (l->amount - hot.units) / a->hosts : 0;
	return true;
}

/*
 * The limit of this host alone: a window's part, as an amount of its own
 * record; a rate that is as many times slower.
 */
static struct mr_limit
own_limit(const struct alone *a, const struct mr_limit *l,
    const struct limit_record *own)
{
	int64_t parts = (int64_t)a->hosts * PARTS, part;
	struct mr_limit o = *l;

	if (l->kind == MR_LIMIT_RATE) {
		o.burst = l->burst / parts > 0 ? l->burst / parts : 1;
		o.period_ms = l->period_ms * parts;
		if (o.period_ms > LIMIT_MOST / o.burst ||
		    o.period_ms > 400 * LIMIT_DAY_MS)
			o.period_ms = l->period_ms;
		return o;
	}
	if (l->amount < 0)
		return o;
	o.amount = l->amount / parts;
	if (hot_part(a, l, &part)) {
		part -= units_since(own, a->polled_us);
		o.amount = units_since(own, 0) + (part > 0 ? part : 0);
	}
	return o;
}

static void
prepare(const struct alone *a, struct limit_record *r, struct mr_limit *own)
{
	for (uint32_t i = 0; i < a->q->n; i++) {
		const struct mr_limit *l = &a->q->limits[i];

		if (l->kind == MR_LIMIT_WINDOW) {
			mirror_read(a->t, a->q->group, RECORD_LIMIT, l,
			    a->now_us, &r[i]);
			own[i] = own_limit(a, l, &r[i]);
		} else {
			own[i] = own_limit(a, l, NULL);
			mirror_read(a->t, a->q->group, RECORD_LIMIT, &own[i],
			    a->now_us, &r[i]);
		}
	}
}

static void
keep(const struct alone *a, const struct limit_record *r,
    const struct mr_limit *own, const uint64_t *tokens)
{
	struct buf b = { 0 };
	struct record_key k;

	for (uint32_t i = 0; i < a->q->n; i++) {
		if (own[i].cost == 0)
			continue;
		mirror_write(a->t, a->q->group, RECORD_LIMIT, &own[i], &r[i]);
		if (own[i].kind == MR_LIMIT_WINDOW)
			count(a->t, a->q->group, RECORD_PENDING, &own[i],
			    a->now_us);
	}
	if (a->q->once.n == 0)
		return;
	record_key(&k, a->q->group, RECORD_ONCE, a->q->once);
	record_tokens_put(tokens, a->q->n, &b);
	lmdb_put(a->t, mirror_span(&k), (struct span){ b.p, b.n },
	    a->t->now_us + LIMIT_ONCE_MS * 1000);
	buf_finish(&b);
}

static bool
was_taken(const struct alone *a, uint64_t *tokens)
{
	struct record_key k;
	struct span value;

	record_key(&k, a->q->group, RECORD_ONCE, a->q->once);
	return a->q->once.n > 0 &&
	       lmdb_get(a->t, mirror_span(&k), &value, NULL) &&
	       record_tokens_get(value, a->q->n, tokens);
}

static mr_store_status
decide(const struct alone *a, bool dry_run, struct mr_limit_state *states,
    uint32_t *refused)
{
	struct limit_record r[MR_LIMIT_MOST];
	struct mr_limit own[MR_LIMIT_MOST];
	uint64_t tokens[MR_LIMIT_MOST] = { 0 };
	bool known = was_taken(a, tokens), ok;

	prepare(a, r, own);
	ok = known || limit_reserve(r, own, a->q->n, tokens, refused);
	for (uint32_t i = 0; i < a->q->n; i++) {
		states[i] = (struct mr_limit_state){ .token = tokens[i],
			.flags = MR_LIMIT_ALONE |
				 (known ? (uint32_t)MR_LIMIT_REPEATED : 0) };
		limit_show(&r[i], &own[i], &states[i]);
	}
	if (ok && !known && !dry_run)
		keep(a, r, own, tokens);
	return ok ? MR_STORE_OK : MR_STORE_OVER;
}

mr_store_status
mirror_reserve(struct mirror *m, const struct store_call *c,
    const struct store_limits *q, mirror_name *name,
    struct mr_limit_state *states, uint32_t *refused)
{
	struct lmdb_txn t;
	struct alone a = {
		.t = &t, .q = q, .name = name, .now_us = mirror_now_us(m)
	};
	mr_store_status status = MR_STORE_DOWN;

	if (!mirror_begin(m, c, &t))
		return MR_STORE_DOWN;
	a.hosts = mirror_hosts_in(m, &t);
	a.polled_us = mirror_polled_in(&t);
	if (a.hosts > 0)
		status = decide(&a, c->dry_run, states, refused);
	return lmdb_commit(&t) ? status : MR_STORE_DOWN;
}

mr_store_status
mirror_refund(struct mirror *m, const struct store_call *c,
    const struct store_limits *q, const struct mr_limit_state *states)
{
	int64_t now = mirror_now_us(m);
	struct record_key k;
	struct lmdb_txn t;

	if (!mirror_begin(m, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, q->group, RECORD_ONCE, q->once);
	if (q->once.n > 0 && !lmdb_delete(&t, mirror_span(&k)))
		return lmdb_commit(&t) ? MR_STORE_NONE : MR_STORE_DOWN;
	for (uint32_t i = 0; i < q->n; i++) {
		const struct mr_limit *l = &q->limits[i];

		if (!is_kept(l))
			continue;
		/* What the shared store has been told of it stays there. */
		give_back(&t, q->group, RECORD_LIMIT, l, states[i].token, now);
		give_back(
		    &t, q->group, RECORD_PENDING, l, states[i].token, now);
	}
	return lmdb_commit(&t) ? MR_STORE_OK : MR_STORE_DOWN;
}
