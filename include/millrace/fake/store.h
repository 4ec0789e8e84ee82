/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "store/1" in memory, exact where
 * <millrace/store.h> allows a unit to become free later.  It belongs to the
 * test, not to one struct fake, so that a second instance finds what the
 * first one left:
 *
 *	fake_store_clear();
 *	fake_store.now_ms += 3600000;	time passes
 *	fake_store.down = true;		nobody answers
 *	fake_store.hosts = 4;		it is shared
 */
#ifndef MR_FAKE_STORE_H
#define MR_FAKE_STORE_H

#include <inttypes.h>

#include <millrace/store.h>

enum {
	FAKE_ROWS = 512,
	FAKE_TAKEN = 4096,
	FAKE_NAME = 481,
	FAKE_VALUE = 2048,
	FAKE_ONCE_MS = 3600000,
};

struct fake_name {
	char bytes[FAKE_NAME + 1]; /* group, 0, key */
	uint32_t group, n;
};

/* kind: 'V' a value, 'O' a name of reserve(), 'M' a member of a set */
struct fake_row {
	char kind; /* 0: free */
	struct fake_name name;
	char value[FAKE_VALUE];
	uint32_t n;
	int64_t since_ms, until_ms; /* until 0: it stays */
};

struct fake_taken {
	struct fake_name name;
	mr_limit_kind kind;
	int64_t period_ms, ms, units;
	uint64_t token;
};

static struct {
	int64_t now_ms;
	bool down;
	uint32_t hosts; /* 0: not shared */
	uint64_t tokens;
	uint32_t nrows, ntaken;
	struct fake_row rows[FAKE_ROWS];
	struct fake_taken taken[FAKE_TAKEN];
} fake_store = { .now_ms = 1000000000 };

/* Begin with an empty one. */
MR_FAKE void
fake_store_clear(void)
{
	fake_store.now_ms = 1000000000;
	fake_store.down = false;
	fake_store.hosts = 0;
	fake_store.nrows = fake_store.ntaken = 0;
}

MR_FAKE bool
fake_is_name(struct mr_bytes b)
{
	return b.n > 0 && b.n <= 400;
}

MR_FAKE bool
fake_is_pair(struct mr_bytes group, struct mr_bytes key)
{
	return fake_is_name(group) && fake_is_name(key) &&
	       group.n + key.n <= 480;
}

MR_FAKE struct fake_name
fake_name(struct mr_bytes group, struct mr_bytes key)
{
	struct fake_name n = { .group = group.n, .n = group.n + key.n };

	memcpy(n.bytes, group.p, group.n);
	memcpy(n.bytes + group.n, key.p, key.n);
	return n;
}

