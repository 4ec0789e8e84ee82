/* SPDX-License-Identifier: Apache-2.0 */
/* What mirror.c and mirror_tell.c share. */
#ifndef SERVICE_MIRROR_PRIVATE_H
#define SERVICE_MIRROR_PRIVATE_H

#include <stdatomic.h>

#include "service/lmdb.h"
#include "service/mirror.h"
#include "service/record.h"

struct mirror {
	struct lmdb *db;
	char host[MIRROR_HOST];
	_Atomic int64_t
	    offset_us; /* of the shared store's time to the file's */
};

struct mirror_hot {
	int64_t units, at_us;
};

static inline struct span
mirror_span(const struct record_key *k)
{
	return (struct span){ k->p, k->n };
}

/* Keys that belong to no group. */
void mirror_meta(struct record_key *, const char *name);
/* False: the name is too long to be kept. */
bool mirror_hot_key(struct record_key *, struct mr_bytes name);

bool mirror_begin(
    struct mirror *, const struct store_call *, struct lmdb_txn *);
/* A record that is brought to now (the shared store's time). */
void mirror_read(struct lmdb_txn *, struct mr_bytes group, enum record_kind,
    const struct mr_limit *, int64_t now_us, struct limit_record *);
void mirror_write(struct lmdb_txn *, struct mr_bytes group, enum record_kind,
    const struct mr_limit *, const struct limit_record *);

uint32_t mirror_hosts_in(struct mirror *, struct lmdb_txn *);
int64_t mirror_polled_in(struct lmdb_txn *);

#endif
