/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message has taken of its limits, and how it is given back.  Knows
 * the store, but neither options nor replies.
 */
#ifndef RATELIMIT_CHARGE_H
#define RATELIMIT_CHARGE_H

#include <millrace/store.h>

#include "rules.h"

/* One taking that held: all its limits at once. */
struct charge {
	struct charge *next;
	const char *recipient; /* NULL: for the message as a whole */
	const char *once;
	bool returned;
	uint32_t n; /* of each of these */
	struct mr_limit *limits;
	struct mr_limit_state *states;
	const struct rule **rules;
	const char **marks; /* of DISTINCT: what was added, or NULL */
};

/* Of one message; zeroed to begin with. */
struct charges {
	struct charge *first;
	uint32_t steps; /* takings so far, for their names */
};

/* What is asked for. */
struct charge_wish {
	const struct mr_store_service *store;
	const char *group;
	uint32_t identity; /* of the instance: part of each taking's name */
	const struct rules_key *keys;
	const struct rules *rules; /* lives as long as the message */
	int64_t cost[LIMIT_UNITS]; /* 0: that unit is not taken */
	int64_t margin;            /* percent on top of each amount */
	const char *recipient;     /* or NULL */
	bool share;                /* mr_limit.share */
};

enum charge_result {
	CHARGE_OK,
	CHARGE_OVER,  /* later it may fit */
	CHARGE_NEVER, /* one message is more than the whole limit */
	CHARGE_DOWN,  /* the store is away */
};

/* The rule that refuses. */
struct charge_refusal {
	const struct rule *rule;
	struct mr_limit_state state;
};

/*
 * Take all or nothing.  A counter from which this message has taken its
 * message or its bytes already is not asked for them again.
 */
enum charge_result charge_take(struct mr_ctx *, struct charges *,
    const struct charge_wish *, struct charge_refusal *);

/* Would it fit?  Takes nothing that stays. */
enum charge_result charge_look(
    struct mr_ctx *, const struct charge_wish *, struct charge_refusal *);

/* More bytes than it has taken, of the same counters. */
enum charge_result charge_take_bytes(struct mr_ctx *, struct charges *,
    const struct charge_wish *, int64_t bytes, struct charge_refusal *);

/* Give back all that is left. */
void charge_return(
    struct mr_ctx *, struct charges *, const struct charge_wish *);
/* Of recipients that are not among those accepted in the end. */
void charge_return_lost(
    struct mr_ctx *, struct charges *, const struct charge_wish *);
/* What of the declared bytes was not needed. */
void charge_return_bytes(struct mr_ctx *, struct charges *,
    const struct charge_wish *, int64_t bytes);

#endif