MR_FAKE bool
fake_same_name(const struct fake_name *a, const struct fake_name *b)
{
	return a->group == b->group && a->n == b->n &&
	       memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* --- limits --- */

/* What counts of a limit now; RATE: units that have not leaked, rounded up. */
MR_FAKE int64_t
fake_used(const struct fake_name *name, const struct mr_limit *l)
{
	int64_t sum = 0, level = 0, last = 0;

	for (uint32_t i = 0; i < fake_store.ntaken; i++) {
		const struct fake_taken *t = &fake_store.taken[i];

		if (!fake_same_name(&t->name, name) || t->kind != l->kind ||
		    t->period_ms != l->period_ms)
			continue;
		if (t->ms + l->period_ms > fake_store.now_ms)
			sum += t->units;
		level -= (t->ms - last) * l->amount;
		level = (level > 0 ? level : 0) + t->units * l->period_ms;
		last = t->ms;
	}
	if (l->kind == MR_LIMIT_WINDOW)
		return sum;
	level -= (fake_store.now_ms - last) * l->amount;
	return level > 0 ? (level + l->period_ms - 1) / l->period_ms : 0;
}

MR_FAKE int64_t
fake_allowed(const struct mr_limit *l)
{
	int64_t most = l->kind == MR_LIMIT_RATE ? l->burst : l->amount;

	return fake_store.down && most > 0 ? most / (2 * fake_store.hosts)
					   : most;
}

MR_FAKE int64_t
fake_retry(const struct fake_name *name, struct mr_limit l)
{
	int64_t now = fake_store.now_ms, cost = l.cost > 0 ? l.cost : 1, ms;

	if (fake_allowed(&l) >= 0 && cost > fake_allowed(&l))
		return -1;
	for (ms = 0; fake_allowed(&l) >= 0; ms += l.period_ms / 1000) {
		fake_store.now_ms = now + ms;
		if (fake_used(name, &l) + cost <= fake_allowed(&l))
			break;
	}
	fake_store.now_ms = now;
	return ms;
}

MR_FAKE void
fake_show_limit(const struct fake_name *name, const struct mr_limit *l,
    struct mr_limit_state *s)
{
	int64_t most = fake_allowed(l);

	s->used = fake_used(name, l);
	s->free = most < 0 ? INT64_MAX : most > s->used ? most - s->used : 0;
	s->retry_ms = fake_retry(name, *l);
}

MR_FAKE void
fake_take(
    const struct fake_name *name, const struct mr_limit *l, uint64_t token)
{
	uint32_t kept = 0;

	/* What another kind or period has counted is gone. */
	for (uint32_t i = 0; i < fake_store.ntaken; i++) {
		const struct fake_taken *t = &fake_store.taken[i];

		if (!fake_same_name(&t->name, name) ||
		    (t->kind == l->kind && t->period_ms == l->period_ms))
			fake_store.taken[kept++] = *t;
	}
	fake_store.ntaken = kept;
	if (kept == FAKE_TAKEN)
		fake_broken("store", "too much was taken");
	fake_store.taken[fake_store.ntaken++] = (struct fake_taken){ *name,
		l->kind, l->period_ms, fake_store.now_ms, l->cost, token };
}

MR_FAKE bool
fake_limits_ok(struct mr_bytes group, const struct mr_limit *l, uint32_t n)
{
	if (n == 0 || n > MR_LIMIT_MOST)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!fake_is_pair(group, l[i].key) || l[i].cost < 0 ||
		    l[i].period_ms < 1000 ||
		    (l[i].kind != MR_LIMIT_WINDOW &&
			(l[i].kind != MR_LIMIT_RATE || l[i].burst < 1 ||
			    l[i].amount < 1)))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (l[i].key.n == l[j].key.n &&
			    memcmp(l[i].key.p, l[j].key.p, l[i].key.n) == 0)
				return false;
	}
	return true;
}

/* --- rows --- */

MR_FAKE bool
fake_row_lives(const struct fake_row *r)
{
	return r->kind != 0 &&
	       (r->until_ms == 0 || r->until_ms > fake_store.now_ms);
}

MR_FAKE struct fake_row *
fake_row(char kind, const struct fake_name *name)
{
	for (uint32_t i = 0; i < fake_store.nrows; i++) {
		struct fake_row *r = &fake_store.rows[i];

		if (r->kind == kind && fake_row_lives(r) &&
		    fake_same_name(&r->name, name))
			return r;
	}
	return NULL;
}

MR_FAKE struct fake_row *
fake_new_row(char kind, const struct fake_name *name, int64_t ttl_ms)
{
	uint32_t i = 0;

	while (i < fake_store.nrows && fake_row_lives(&fake_store.rows[i]))
		i++;
	if (i == FAKE_ROWS)
		fake_broken("store", "too many keys");
	if (i == fake_store.nrows)
		fake_store.nrows++;
	fake_store.rows[i] = (struct fake_row){ .kind = kind,
		.name = *name,
		.since_ms = fake_store.now_ms,
		.until_ms = ttl_ms != 0 ? fake_store.now_ms + ttl_ms : 0 };
	return &fake_store.rows[i];
}

MR_FAKE void
fake_row_put(struct fake_row *r, struct mr_bytes value)
{
	if (value.n >= FAKE_VALUE)
		fake_broken("store", "a value that long is not for the fake");
	memcpy(r->value, value.n > 0 ? value.p : "", value.n);
	r->value[value.n] = '\0';
	r->n = value.n;
}

/* --- the table --- */

