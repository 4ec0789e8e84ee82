/* SPDX-License-Identifier: Apache-2.0 */
/* What lmdb.c, lmdb_open.c and lmdb_tend.c share. */
#ifndef SERVICE_LMDB_PRIVATE_H
#define SERVICE_LMDB_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "service/lmdb.h"

#define LMDB_MAGIC "millrace store 1"

enum {
	LMDB_PAGE = 4096,
	LMDB_READERS = 4096,
	BOOT_ID = 40,
	/* A writer needs less than this for one transaction. */
	LMDB_MARGIN = 4 * 1024 * 1024,
	LMDB_STEP = 16 * 1024 * 1024,
};

/* The first page of the file "shared". */
struct lmdb_shared {
	char magic[sizeof(LMDB_MAGIC)];
	char boot[BOOT_ID];
	int64_t offset_us; /* the clock of the store: CLOCK_BOOTTIME + this */
	/*
	 * LMDB has such a lock, but nobody can give up waiting for it: a
	 * writer that was stopped would stop all others.
	 */
	pthread_mutex_t writer;
	_Atomic int64_t allocated; /* bytes of data.mdb that have a block */
	_Atomic bool full;
	/* Under the writers' lock: */
	_Atomic int64_t swept_us, checked_us;
	uint32_t swept_length;
	char swept[LMDB_KEY_MOST]; /* where the sweep goes on */
};

struct lmdb {
	char *path, *data;
	int64_t size;
	bool read_only;
	int users; /* descriptor of "shared", with our lock on it */
	struct lmdb_shared *shared;
	MDB_env *env;
	MDB_dbi dbi;
	int64_t page_bytes;
	/* Held by who is in the environment; by one who makes it larger. */
	pthread_rwlock_t resize;
	_Atomic int64_t complained_us; /* when a failure was last logged */
};

int64_t lmdb_boot_us(void);
/* Once in a while. */
void lmdb_complain(struct lmdb *, const char *what, int rc);

/* lmdb_tend.c: is what lies there whole?  Reads every page. */
bool lmdb_is_whole(const char *path);

#endif
