/* SPDX-License-Identifier: Apache-2.0 */
/* What the shared store is told and what is heard of the other hosts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/mirror_private.h"

enum { SECOND_US = 1000 * 1000 };

static const int64_t REMEMBER_US = INT64_C(900) * 1000 * 1000;

void
mirror_meta(struct record_key *k, const char *name)
{
	record_key(k, (struct mr_bytes){ "", 0 }, RECORD_META,
	    (struct mr_bytes){ name, (uint32_t)strlen(name) });
}

bool
mirror_hot_key(struct record_key *k, struct mr_bytes name)
{
	if (name.n + 3 >= LMDB_KEY_MOST)
		return false;
	record_key(k, (struct mr_bytes){ "", 0 }, RECORD_HOT, name);
	return true;
}

/* --- small facts --- */

static bool
get_meta(struct lmdb_txn *t, const char *name, void *to, size_t n)
{
	struct record_key k;
	struct span value;

	mirror_meta(&k, name);
	if (!lmdb_get(t, mirror_span(&k), &value, NULL) || value.n != n)
		return false;
	memcpy(to, value.p, n);
	return true;
}

static void
put_meta(struct lmdb_txn *t, const char *name, const void *from, size_t n)
{
	struct record_key k;

	mirror_meta(&k, name);
	lmdb_put(t, mirror_span(&k), (struct span){ from, n }, 0);
}

/* The most hosts that were heard of, and when. */
struct heard {
	int64_t hosts, at_us;
};

void
mirror_heard_hosts(struct mirror *m, uint32_t hosts)
{
	struct heard old = { 0 }, now;
	struct lmdb_txn t;

	if (!mirror_begin(m, NULL, &t))
		return;
	now = (struct heard){ hosts, t.now_us };
	if (get_meta(&t, "hosts", &old, sizeof(old)) && old.hosts > hosts &&
	    t.now_us - old.at_us < REMEMBER_US)
		now = old;
	/* Every second would be a write a second for nothing. */
	if (now.hosts != old.hosts || now.at_us - old.at_us > 60 * SECOND_US)
		put_meta(&t, "hosts", &now, sizeof(now));
	lmdb_commit(&t);
}

uint32_t
mirror_hosts_in(struct mirror *m, struct lmdb_txn *t)
{
	struct heard heard;

	(void)m;
	if (!get_meta(t, "hosts", &heard, sizeof(heard)) || heard.hosts < 1 ||
	    heard.hosts > UINT32_MAX)
		return 0;
	return (uint32_t)heard.hosts;
}

uint32_t
mirror_hosts(struct mirror *m)
{
	struct lmdb_txn t;
	uint32_t hosts;

	if (!lmdb_read(m->db, &t))
		return 0;
	hosts = mirror_hosts_in(m, &t);
	lmdb_abort(&t);
	return hosts;
}

/* --- what is hot --- */

/* Up to when it is known, by the store's stamps; when that was asked. */
struct polled {
	int64_t since_us, at_us, asked_us;
};

int64_t
mirror_polled_in(struct lmdb_txn *t)
{
	struct polled p;

	return get_meta(t, "polled", &p, sizeof(p)) ? p.at_us : 0;
}

bool
mirror_asks(struct mirror *m, int64_t *since_us)
{
	struct polled p = { 0 };
	struct lmdb_txn t;
	bool asks;

	if (!mirror_begin(m, NULL, &t))
		return false;
	get_meta(&t, "polled", &p, sizeof(p));
	asks = t.now_us - p.asked_us > SECOND_US / 2;
	if (asks) {
		p.asked_us = t.now_us;
		put_meta(&t, "polled", &p, sizeof(p));
	}
	*since_us = p.since_us;
	return lmdb_commit(&t) && asks;
}

void
mirror_heard_hot(struct mirror *m, struct mr_bytes name, int64_t units,
    int64_t period_ms, int64_t at_us)
{
	struct mirror_hot hot = { units, at_us };
	struct record_key k;
	struct lmdb_txn t;

	if (period_ms < 1000 || period_ms > 400 * LIMIT_DAY_MS ||
	    !mirror_hot_key(&k, name) || !mirror_begin(m, NULL, &t))
		return;
	lmdb_put(&t, mirror_span(&k),
	    (struct span){ (const char *)&hot, sizeof(hot) },
	    t.now_us + LIMIT_RING * limit_slot_us(period_ms));
	lmdb_commit(&t);
}