MR_FAKE bool
fake_store_alone(const struct mr_limit *l, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!l[i].share)
			return false;
	return fake_store.down && fake_store.hosts > 0;
}

MR_FAKE bool
fake_refuses(struct mr_bytes group, const struct mr_limit *l)
{
	struct fake_name name = fake_name(group, l->key);

	return l->cost > 0 && fake_allowed(l) >= 0 &&
	       fake_used(&name, l) + l->cost > fake_allowed(l);
}

MR_FAKE mr_store_status
fake_store_reserve(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *l, uint32_t n, struct mr_bytes once,
    struct mr_limit_state *states, uint32_t *refused)
{
	uint64_t tokens[MR_LIMIT_MOST] = { 0 };
	bool alone = fake_store_alone(l, n);
	struct fake_name name = { .n = 0 };
	struct fake_row *known = NULL;
	uint32_t no = n;

	if (!fake_limits_ok(group, l, n) ||
	    (once.n > 0 && !fake_is_pair(group, once)))
		return MR_STORE_BAD;
	if (fake_store.down && !alone)
		return MR_STORE_DOWN;
	if (once.n > 0) {
		name = fake_name(group, once);
		known = fake_row('O', &name);
	}
	for (uint32_t i = n; i-- > 0 && known == NULL;)
		if (fake_refuses(group, &l[i]))
			no = i;
	if (known != NULL)
		memcpy(tokens, known->value, known->n);
	for (uint32_t i = 0; i < n && known == NULL && no == n; i++) {
		struct fake_name key = fake_name(group, l[i].key);

		tokens[i] = ++fake_store.tokens;
		if (l[i].cost > 0 && !c->dry_run)
			fake_take(&key, &l[i], tokens[i]);
	}
	if (known == NULL && no == n && once.n > 0 && !c->dry_run)
		fake_row_put(fake_new_row('O', &name, FAKE_ONCE_MS),
		    (struct mr_bytes){
			tokens, n * (uint32_t)sizeof(tokens[0]) });
	for (uint32_t i = 0; i < n; i++) {
		struct fake_name key = fake_name(group, l[i].key);

		states[i] = (struct mr_limit_state){ .token = tokens[i],
			.flags = (alone ? (uint32_t)MR_LIMIT_ALONE : 0) |
				 (known ? (uint32_t)MR_LIMIT_REPEATED : 0) };
		fake_show_limit(&key, &l[i], &states[i]);
	}
	if (no < n && refused != NULL)
		*refused = no;
	return no < n ? MR_STORE_OVER : MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_refund(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *l, const struct mr_limit_state *states, uint32_t n,
    struct mr_bytes once)
{
	struct fake_name name;
	struct fake_row *known = NULL;

