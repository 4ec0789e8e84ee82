/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "store/1": looks at the arguments, chooses the backend that
 * the configuration names, and passes calls on.
 */
#include "service/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/database.h"
#include "service/limit.h"
#include "service/redis.h"

static struct {
	const struct store_backend *backend;
	void *self;
	int64_t timeout_us;
} store;

/* --- arguments --- */

static bool
is_name(struct mr_bytes b)
{
	return b.n > 0 && b.n <= STORE_NAME_MOST && b.p != NULL;
}

static bool
is_pair(struct mr_bytes group, struct mr_bytes key)
{
	return is_name(group) && is_name(key) &&
	       group.n + key.n <= STORE_PAIR_MOST;
}

static bool
is_ttl(int64_t ttl_ms)
{
	return ttl_ms >= 0 && ttl_ms <= 400 * LIMIT_DAY_MS;
}

static bool
same(struct mr_bytes a, struct mr_bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
is_limits(const struct store_limits *q)
{
	if (q->n == 0 || q->n > MR_LIMIT_MOST || q->limits == NULL ||
	    (q->once.n > 0 && !is_pair(q->group, q->once)))
		return false;
	for (uint32_t i = 0; i < q->n; i++) {
		if (!is_pair(q->group, q->limits[i].key) ||
		    !limit_valid(&q->limits[i]))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (same(q->limits[i].key, q->limits[j].key))
				return false;
	}
	return true;
}

static struct store_call
call_of(struct mr_ctx *c)
{
	int64_t left = c->host->time_left(c) * 1000;

	if (left > store.timeout_us)
		left = store.timeout_us;
	return (struct store_call){ clock_steady_us() + left, c->dry_run };
}

/* A listing looks at everything: it has the time that its call has. */
static struct store_call
long_call_of(struct mr_ctx *c)
{
	return (struct store_call){
		clock_steady_us() + c->host->time_left(c) * 1000, c->dry_run
	};
}

/* --- the table --- */

static mr_store_status
service_reserve(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *limits, uint32_t n, struct mr_bytes once,
    struct mr_limit_state *states, uint32_t *refused)
{
	const struct store_limits q = { group, limits, n, once };
	const struct store_call call = call_of(c);
	uint32_t ignored;

	if (!is_limits(&q))
		return MR_STORE_BAD;
	return store.backend->reserve(store.self, &call, &q, states,
	    refused != NULL ? refused : &ignored);
}

static mr_store_status
service_refund(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *limits, const struct mr_limit_state *states,
    uint32_t n, struct mr_bytes once)
{
	const struct store_limits q = { group, limits, n, once };
	const struct store_call call = call_of(c);

	if (!is_limits(&q))
		return MR_STORE_BAD;
	return store.backend->refund(store.self, &call, &q, states);
}

static mr_store_status
service_reset(struct mr_ctx *c, struct mr_bytes group,
    const struct mr_limit *limits, uint32_t n)
{
	const struct store_limits q = { group, limits, n, { "", 0 } };
	const struct store_call call = call_of(c);

	if (!is_limits(&q))
		return MR_STORE_BAD;
	return store.backend->reset(store.self, &call, &q);
}

static mr_store_status
service_get(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes *value)
{
	const struct store_call call = call_of(c);
	mr_store_status status;
	struct buf b = { 0 };
	char *copy;

	if (!is_pair(group, key))
		return MR_STORE_BAD;
	status = store.backend->get(store.self, &call, group, key, &b);
	if (status == MR_STORE_OK) {
		copy = c->host->alloc(c, b.n + 1);
		if (b.n > 0)
			memcpy(copy, b.p, b.n);
		*value = (struct mr_bytes){ copy, (uint32_t)b.n };
	}
	buf_finish(&b);
	return status;
}

static mr_store_status
put(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms, bool only_new)
{
	const struct store_call call = call_of(c);

	if (!is_pair(group, key) || value.n > STORE_VALUE_MOST ||
	    !is_ttl(ttl_ms))
		return MR_STORE_BAD;
	return store.backend->set(
	    store.self, &call, group, key, value, ttl_ms, only_new);
}

static mr_store_status
service_set(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms)
{
	return put(c, group, key, value, ttl_ms, false);
}

static mr_store_status
service_add(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl_ms)
{
	return put(c, group, key, value, ttl_ms, true);
}

static mr_store_status
service_remove(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key)
{
	const struct store_call call = call_of(c);

	if (!is_pair(group, key))
		return MR_STORE_BAD;
	return store.backend->remove(store.self, &call, group, key);
}

static mr_store_status
service_count(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    int64_t add, int64_t ttl_ms, int64_t *now)
{
	const struct store_call call = call_of(c);

	if (!is_pair(group, key) || !is_ttl(ttl_ms))
		return MR_STORE_BAD;
	return store.backend->count(
	    store.self, &call, group, key, add, ttl_ms, now);
}

static mr_store_status
service_distinct(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes member, uint32_t bound, int64_t ttl_ms, uint32_t *distinct,
    bool *fresh)
{
	const struct store_call call = call_of(c);

	if (!is_pair(group, key) || !is_name(member) || bound == 0 ||
	    bound > STORE_SET_MOST || !is_ttl(ttl_ms))
		return MR_STORE_BAD;
	return store.backend->distinct(store.self, &call, group, key, member,
	    bound, ttl_ms, distinct, fresh);
}

static mr_store_status
service_each(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes prefix,
    bool (*seen)(void *arg, struct mr_bytes key, struct mr_bytes value),
    void *arg)
{
	const struct store_call call = long_call_of(c);

	if (!is_name(group) || prefix.n > STORE_NAME_MOST)
		return MR_STORE_BAD;
	return store.backend->each(store.self, &call, group, prefix, seen, arg);
}

static mr_store_status
service_groups(struct mr_ctx *c, struct mr_bytes prefix,
    bool (*seen)(void *arg, struct mr_bytes group), void *arg)
{
	const struct store_call call = long_call_of(c);

	if (prefix.n > STORE_NAME_MOST)
		return MR_STORE_BAD;
	return store.backend->groups(store.self, &call, prefix, seen, arg);
}

static bool
service_shared(uint32_t *hosts)
{
	uint32_t ignored;

	return store.backend->shared(
	    store.self, hosts != NULL ? hosts : &ignored);
}

static const struct mr_store_service table = {
	.size = sizeof(struct mr_store_service),
	.reserve = service_reserve,
	.refund = service_refund,
	.reset = service_reset,
	.get = service_get,
	.set = service_set,
	.add = service_add,
	.remove = service_remove,
	.count = service_count,
	.distinct = service_distinct,
	.each = service_each,
	.groups = service_groups,
	.shared = service_shared,
};

/* --- life --- */

static bool
start(const struct config *config, bool dry_run, char **why)
{
	const struct config_globals *g = &config->globals;
	struct redis_settings settings;
	struct database d;

	if (!database_parse(g->store, &d, why))
		return false;
	store.timeout_us = g->store_timeout * 1000;
	if (d.kind == DATABASE_LMDB) {
		store.backend = &store_lmdb;
		store.self =
		    store_lmdb_open(d.path, g->store_size, dry_run, why);
		return store.self != NULL;
	}
	settings = (struct redis_settings){ .database = d,
		.password = config->store_password,
		.ca_file = g->store_tls_ca,
		.timeout_us = store.timeout_us,
		.replicas = g->store_replicas };
	if (g->store_password_file != NULL && settings.password == NULL) {
		*why = memory_printf(
		    "%s: this user may not read it", g->store_password_file);
		return false;
	}
	store.backend = &store_redis;
	store.self = store_redis_open(
	    &settings, g->store_mirror, g->store_size, dry_run, why);
	return store.self != NULL;
}

static void
stop(void)
{
	store.backend->close(store.self);
	store.self = NULL;
}

const struct service store_service = {
	.id = MR_STORE_SERVICE,
	.table = &table,
	.start = start,
	.stop = stop,
};