void
mirror_heard_all(struct mirror *m, int64_t since_us, int64_t now_us)
{
	struct polled p = { 0 };
	struct lmdb_txn t;

	if (!mirror_begin(m, NULL, &t))
		return;
	get_meta(&t, "polled", &p, sizeof(p));
	p.since_us = since_us;
	p.at_us = now_us;
	put_meta(&t, "polled", &p, sizeof(p));
	lmdb_commit(&t);
}

/* --- telling --- */

void
mirror_delta_finish(struct mirror_delta *d)
{
	buf_finish(&d->names);
	d->group = d->key = (struct mr_bytes){ "", 0 };
}

/* What a record has counted, of slots before one. */
static void
fill(struct mirror_delta *d, struct mr_bytes group, struct mr_bytes key,
    const struct limit_record *r, int64_t before_slot)
{
	int64_t now = r->last_us / limit_slot_us(r->period_ms);

	buf_cut(&d->names, 0);
	buf_put(&d->names, group.p, group.n);
	buf_put(&d->names, key.p, key.n);
	d->group = (struct mr_bytes){ d->names.p, group.n };
	d->key = (struct mr_bytes){ d->names.p + group.n, key.n };
	d->period_ms = r->period_ms;
	d->n = 0;
	for (int64_t slot = now - LIMIT_SLOTS; slot <= now; slot++) {
		if (slot < 0 || slot >= before_slot ||
		    r->counts[slot % LIMIT_RING] == 0)
			continue;
		d->slots[d->n] = slot;
		d->units[d->n++] = r->counts[slot % LIMIT_RING];
	}
}

/* The first record of a kind from a key on. */
static bool
find(struct lmdb_txn *t, struct record_key *at, enum record_kind kind,
    struct mr_bytes *group, struct mr_bytes *key, struct span *value)
{
	struct span k;
	char found;

	while (lmdb_next(t, mirror_span(at), &k, value)) {
		bool is = record_key_parse(k, group, &found, key) &&
			  found == (char)kind;
		struct record_key next;

		record_key_next(&next, k);
		*at = next;
		if (is)
			return true;
	}
	return false;
}

enum { NUMBER = 8 }; /* of what is under way: the first bytes of its key */

static bool
find_sent(struct lmdb_txn *t, struct mirror_delta *d)
{
	struct record_key at = { 0 };
	struct mr_bytes group, key;
	struct limit_record r;
	struct span value;

	while (find(t, &at, RECORD_SENT, &group, &key, &value)) {
		if (key.n <= NUMBER || !limit_decode(value, &r) ||
		    r.kind != MR_LIMIT_WINDOW)
			continue;
		memcpy(&d->number, key.p, NUMBER);
		key.p = (const char *)key.p + NUMBER;
		key.n -= NUMBER;
		fill(d, group, key, &r, INT64_MAX);
		return true;
	}
	return false;
}

/* Give the next that is pending a number, under which it is sent. */
static bool
number_next(struct lmdb_txn *t)
{
	struct record_key at = { 0 }, sent, old;
	struct mr_bytes group, key;
	struct buf name = { 0 }, copy = { 0 };
	struct span value;
	uint64_t number = 0;

	if (!find(t, &at, RECORD_PENDING, &group, &key, &value))
		return false;
	get_meta(t, "number", &number, sizeof(number));
	number++;
	buf_put(&name, &number, NUMBER);
	buf_put(&name, key.p, key.n);
	buf_put(&copy, value.p, value.n);
	record_key(&sent, group, RECORD_SENT,
	    (struct mr_bytes){ name.p, (uint32_t)name.n });
	record_key(&old, group, RECORD_PENDING, key);
	put_meta(t, "number", &number, sizeof(number));
	lmdb_put(t, mirror_span(&sent), (struct span){ copy.p, copy.n },
	    t->now_us + 400 * LIMIT_DAY_MS * 1000);
	lmdb_delete(t, mirror_span(&old));
	buf_finish(&name);
	buf_finish(&copy);
	return true;
}

