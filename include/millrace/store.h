/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "store/1": what must outlive a message and be the same for all
 * workers, or for all hosts of a fleet.
 *
 * The operator chooses where (store in millrace.conf(5)): a file that all
 * workers of this host share, or a Redis or Valkey server that hosts share.
 * Plugins do not know which.
 *
 * Keys and values are bytes; whatever they hold, they are never part of a
 * command.  A group says which keys belong together: keys of one group lie on
 * one server of a cluster, and only they can be changed in one step.  Groups
 * and keys have 1 to 400 bytes, values at most 64 KB.
 *
 * In a dry run (mr_ctx.dry_run) nothing is changed: what would be the answer
 * is answered.
 */
#ifndef MR_STORE_H
#define MR_STORE_H

#include <millrace/plugin.h>

#define MR_STORE_SERVICE "store/1"

struct mr_bytes {
	const void *p;
	uint32_t n;
};

typedef int32_t mr_store_status;
enum {
	MR_STORE_OK = 0,
	MR_STORE_NONE = 1, /* there is no such key, or it has expired */
	MR_STORE_OVER = 2, /* reserve: a limit does not allow it */
	/* It cannot be reached or does not answer in time; nothing is known. */
	MR_STORE_DOWN = 3,
	MR_STORE_BAD = 4, /* the arguments break a rule of this page */
};

/* --- limits --- */

typedef int32_t mr_limit_kind;
enum {
	/*
	 * In no interval of period_ms are more than amount units taken.  Kept
	 * as a ring of sub-intervals: a unit becomes free up to period/60
	 * later than it must.
	 */
	MR_LIMIT_WINDOW = 1,
	/*
	 * One unit every period_ms / amount, and burst units at once (GCRA).
	 * Up to burst + amount in period_ms.
	 */
	MR_LIMIT_RATE = 2,
};

/* The most that a caller may name. */
enum { MR_LIMIT_MOST = 32 };

struct mr_limit {
	/*
	 * Whom it counts, and what: "user alice messages".  The numbers of
	 * the limit are not part of it, so that a raised limit keeps its
	 * count; another kind or period begins anew.
	 */
	struct mr_bytes key;
	mr_limit_kind kind;
	int64_t
	    amount; /* units, at most 2^40; negative: no limit, count only */
	int64_t period_ms; /* 1000 to 400 days */
	int64_t burst;     /* MR_LIMIT_RATE, at least 1 */
	int64_t cost;      /* units to take; 0: only look */
};

struct mr_limit_state {
	int64_t used; /* units, what was taken now included */
	int64_t free; /* units that could be taken now; INT64_MAX: no limit */
	int64_t retry_ms; /* until cost units are free; 0: now; -1: never */
	uint64_t token;   /* what refund() wants back */
};

struct mr_store_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [session] Take cost units of each of n limits (1 to MR_LIMIT_MOST)
	 * of a group: all or, if one refuses, none.  once: a name for this
	 * taking ("message_id instance recipient"), or an empty one; taken
	 * again under the same name within an hour it is not counted again,
	 * and the states are as the first time.  states: n of them, filled on
	 * OK and OVER; on OVER *refused is the first limit that refuses.
	 */
	mr_store_status (*reserve)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, uint32_t n, struct mr_bytes once,
	    struct mr_limit_state *states, uint32_t *refused);

	/*
	 * [session] Give back cost units of each limit, as reserve() took
	 * them.  What is no longer counted (its interval is over) is not
	 * given back twice.  once: forget the name, so that a later taking
	 * under it counts.
	 */
	mr_store_status (*refund)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, const struct mr_limit_state *, uint32_t n,
	    struct mr_bytes once);

	/* [session] Forget what a limit has counted. */
	mr_store_status (*reset)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, uint32_t n);

	/* --- values, counters, sets --- */

	/* [session] The value lives as long as the message. */
	mr_store_status (*get)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes key, struct mr_bytes *value);
	/* [session] ttl_ms: it is gone after that; 0: it stays. */
	mr_store_status (*set)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes key, struct mr_bytes value, int64_t ttl_ms);
	/* [session] Set it only if it is not there: OK, or OVER if it is. */
	mr_store_status (*add)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes key, struct mr_bytes value, int64_t ttl_ms);
	/* [session] OK, or NONE if it was not there. */
	mr_store_status (*remove)(
	    struct mr_ctx *, struct mr_bytes group, struct mr_bytes key);
	/*
	 * [session] Add to a number (0 if it is not there); *now is the sum.
	 * ttl_ms counts from the first addition.
	 */
	mr_store_status (*count)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes key, int64_t add, int64_t ttl_ms, int64_t *now);
	/*
	 * [session] Put a member into a set that holds the most recent bound
	 * (at most 256) different members, each for ttl_ms from its last
	 * time.  *distinct: how many it holds now; *fresh: it was not there.
	 */
	mr_store_status (*distinct)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes key, struct mr_bytes member, uint32_t bound,
	    int64_t ttl_ms, uint32_t *distinct, bool *fresh);

	/*
	 * [session] Show every key of a group that begins with prefix, until
	 * seen() says false; values live for the call.  Not for the mail
	 * path: it may look at the whole store.  For a key of reserve() value
	 * is empty.
	 */
	mr_store_status (*each)(struct mr_ctx *, struct mr_bytes group,
	    struct mr_bytes prefix,
	    bool (*seen)(void *arg, struct mr_bytes key, struct mr_bytes value),
	    void *arg);
	/* [session] The same for groups. */
	mr_store_status (*groups)(struct mr_ctx *, struct mr_bytes prefix,
	    bool (*seen)(void *arg, struct mr_bytes group), void *arg);

	/*
	 * [any] Whether others share it: false for a store of this host.  In
	 * *hosts how many share it now, as far as they have been heard of in
	 * the last 15 s (1 without others).
	 */
	bool (*shared)(uint32_t *hosts);
};

#endif
