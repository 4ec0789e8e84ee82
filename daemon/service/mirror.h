/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host of a fleet knows by itself: what it has taken of the windows
 * of the shared store, so that it can go on with its part while that store
 * is down, tell it afterwards, and tell it all again should it lose its data.
 * All workers of the host share it.  Knows no Redis.
 *
 * Time is the shared store's in here, so that slots have the same numbers.
 */
#ifndef SERVICE_MIRROR_H
#define SERVICE_MIRROR_H

#include "service/limit.h"
#include "service/store.h"

struct mirror;

enum { MIRROR_HOST = 33, MIRROR_EPOCH = 64 };

/* path: a folder.  NULL and *why (the caller frees it) on failure. */
struct mirror *mirror_open(const char *path, int64_t size, char **why);
void mirror_close(struct mirror **);
/* Once a second from one thread of each process. */
void mirror_tend(struct mirror *);

/* A name that no other host has, drawn once. */
const char *mirror_host(const struct mirror *);

/* The shared store's time, as far as it is known. */
int64_t mirror_now_us(const struct mirror *);
void mirror_set_time(struct mirror *, int64_t now_us);

/* The name of a limit where hosts tell each other of it. */
typedef void mirror_name(
    struct buf *, struct mr_bytes group, const struct mr_limit *);

/* --- what was taken with the store's consent --- */

/* now_us: the time at which it was taken. */
void mirror_took(struct mirror *, const struct store_call *,
    const struct store_limits *, int64_t now_us);
void mirror_gave_back(struct mirror *, const struct store_call *,
    const struct store_limits *, const struct mr_limit_state *);
void mirror_forgot(
    struct mirror *, const struct store_call *, const struct store_limits *);

/* --- alone --- */

/*
 * Decide as one of the hosts that were last heard of.  DOWN if none was ever
 * heard of.
 */
mr_store_status mirror_reserve(struct mirror *, const struct store_call *,
    const struct store_limits *, mirror_name *, struct mr_limit_state *,
    uint32_t *refused);
/* What was decided alone.  NONE: the name is not known. */
mr_store_status mirror_refund(struct mirror *, const struct store_call *,
    const struct store_limits *, const struct mr_limit_state *);

/* --- what is told to the shared store, and heard of it --- */

/* Hosts that share the store now; the most of the last minutes counts. */
void mirror_heard_hosts(struct mirror *, uint32_t hosts);
uint32_t mirror_hosts(struct mirror *);

/*
 * Whether the caller is the one process of the host that asks what is hot
 * this second, and the time up to which that is known.
 */
bool mirror_asks(struct mirror *, int64_t *since_us);
/* A limit that is half used or more: units in its period, as told at at_us. */
void mirror_heard_hot(struct mirror *, struct mr_bytes name, int64_t units,
    int64_t period_ms, int64_t at_us);
/* All was heard that was told before since_us, at now_us. */
void mirror_heard_all(struct mirror *, int64_t since_us, int64_t now_us);

/* What has to be added to a window of the shared store. */
struct mirror_delta {
	struct mr_bytes group, key;
	int64_t period_ms;
	unsigned n;
	int64_t slots[LIMIT_RING], units[LIMIT_RING];
	char nonce[128]; /* the same delta never has another */
	uint64_t number;
	struct buf names; /* group and key lie here */
};
/*
 * The next of what was taken alone; it stays until mirror_told().  False:
 * there is none.
 */
bool mirror_pending(struct mirror *, struct mirror_delta *);
void mirror_told(struct mirror *, const struct mirror_delta *);

/* The epoch that was last seen through; "": none. */
void mirror_epoch(struct mirror *, char epoch[MIRROR_EPOCH]);
/*
 * All that this host took before us, one limit after the other: *at is
 * where to go on, empty at first.  False at the end.
 */
bool mirror_own(struct mirror *, struct buf *at, int64_t before_us,
    const char *epoch, struct mirror_delta *);
/* What was taken before us has been told; this is the epoch now. */
void mirror_set_epoch(struct mirror *, const char *epoch, int64_t us);

void mirror_delta_finish(struct mirror_delta *);

#endif