	if (!fake_limits_ok(group, l, n) ||
	    (once.n > 0 && !fake_is_pair(group, once)))
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	if (once.n > 0) {
		name = fake_name(group, once);
		if ((known = fake_row('O', &name)) == NULL)
			return MR_STORE_NONE;
	}
	if (c->dry_run)
		return MR_STORE_OK;
	if (known != NULL)
		known->kind = 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < fake_store.ntaken; j++) {
			struct fake_taken *t = &fake_store.taken[j];

			if (t->token != states[i].token)
				continue;
			t->units -= l[i].cost < t->units ? l[i].cost : t->units;
		}
	return MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_reset(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *l, uint32_t n)
{
	uint32_t kept = 0;

	if (!fake_limits_ok(group, l, n))
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	for (uint32_t i = 0; i < fake_store.ntaken; i++) {
		bool gone = false;

		for (uint32_t j = 0; j < n; j++) {
			struct fake_name key = fake_name(group, l[j].key);

			gone =
			    gone || (!c->dry_run &&
					fake_same_name(
					    &fake_store.taken[i].name, &key));
		}
		if (!gone)
			fake_store.taken[kept++] = fake_store.taken[i];
	}
	fake_store.ntaken = kept;
	return MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_get(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes *value)
{
	struct fake_name name;
	struct fake_row *r;
	char *copy;

	if (!fake_is_pair(group, key))
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	name = fake_name(group, key);
	if ((r = fake_row('V', &name)) == NULL)
		return MR_STORE_NONE;
	copy = c->host->alloc(c, r->n + 1);
	memcpy(copy, r->value, r->n);
	*value = (struct mr_bytes){ copy, r->n };
	return MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_put(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms, bool only_new)
{
	struct fake_name name;
	struct fake_row *r;

	if (!fake_is_pair(group, key) || ttl_ms < 0 || value.n > 65536)
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	name = fake_name(group, key);
	r = fake_row('V', &name);
	if (r != NULL && only_new)
		return MR_STORE_OVER;
	if (c->dry_run)
		return MR_STORE_OK;
	if (r != NULL)
		r->kind = 0;
	fake_row_put(fake_new_row('V', &name, ttl_ms), value);
	return MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_set(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms)
{
	return fake_store_put(c, group, key, value, ttl_ms, false);
}

MR_FAKE mr_store_status
fake_store_add(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms)
{
	return fake_store_put(c, group, key, value, ttl_ms, true);
}

MR_FAKE mr_store_status
fake_store_remove(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key)
{
	struct fake_name name;
	struct fake_row *r;

	if (!fake_is_pair(group, key))
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	name = fake_name(group, key);
	if ((r = fake_row('V', &name)) == NULL)
		return MR_STORE_NONE;
	if (!c->dry_run)
		r->kind = 0;
	return MR_STORE_OK;
}

MR_FAKE mr_store_status
fake_store_count(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    int64_t add, int64_t ttl_ms, int64_t *now)
{
	struct fake_name name;
	struct fake_row *r;
	char digits[24], *end;
	int64_t sum = 0;
	int n;

	if (!fake_is_pair(group, key) || ttl_ms < 0)
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	name = fake_name(group, key);
	r = fake_row('V', &name);
	if (r != NULL) {
		sum = strtoll(r->value, &end, 10);
		if (end == r->value || *end != '\0')
			return MR_STORE_BAD;
	}
	if (__builtin_add_overflow(sum, add, &sum))
		return MR_STORE_BAD;
	*now = sum;
	if (c->dry_run)
		return MR_STORE_OK;
	if (r == NULL)
		r = fake_new_row('V', &name, ttl_ms);
	n = snprintf(digits, sizeof(digits), "%" PRId64, sum);
	fake_row_put(r, (struct mr_bytes){ digits, (uint32_t)n });
	return MR_STORE_OK;
}

/* Members are rows with the name of their set. */
MR_FAKE mr_store_status
fake_store_distinct(struct mr_ctx *c, struct mr_bytes group,
    struct mr_bytes key, struct mr_bytes member, uint32_t bound, int64_t ttl_ms,
    uint32_t *distinct, bool *fresh)
{
	struct fake_row *oldest = NULL, *same = NULL;
	struct fake_name name;
	uint32_t others = 0;

	if (!fake_is_pair(group, key) || !fake_is_name(member) || bound == 0 ||
	    bound > 256 || ttl_ms < 0)
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	name = fake_name(group, key);
	for (uint32_t i = 0; i < fake_store.nrows; i++) {
		struct fake_row *r = &fake_store.rows[i];

		if (r->kind != 'M' || !fake_row_lives(r) ||
		    !fake_same_name(&r->name, &name))
			continue;
		if (r->n == member.n && memcmp(r->value, member.p, r->n) == 0) {
			same = r;
			continue;
		}
		others++;
		if (oldest == NULL || r->since_ms < oldest->since_ms)
			oldest = r;
	}
	*fresh = same == NULL;
	*distinct = others < bound ? others + 1 : bound;
	if (c->dry_run)
		return MR_STORE_OK;
	if (same != NULL)
		same->kind = 0;
	if (others >= bound)
		oldest->kind = 0;
	fake_row_put(fake_new_row('M', &name, ttl_ms), member);
	return MR_STORE_OK;
}

/* --- listing --- */

MR_FAKE bool
fake_shown(const struct fake_name *name, struct mr_bytes group,
    struct mr_bytes prefix, struct mr_bytes *key)
{
	*key = (struct mr_bytes){ name->bytes + name->group,
		name->n - name->group };
	return name->group == group.n &&
	       memcmp(name->bytes, group.p, group.n) == 0 &&
	       key->n >= prefix.n &&
	       (prefix.n == 0 || memcmp(key->p, prefix.p, prefix.n) == 0);
}

/* Is the index-th the first of its name? */
MR_FAKE bool
fake_first_taken(uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (fake_same_name(&fake_store.taken[i].name,
			&fake_store.taken[index].name))
			return false;
	return true;
}

MR_FAKE bool
fake_first_member(uint32_t index)
{
	const struct fake_row *rows = fake_store.rows;

	for (uint32_t i = 0; i < index; i++)
		if (rows[i].kind == 'M' && fake_row_lives(&rows[i]) &&
		    fake_same_name(&rows[i].name, &rows[index].name))
			return false;
	return true;
}

MR_FAKE mr_store_status
fake_store_each(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes prefix,
    bool (*seen)(void *arg, struct mr_bytes key, struct mr_bytes value),
    void *arg)
{
	struct mr_bytes key, none = { "", 0 };

	(void)c;
	if (!fake_is_name(group))
		return MR_STORE_BAD;
	if (fake_store.down)
		return MR_STORE_DOWN;
	for (uint32_t i = 0; i < fake_store.ntaken; i++) {
		struct fake_name name = fake_store.taken[i].name;

		if (fake_first_taken(i) &&
		    fake_shown(&name, group, prefix, &key) &&
		    !seen(arg, key, none))
			return MR_STORE_OK;
	}
	for (uint32_t i = 0; i < fake_store.nrows; i++) {
		struct fake_row r = fake_store.rows[i];
		struct mr_bytes value = { r.value, r.n };

		if (!fake_row_lives(&r) || r.kind == 'O' ||
		    (r.kind == 'M' && !fake_first_member(i)))
			continue;
		if (fake_shown(&r.name, group, prefix, &key) &&
		    !seen(arg, key, r.kind == 'V' ? value : none))
			break;
	}
	return MR_STORE_OK;
}

MR_FAKE const struct fake_name *
fake_name_at(uint32_t index)
{
	const struct fake_row *r;

	if (index < fake_store.ntaken)
		return &fake_store.taken[index].name;
	r = &fake_store.rows[index - fake_store.ntaken];
	return fake_row_lives(r) ? &r->name : NULL;
}

MR_FAKE mr_store_status
fake_store_groups(struct mr_ctx *c, struct mr_bytes prefix,
    bool (*seen)(void *arg, struct mr_bytes group), void *arg)
{
	const struct fake_name *name, *old;

	(void)c;
	if (fake_store.down)
		return MR_STORE_DOWN;
	for (uint32_t i = 0; i < fake_store.ntaken + fake_store.nrows; i++) {
		bool known = false;

		if ((name = fake_name_at(i)) == NULL)
			continue;
		for (uint32_t j = 0; j < i && !known; j++)
			known =
			    (old = fake_name_at(j)) != NULL &&
			    old->group == name->group &&
			    memcmp(old->bytes, name->bytes, old->group) == 0;
		if (!known && name->group >= prefix.n &&
		    (prefix.n == 0 ||
			memcmp(name->bytes, prefix.p, prefix.n) == 0) &&
		    !seen(arg, (struct mr_bytes){ name->bytes, name->group }))
			break;
	}
	return MR_STORE_OK;
}

MR_FAKE bool
fake_store_shared(uint32_t *hosts)
{
	if (hosts != NULL)
		*hosts = fake_store.hosts > 0 ? fake_store.hosts : 1;
	return fake_store.hosts > 0;
}

static const struct mr_store_service fake_store_service = {
	.size = sizeof(struct mr_store_service),
	.reserve = fake_store_reserve,
	.refund = fake_store_refund,
	.reset = fake_store_reset,
	.get = fake_store_get,
	.set = fake_store_set,
	.add = fake_store_add,
	.remove = fake_store_remove,
	.count = fake_store_count,
	.distinct = fake_store_distinct,
	.each = fake_store_each,
	.groups = fake_store_groups,
	.shared = fake_store_shared,
};

#endif
