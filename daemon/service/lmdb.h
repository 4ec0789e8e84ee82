/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder with an LMDB file that the processes of one machine share: who may
 * create it, when it is thrown away, what time it is in it, how long a writer
 * waits.  Knows no keys but its own.
 *
 * Nothing is written through to the disk.  That costs nothing when processes
 * die, for the pages belong to the kernel; when the machine dies the file is
 * worth nothing.  So whoever is the first to use it after a start of the
 * machine begins with an empty one, unless the last user closed it in order.
 *
 * In the folder:
 *	data.mdb, lock.mdb	LMDB's
 *	shared	one page that all users map: the clock, the writers' lock.  A
 *		lock on this file tells the first and the last user
 *	clean	there only if the last user closed it in order
 */
#ifndef SERVICE_LMDB_H
#define SERVICE_LMDB_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* The longest key, and the bytes of a value before what the caller put. */
enum { LMDB_KEY_MOST = 511, LMDB_VALUE_HEAD = 8 };

struct lmdb;

struct lmdb_settings {
	const char *path; /* of the folder; made if its parent is there */
	int64_t size;     /* bytes it may have */
	bool read_only;   /* create and change nothing */
};

/*
 * If root opens it, files belong to the folder's owner.  NULL and *why (the
 * caller frees it) on failure.  read_only: also if there is nothing to read.
 */
struct lmdb *lmdb_open(const struct lmdb_settings *, char **why);
/* Nobody may be in it. */
void lmdb_close(struct lmdb **);

/* us since some time in the past; never goes back, no step of a clock. */
int64_t lmdb_now_us(const struct lmdb *);

/* One transaction, in one thread. */
struct lmdb_txn {
	struct lmdb *db;
	MDB_txn *txn;
	int64_t now_us;
	bool writes;
	bool broken; /* something failed, and was logged */
	bool full;   /* no room for another key */
};

/* Wait for other writers until then (steady clock).  False: it is down. */
bool lmdb_write(struct lmdb *, int64_t until_us, struct lmdb_txn *);
/* Changes are not made.  NULL is an empty one. */
bool lmdb_read(struct lmdb *, struct lmdb_txn *);
/* Commit unless it is broken, full or only reads.  False: nothing was done. */
bool lmdb_commit(struct lmdb_txn *);
void lmdb_abort(struct lmdb_txn *);

/*
 * A value that has not expired; it lives until the next change.  False: none
 * (or broken).  expires_us may be NULL; 0: never.
 */
bool lmdb_get(struct lmdb_txn *, struct span key, struct span *value,
    int64_t *expires_us);
/* expires_us 0: it stays. */
void lmdb_put(
    struct lmdb_txn *, struct span key, struct span value, int64_t expires_us);
/* False: it was not there. */
bool lmdb_delete(struct lmdb_txn *, struct span key);

/*
 * The first key at or after from that has not expired, and its value; both
 * live until the next change.  False at the end.
 */
bool lmdb_next(
    struct lmdb_txn *, struct span from, struct span *key, struct span *value);

/*
 * Once a second from one thread of each process: removes what has expired (a
 * hundredth of all a minute), and readers that died.
 */
void lmdb_tend(struct lmdb *);

/* Keys in it; -1 if that is not known. */
int64_t lmdb_count(struct lmdb *);

#endif
