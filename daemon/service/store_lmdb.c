/* SPDX-License-Identifier: Apache-2.0 */
/* The store of one machine, in an LMDB file. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "millrace/thread.h"
#include "service/limit.h"
#include "service/lmdb.h"
#include "service/record.h"
#include "service/store.h"

enum {
	LISTED = 256, /* keys that are copied before they are shown */
};

struct store {
	struct lmdb *db; /* NULL: a dry run without a file */
	pthread_t tender;
	pthread_mutex_t lock; /* guards stop */
	pthread_cond_t wake;
	bool tends, stop;
};

static struct span
span_of_bytes(struct mr_bytes b)
{
	return (struct span){ b.p, b.n };
}

static struct span
span_of_key(const struct record_key *k)
{
	return (struct span){ k->p, k->n };
}

/* A dry run only reads. */
static bool
begin(struct store *s, const struct store_call *c, struct lmdb_txn *t)
{
	return c->dry_run ? lmdb_read(s->db, t)
			  : lmdb_write(s->db, c->until_us, t);
}

static mr_store_status
finish(struct lmdb_txn *t, mr_store_status status)
{
	return lmdb_commit(t) ? status : MR_STORE_DOWN;
}

/* --- limits --- */

static void
read_limit(struct lmdb_txn *t, struct mr_bytes group, const struct mr_limit *l,
    struct limit_record *r)
{
	struct record_key k;
	struct span value;

	*r = (struct limit_record){ 0 };
	record_key(&k, group, RECORD_LIMIT, l->key);
	if (lmdb_get(t, span_of_key(&k), &value, NULL) &&
	    !limit_decode(value, r))
		log_warn("store: what a limit has counted cannot be read: "
			 "begins anew");
	limit_advance(r, l, t->now_us);
}

static void
write_limit(struct lmdb_txn *t, struct mr_bytes group, const struct mr_limit *l,
    const struct limit_record *r)
{
	char bytes[LIMIT_RECORD_MOST];
	struct record_key k;

	record_key(&k, group, RECORD_LIMIT, l->key);
	lmdb_put(t, span_of_key(&k),
	    (struct span){ bytes, limit_encode(r, bytes) },
	    r->last_us + limit_life_ms(r, l) * 1000);
}

static bool
once_known(struct lmdb_txn *t, const struct store_limits *q, uint64_t *tokens)
{
	struct record_key k;
	struct span value;

	if (q->once.n == 0)
		return false;
	record_key(&k, q->group, RECORD_ONCE, q->once);
	return lmdb_get(t, span_of_key(&k), &value, NULL) &&
	       record_tokens_get(value, q->n, tokens);
}

static void
once_remember(
    struct lmdb_txn *t, const struct store_limits *q, const uint64_t *tokens)
{
	struct buf b = { 0 };
	struct record_key k;

	if (q->once.n == 0)
		return;
	record_key(&k, q->group, RECORD_ONCE, q->once);
	record_tokens_put(tokens, q->n, &b);
	lmdb_put(t, span_of_key(&k), (struct span){ b.p, b.n },
	    t->now_us + LIMIT_ONCE_MS * 1000);
	buf_finish(&b);
}

static void
show(const struct store_limits *q, const struct limit_record *r,
    const uint64_t *tokens, uint32_t flags, struct mr_limit_state *states)
{
	for (uint32_t i = 0; i < q->n; i++) {
		states[i] = (struct mr_limit_state){ .token = tokens[i],
			.flags = flags };
		limit_show(&r[i], &q->limits[i], &states[i]);
	}
}

static mr_store_status
reserve_in(struct lmdb_txn *t, const struct store_limits *q,
    struct mr_limit_state *states, uint32_t *refused)
{
	struct limit_record r[MR_LIMIT_MOST];
	uint64_t tokens[MR_LIMIT_MOST] = { 0 };
	bool known = once_known(t, q, tokens), ok;

	for (uint32_t i = 0; i < q->n; i++)
		read_limit(t, q->group, &q->limits[i], &r[i]);
	ok = known || limit_reserve(r, q->limits, q->n, tokens, refused);
	show(q, r, tokens, known ? MR_LIMIT_REPEATED : 0, states);
	if (known || !ok)
		return ok ? MR_STORE_OK : MR_STORE_OVER;
	for (uint32_t i = 0; i < q->n; i++)
		if (q->limits[i].cost > 0)
			write_limit(t, q->group, &q->limits[i], &r[i]);
	once_remember(t, q, tokens);
	return MR_STORE_OK;
}

static mr_store_status
store_reserve(void *self, const struct store_call *c,
    const struct store_limits *q, struct mr_limit_state *states,
    uint32_t *refused)
{
	struct lmdb_txn t;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	return finish(&t, reserve_in(&t, q, states, refused));
}

