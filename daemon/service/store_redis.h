/* SPDX-License-Identifier: Apache-2.0 */
/* What store_redis.c and its neighbours share. */
#ifndef SERVICE_STORE_REDIS_H
#define SERVICE_STORE_REDIS_H

#include <pthread.h>

#include "service/mirror.h"
#include "service/redis.h"
#include "service/store.h"

enum { FLEET_HOT = 120 }; /* told in one beat */

struct store_redis {
	struct redis *redis;
	struct mirror *mirror; /* NULL: a dry run, or it cannot be opened */
	int64_t timeout_us;
	bool dry_run;

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	pthread_t tender;
	bool tends, stop, hurry;
	bool ready;        /* it may be asked */
	bool settling;     /* hosts tell a server what it has lost */
	unsigned failures; /* in a row; 3: the circuit is open */
	uint32_t hosts;
	struct buf hot[FLEET_HOT];
	int64_t hot_units[FLEET_HOT], hot_period_ms[FLEET_HOT];
	unsigned nhot;
	int64_t complained_us;
};

/* "mr:{group}:L:key", with what would end the group's braces escaped. */
void store_redis_key(
    struct buf *, struct mr_bytes group, char kind, struct mr_bytes key);

/* store_fleet.c: from the first connection on, in a thread of its own. */
void fleet_start(struct store_redis *);
void fleet_stop(struct store_redis *);
/* Wait until it may be asked.  False: it is down. */
bool fleet_ready(struct store_redis *, const struct store_call *);
/* A question had no answer. */
void fleet_failed(struct store_redis *);
/* A limit that is half used, to be told to the other hosts. */
void fleet_hot(struct store_redis *, struct mr_bytes group,
    const struct mr_limit *, int64_t used);

/* store_redis_list.c */
mr_store_status store_redis_each(void *self, const struct store_call *,
    struct mr_bytes group, struct mr_bytes prefix,
    bool (*seen)(void *, struct mr_bytes key, struct mr_bytes value),
    void *arg);
mr_store_status store_redis_groups(void *self, const struct store_call *,
    struct mr_bytes prefix, bool (*seen)(void *, struct mr_bytes group),
    void *arg);

#endif