bool
mirror_pending(struct mirror *m, struct mirror_delta *d)
{
	struct lmdb_txn t;
	bool found;

	if (!mirror_begin(m, NULL, &t))
		return false;
	found = find_sent(&t, d) || (number_next(&t) && find_sent(&t, d));
	snprintf(d->nonce, sizeof(d->nonce), "%s:%" PRIu64, m->host, d->number);
	return lmdb_commit(&t) && found;
}

void
mirror_told(struct mirror *m, const struct mirror_delta *d)
{
	struct buf name = { 0 };
	struct record_key k;
	struct lmdb_txn t;

	if (!mirror_begin(m, NULL, &t))
		return; /* it is told again, under the same number */
	buf_put(&name, &d->number, NUMBER);
	buf_put(&name, d->key.p, d->key.n);
	record_key(&k, d->group, RECORD_SENT,
	    (struct mr_bytes){ name.p, (uint32_t)name.n });
	buf_finish(&name);
	lmdb_delete(&t, mirror_span(&k));
	lmdb_commit(&t);
}

/* --- epochs --- */

void
mirror_epoch(struct mirror *m, char epoch[MIRROR_EPOCH])
{
	struct lmdb_txn t;

	memset(epoch, 0, MIRROR_EPOCH);
	if (!lmdb_read(m->db, &t))
		return;
	get_meta(&t, "epoch", epoch, MIRROR_EPOCH);
	epoch[MIRROR_EPOCH - 1] = '\0';
	lmdb_abort(&t);
}

bool
mirror_own(struct mirror *m, struct buf *at, int64_t before_us,
    const char *epoch, struct mirror_delta *d)
{
	struct record_key k = { 0 };
	struct mr_bytes group, key;
	struct limit_record r;
	struct lmdb_txn t;
	struct span value;
	bool found = false;

	if (at->n > 0)
		record_key_next(&k, (struct span){ at->p, at->n - 1 });
	if (!lmdb_read(m->db, &t))
		return false;
	while (!found && find(&t, &k, RECORD_LIMIT, &group, &key, &value)) {
		found = limit_decode(value, &r) && r.kind == MR_LIMIT_WINDOW;
		if (found)
			fill(d, group, key, &r,
			    before_us / limit_slot_us(r.period_ms) + 1);
	}
	lmdb_abort(&t);
	buf_cut(at, 0);
	buf_put(at, k.p, k.n);
	snprintf(d->nonce, sizeof(d->nonce), "%s:%s", m->host, epoch);
	for (char *p = d->nonce; *p != '\0'; p++)
		if (*p == ' ')
			*p = ':';
	return found;
}

/* Take off what has been told with all that is the host's own. */
static void
shorten_one(struct lmdb_txn *t, struct mr_bytes group, struct mr_bytes key,
    struct limit_record *r, int64_t us)
{
	const struct mr_limit l = { .key = key,
		.kind = MR_LIMIT_WINDOW,
		.amount = -1,
		.period_ms = r->period_ms };
	int64_t width = limit_slot_us(r->period_ms);
	int64_t now = r->last_us / width;

	for (int64_t slot = now - LIMIT_SLOTS; slot <= now; slot++)
		if (slot >= 0 && slot < us / width)
			r->counts[slot % LIMIT_RING] = 0;
	mirror_write(t, group, RECORD_PENDING, &l, r);
}

static void
shorten(struct lmdb_txn *t, int64_t us)
{
	struct record_key at = { 0 };
	struct mr_bytes group, key;
	struct limit_record r;
	struct buf copy = { 0 };
	struct span value;

	while (find(t, &at, RECORD_PENDING, &group, &key, &value)) {
		if (!limit_decode(value, &r) || r.kind != MR_LIMIT_WINDOW)
			continue;
		/* What is written may move what was read. */
		buf_cut(&copy, 0);
		buf_put(&copy, group.p, group.n);
		buf_put(&copy, key.p, key.n);
		group.p = copy.p;
		key.p = copy.p + group.n;
		shorten_one(t, group, key, &r, us);
	}
	buf_finish(&copy);
}

void
mirror_set_epoch(struct mirror *m, const char *epoch, int64_t us)
{
	char text[MIRROR_EPOCH] = { 0 };
	struct lmdb_txn t;

	if (!mirror_begin(m, NULL, &t))
		return;
	snprintf(text, sizeof(text), "%s", epoch);
	shorten(&t, us);
	put_meta(&t, "epoch", text, sizeof(text));
	lmdb_commit(&t);
}