static mr_store_status
store_refund(void *self, const struct store_call *c,
    const struct store_limits *q, const struct mr_limit_state *states)
{
	struct limit_record r;
	struct record_key k;
	struct lmdb_txn t;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, q->group, RECORD_ONCE, q->once);
	if (q->once.n > 0 && !lmdb_delete(&t, span_of_key(&k)))
		return finish(&t, MR_STORE_NONE);
	for (uint32_t i = 0; i < q->n; i++) {
		read_limit(&t, q->group, &q->limits[i], &r);
		if (limit_refund(&r, &q->limits[i], states[i].token))
			write_limit(&t, q->group, &q->limits[i], &r);
	}
	return finish(&t, MR_STORE_OK);
}

static mr_store_status
store_reset(
    void *self, const struct store_call *c, const struct store_limits *q)
{
	struct limit_record r;
	struct lmdb_txn t;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	for (uint32_t i = 0; i < q->n; i++) {
		read_limit(&t, q->group, &q->limits[i], &r);
		limit_reset(&r, &q->limits[i], t.now_us);
		write_limit(&t, q->group, &q->limits[i], &r);
	}
	return finish(&t, MR_STORE_OK);
}

/* --- values --- */

static int64_t
expiry(const struct lmdb_txn *t, int64_t ttl_ms)
{
	return ttl_ms == 0 ? 0 : t->now_us + ttl_ms * 1000;
}

static mr_store_status
store_get(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes key, struct buf *value)
{
	const struct store *s = self;
	mr_store_status status = MR_STORE_NONE;
	struct record_key k;
	struct lmdb_txn t;
	struct span found;

	(void)c;
	if (!lmdb_read(s->db, &t))
		return MR_STORE_DOWN;
	record_key(&k, group, RECORD_VALUE, key);
	if (lmdb_get(&t, span_of_key(&k), &found, NULL)) {
		buf_put(value, found.p, found.n);
		status = MR_STORE_OK;
	}
	return finish(&t, status);
}

static mr_store_status
store_set(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes key, struct mr_bytes value, int64_t ttl_ms, bool only_new)
{
	struct record_key k;
	struct lmdb_txn t;
	struct span old;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, group, RECORD_VALUE, key);
	if (only_new && lmdb_get(&t, span_of_key(&k), &old, NULL))
		return finish(&t, MR_STORE_OVER);
	lmdb_put(&t, span_of_key(&k), span_of_bytes(value), expiry(&t, ttl_ms));
	return finish(&t, MR_STORE_OK);
}

static mr_store_status
store_remove(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes key)
{
	struct record_key k;
	struct lmdb_txn t;
	bool was;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, group, RECORD_VALUE, key);
	was = lmdb_delete(&t, span_of_key(&k));
	return finish(&t, was ? MR_STORE_OK : MR_STORE_NONE);
}

static mr_store_status
store_count(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes key, int64_t add, int64_t ttl_ms, int64_t *now)
{
	struct record_key k;
	struct lmdb_txn t;
	struct span old;
	int64_t expires, sum = 0;
	char digits[24];
	int n;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, group, RECORD_VALUE, key);
	if (!lmdb_get(&t, span_of_key(&k), &old, &expires))
		expires = expiry(&t, ttl_ms);
	else if (!record_number(old, &sum))
		return finish(&t, MR_STORE_BAD);
	if (__builtin_add_overflow(sum, add, &sum))
		return finish(&t, MR_STORE_BAD);
	n = snprintf(digits, sizeof(digits), "%" PRId64, sum);
	lmdb_put(
	    &t, span_of_key(&k), (struct span){ digits, (size_t)n }, expires);
	*now = sum;
	return finish(&t, MR_STORE_OK);
}

static mr_store_status
store_distinct(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes key, struct mr_bytes member, uint32_t bound, int64_t ttl_ms,
    uint32_t *distinct, bool *fresh)
{
	struct span old = { "", 0 };
	struct buf b = { 0 };
	struct record_key k;
	struct lmdb_txn t;

	if (!begin(self, c, &t))
		return MR_STORE_DOWN;
	record_key(&k, group, RECORD_SET, key);
	if (!lmdb_get(&t, span_of_key(&k), &old, NULL))
		old.n = 0;
	record_set_add(
	    old, member, bound, ttl_ms * 1000, t.now_us, &b, distinct, fresh);
	lmdb_put(
	    &t, span_of_key(&k), (struct span){ b.p, b.n }, expiry(&t, ttl_ms));
	buf_finish(&b);
	return finish(&t, MR_STORE_OK);
}

/* --- listing --- */

/*
 * Keys are copied before they are shown, some at a time: who looks at them
 * may take as long as he likes, and may ask the store.
 */
struct listed {
	struct buf key, value;
};

static bool
is_shown(const struct mr_bytes *group, const struct mr_bytes *prefix,
    struct mr_bytes found_group, char kind, struct mr_bytes key)
{
	return strchr("LVS", kind) != NULL && found_group.n == group->n &&
	       memcmp(found_group.p, group->p, group->n) == 0 &&
	       key.n >= prefix->n &&
	       (prefix->n == 0 || memcmp(key.p, prefix->p, prefix->n) == 0);
}

