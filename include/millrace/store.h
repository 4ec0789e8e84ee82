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
 * one server of a cluster, and only they can be changed in one step.  Groups,
 * keys, names and members have 1 to 400 bytes, a group and its key together
 * at most 480, values at most 64 KB; an address that may be longer is hashed
 * by who asks.  Limits, values and sets with the same key are different
 * things.
 *
 * Time passes as the store's own clock says: of the server, or of this
 * machine since it was started.  A step of the wall clock changes nothing.
 *
 * In a dry run (mr_ctx.dry_run) nothing is changed: what would be the answer
 * is answered.  [session] functions return after store-timeout or at the
 * deadline of the call, whichever comes first.
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
	 * One unit every period_ms / amount, and burst units at once (GCRA,
	 * kept as the level of a leaky bucket).  Up to burst + amount units
	 * in period_ms, never more.  burst * period_ms is at most 2^52.
	 */
	MR_LIMIT_RATE = 2,
};

/* The most that a caller may name. */
enum { MR_LIMIT_MOST = 32 };

struct mr_limit {
	/*
	 * Whom it counts, and what: "user alice messages 1h".  The amount is
	 * not part of it, so that a raised limit keeps its count; another
	 * kind or period begins anew, so two limits of one account that
	 * differ in them need two keys.  No key twice in one call.
	 */
	struct mr_bytes key;
	mr_limit_kind kind;
	/* units, at most 2^40; negative: no limit, count only (WINDOW) */
	int64_t amount;
	int64_t period_ms; /* 1000 to 400 days */
	int64_t burst;     /* MR_LIMIT_RATE: 1 to 2^40 */
	int64_t cost;      /* units to take, at most 2^40; 0: only look */
	/*
	 * A store that hosts share cannot be reached: then let this host
	 * take its part, amount / (2 * hosts), in each period, instead of
	 * MR_STORE_DOWN.  Bound and conditions: millrace.conf(5), STORE.
	 * Counts if all limits of a call say so.
	 */
	bool share;
};

enum {
	/* Decided by this host alone, because the store is down. */
	MR_LIMIT_ALONE = 1 << 0,
	/* It was taken before under the same name: not counted again. */
	MR_LIMIT_REPEATED = 1 << 1,
};

struct mr_limit_state {
	int64_t used; /* units, what was taken now included */
	int64_t free; /* units that could be taken now; INT64_MAX: no limit */
	/* until cost units (at least 1) are free; 0: now; -1: never */
	int64_t retry_ms;
	uint64_t token; /* what refund() wants back */
	uint32_t flags; /* MR_LIMIT_ALONE, MR_LIMIT_REPEATED */
};

struct mr_store_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [session] Take cost units of each of n limits (1 to MR_LIMIT_MOST)
	 * of a group: all or, if one refuses, none.  A limit with cost 0
	 * never refuses.  once: a name for this taking ("message_id instance
	 * recipient"), or an empty one; what was taken under a name is, for
	 * an hour, not counted again under it: the answer is OK with the
	 * first tokens and the numbers of now.  states: n of them, filled on
	 * OK and OVER; on OVER *refused (may be NULL) is the first limit
	 * that refuses.
	 */
	mr_store_status (*reserve)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, uint32_t n, struct mr_bytes once,
	    struct mr_limit_state *states, uint32_t *refused);

	/*
	 * [session] Give back cost units, at most those taken, of each limit
	 * whose token reserve() left in its state.  What is no longer counted
	 * (its interval is over, it was reset) is not given back twice.
	 * once: give back only if the name is still known, and forget it, so
	 * that a later taking under it counts and a second refund changes
	 * nothing; empty: a part of what was taken, the rest stays.  NONE: the
	 * name is not known.
	 */
	mr_store_status (*refund)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, const struct mr_limit_state *, uint32_t n,
	    struct mr_bytes once);

	/* [session] Forget what a limit has counted. */
	mr_store_status (*reset)(struct mr_ctx *, struct mr_bytes group,
	    const struct mr_limit *, uint32_t n);

	/* --- values, counters, sets --- */

	/* [session] The value is host->alloc()ed and ends with a NUL more. */
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
	 * ttl_ms counts from the first addition.  get() shows it as decimal
	 * digits, and set() may begin with such.  BAD: it is no number, or it
	 * would leave the int64_t.
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
	 * [session] Show every key of a group that begins with prefix (which
	 * may be empty), in no order, until seen() says false; seen() may ask
	 * the store.  Not for the mail path: it may look at the whole store.
	 * For a key of reserve() or distinct() value is empty.
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
	 * the last 15 s (1 without others).  hosts may be NULL.
	 */
	bool (*shared)(uint32_t *hosts);
};

#endif
