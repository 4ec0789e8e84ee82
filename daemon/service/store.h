/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the promises of <millrace/store.h>: one table of functions a
 * kind of store.  store.c checks arguments before it calls one; a backend
 * knows no session.
 */
#ifndef SERVICE_STORE_H
#define SERVICE_STORE_H

#include "base/buf.h"
#include "millrace/store.h"
#include "service/service.h"

enum {
	STORE_NAME_MOST = 400, /* of a group, key, name or member */
	STORE_PAIR_MOST = 480, /* of a group and a key */
	STORE_VALUE_MOST = 64 * 1024,
	STORE_SET_MOST = 256,
};

/* How one call is to be made. */
struct store_call {
	int64_t until_us; /* steady clock: no longer */
	bool dry_run;
};

/* What reserve, refund and reset are about. */
struct store_limits {
	struct mr_bytes group;
	const struct mr_limit *limits;
	uint32_t n;
	struct mr_bytes once;
};

/* All [any]; self is what the backend's open function returned. */
struct store_backend {
	mr_store_status (*reserve)(void *self, const struct store_call *,
	    const struct store_limits *, struct mr_limit_state *,
	    uint32_t *refused);
	mr_store_status (*refund)(void *self, const struct store_call *,
	    const struct store_limits *, const struct mr_limit_state *);
	mr_store_status (*reset)(
	    void *self, const struct store_call *, const struct store_limits *);
	mr_store_status (*get)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes key, struct buf *value);
	/* only_new: OVER if it is there */
	mr_store_status (*set)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes key, struct mr_bytes value,
	    int64_t ttl_ms, bool only_new);
	mr_store_status (*remove)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes key);
	mr_store_status (*count)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes key, int64_t add,
	    int64_t ttl_ms, int64_t *now);
	mr_store_status (*distinct)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes key, struct mr_bytes member,
	    uint32_t bound, int64_t ttl_ms, uint32_t *distinct, bool *fresh);
	mr_store_status (*each)(void *self, const struct store_call *,
	    struct mr_bytes group, struct mr_bytes prefix,
	    bool (*seen)(void *, struct mr_bytes key, struct mr_bytes value),
	    void *arg);
	mr_store_status (*groups)(void *self, const struct store_call *,
	    struct mr_bytes prefix, bool (*seen)(void *, struct mr_bytes group),
	    void *arg);
	bool (*shared)(void *self, uint32_t *hosts);
	void (*close)(void *self);
};

/* store_lmdb.c; NULL and *why (the caller frees it) on failure. */
void *store_lmdb_open(const char *path, int64_t size, bool dry_run, char **why);
extern const struct store_backend store_lmdb;

/*
 * store_redis.c; connects later, and fails only without memory.  mirror: the
 * folder for what this host keeps for itself, mirror_size bytes at most.
 */
struct redis_settings;
void *store_redis_open(const struct redis_settings *, const char *mirror,
    int64_t mirror_size, bool dry_run, char **why);
extern const struct store_backend store_redis;

#endif