/* From at on; at is moved behind what was read.  Returns how many. */
static int
list(struct store *s, struct mr_bytes group, struct mr_bytes prefix,
    struct record_key *at, struct listed *out)
{
	struct mr_bytes g, key;
	struct span k, v;
	struct lmdb_txn t;
	int n = 0;
	char kind;

	if (!lmdb_read(s->db, &t))
		return -1;
	while (n < LISTED && lmdb_next(&t, span_of_key(at), &k, &v)) {
		if (!record_key_parse(k, &g, &kind, &key) || g.n != group.n ||
		    memcmp(g.p, group.p, g.n) != 0)
			break;
		if (is_shown(&group, &prefix, g, kind, key)) {
			buf_put(&out[n].key, key.p, key.n);
			if (kind == RECORD_VALUE)
				buf_put(&out[n].value, v.p, v.n);
			n++;
		}
		record_key_next(at, k);
	}
	return lmdb_commit(&t) ? n : -1;
}

static struct mr_bytes
bytes_of(const struct buf *b)
{
	return (struct mr_bytes){ b->n > 0 ? b->p : "", (uint32_t)b->n };
}

static mr_store_status
store_each(void *self, const struct store_call *c, struct mr_bytes group,
    struct mr_bytes prefix,
    bool (*seen)(void *, struct mr_bytes key, struct mr_bytes value), void *arg)
{
	struct listed *l = memory_zalloc(LISTED * sizeof(*l));
	struct record_key at;
	bool more = true;
	int n = LISTED;

	(void)c;
	record_key(&at, group, (enum record_kind)0, (struct mr_bytes){ "", 0 });
	while (more && n == LISTED) {
		n = list(self, group, prefix, &at, l);
		for (int i = 0; i < n; i++) {
			more = more && seen(arg, bytes_of(&l[i].key),
					   bytes_of(&l[i].value));
			buf_finish(&l[i].key);
			buf_finish(&l[i].value);
		}
	}
	free(l);
	return n == -1 ? MR_STORE_DOWN : MR_STORE_OK;
}

/* One look for each group, however many keys it has. */
static mr_store_status
store_groups(void *self, const struct store_call *c, struct mr_bytes prefix,
    bool (*seen)(void *, struct mr_bytes group), void *arg)
{
	const struct store *s = self;
	struct record_key at = { 0 };
	struct mr_bytes group, key;
	struct buf copy = { 0 };
	struct span k, v;
	struct lmdb_txn t;
	bool more = true;
	char kind;

	(void)c;
	while (more) {
		if (!lmdb_read(s->db, &t))
			return MR_STORE_DOWN;
		more = lmdb_next(&t, span_of_key(&at), &k, &v) &&
		       record_key_parse(k, &group, &kind, &key);
		buf_cut(&copy, 0);
		if (more)
			buf_put(&copy, group.p, group.n);
		if (!lmdb_commit(&t)) {
			buf_finish(&copy);
			return MR_STORE_DOWN;
		}
		group = bytes_of(&copy);
		if (more && group.n > 0 && group.n >= prefix.n &&
		    (prefix.n == 0 || memcmp(group.p, prefix.p, prefix.n) == 0))
			more = seen(arg, group);
		record_key_after(&at, group);
	}
	buf_finish(&copy);
	return MR_STORE_OK;
}

static bool
store_shared(void *self, uint32_t *hosts)
{
	(void)self;
	*hosts = 1;
	return false;
}

/* --- life --- */

static void *
tend(void *arg)
{
	struct store *s = arg;
	struct timespec t;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		pthread_mutex_unlock(&s->lock);
		lmdb_tend(s->db);
		pthread_mutex_lock(&s->lock);
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec++;
		if (!s->stop)
			pthread_cond_timedwait(&s->wake, &s->lock, &t);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Signals are for the threads that serve sessions. */
static void
start_tending(struct store *s)
{
	s->tends = mr_thread_start(&s->tender, tend, s);
	if (!s->tends)
		log_error("store: nothing is swept: no thread for it");
}

void *
store_lmdb_open(const char *path, int64_t size, bool dry_run, char **why)
{
	const struct lmdb_settings settings = { path, size, dry_run };
	struct store *s = memory_zalloc(sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	s->db = lmdb_open(&settings, why);
	if (s->db == NULL && !dry_run) {
		free(s);
		return NULL;
	}
	if (s->db == NULL) {
		log_debug("store: taken as empty: %s", *why);
		free(*why);
		*why = NULL;
	}
	if (!dry_run)
		start_tending(s);
	return s;
}

static void
store_close(void *self)
{
	struct store *s = self;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->tends)
		pthread_join(s->tender, NULL);
	lmdb_close(&s->db);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct store_backend store_lmdb = {
	.reserve = store_reserve,
	.refund = store_refund,
	.reset = store_reset,
	.get = store_get,
	.set = store_set,
	.remove = store_remove,
	.count = store_count,
	.distinct = store_distinct,
	.each = store_each,
	.groups = store_groups,
	.shared = store_shared,
	.close = store_close,
};
