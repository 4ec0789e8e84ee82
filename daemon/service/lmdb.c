/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, keys and values. */
#include "service/lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/lmdb_private.h"

enum { COMPLAIN_US = 10 * 1000 * 1000 };

int64_t
lmdb_boot_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int64_t
lmdb_now_us(const struct lmdb *db)
{
	return lmdb_boot_us() + db->shared->offset_us;
}

void
lmdb_complain(struct lmdb *db, const char *what, int rc)
{
	int64_t now = clock_steady_us() + COMPLAIN_US;
	int64_t last = atomic_load(&db->complained_us);

	if (now - last < COMPLAIN_US ||
	    !atomic_compare_exchange_strong(&db->complained_us, &last, now))
		return;
	log_error("store %s: %s: %s", db->path, what,
	    rc == ETIMEDOUT ? "another process holds it for too long"
			    : mdb_strerror(rc));
}

/* --- transactions --- */

/* A writer that died left nothing half done: LMDB commits in one step. */
static int
lock_writers(struct lmdb_shared *s, int64_t until_us)
{
	struct timespec t;
	int64_t wall;
	int rc = pthread_mutex_trylock(&s->writer);

	if (rc == EBUSY) {
		wall = clock_wall_us() + until_us - clock_steady_us();
		t.tv_sec = wall / 1000000;
		t.tv_nsec = wall % 1000000 * 1000;
		rc = pthread_mutex_timedlock(&s->writer, &t);
	}
	if (rc == EOWNERDEAD)
		rc = pthread_mutex_consistent(&s->writer);
	return rc;
}

/*
 * The file has holes until a page is written; with a full disk that would
 * kill the process that touches it.
 */
static int
have_room(struct lmdb *db)
{
	struct lmdb_shared *s = db->shared;
	int64_t allocated = atomic_load(&s->allocated), used;
	MDB_envinfo info;
	int fd;

	mdb_env_info(db->env, &info);
	used = ((int64_t)info.me_last_pgno + 1) * db->page_bytes;
	if (used + LMDB_MARGIN <= allocated ||
	    allocated >= (int64_t)info.me_mapsize)
		return 0;
	mdb_env_get_fd(db->env, &fd);
	while (used + LMDB_MARGIN > allocated) {
		if (fallocate(fd, FALLOC_FL_KEEP_SIZE, allocated, LMDB_STEP) ==
			-1 &&
		    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return errno;
		allocated += LMDB_STEP;
	}
	atomic_store(&s->allocated, allocated);
	return 0;
}

static int
begin(struct lmdb *db, unsigned flags, MDB_txn **txn)
{
	int rc;

	pthread_rwlock_rdlock(&db->resize);
	rc = mdb_txn_begin(db->env, NULL, flags, txn);
	if (rc != MDB_MAP_RESIZED)
		goto out;
	/* Another process has a larger one. */
	pthread_rwlock_unlock(&db->resize);
	pthread_rwlock_wrlock(&db->resize);
	mdb_env_set_mapsize(db->env, 0);
	pthread_rwlock_unlock(&db->resize);
	pthread_rwlock_rdlock(&db->resize);
	rc = mdb_txn_begin(db->env, NULL, flags, txn);
out:
	if (rc != 0)
		pthread_rwlock_unlock(&db->resize);
	return rc;
}

bool
lmdb_write(struct lmdb *db, int64_t until_us, struct lmdb_txn *t)
{
	int rc = lock_writers(db->shared, until_us);

	*t = (struct lmdb_txn){ .db = db, .writes = true };
	if (rc != 0) {
		lmdb_complain(db, "waiting to write", rc);
		return false;
	}
	rc = have_room(db);
	if (rc == 0)
		rc = begin(db, 0, &t->txn);
	if (rc != 0) {
		pthread_mutex_unlock(&db->shared->writer);
		lmdb_complain(db, "beginning to write", rc);
		return false;
	}
	t->now_us = lmdb_now_us(db);
	return true;
}

bool
lmdb_read(struct lmdb *db, struct lmdb_txn *t)
{
	int rc;

	*t = (struct lmdb_txn){ .db = db };
	if (db == NULL) {
		t->now_us = clock_wall_us();
		return true;
	}
	if ((rc = begin(db, MDB_RDONLY, &t->txn)) != 0) {
		lmdb_complain(db, "beginning to read", rc);
		return false;
	}
	t->now_us = lmdb_now_us(db);
	return true;
}

static void
leave(struct lmdb_txn *t)
{
	pthread_rwlock_unlock(&t->db->resize);
	if (t->writes)
		pthread_mutex_unlock(&t->db->shared->writer);
	t->txn = NULL;
}

void
lmdb_abort(struct lmdb_txn *t)
{
	if (t->txn == NULL)
		return;
	mdb_txn_abort(t->txn);
	leave(t);
}

bool
lmdb_commit(struct lmdb_txn *t)
{
	int rc;

	if (!t->writes || t->broken || t->full) {
		lmdb_abort(t);
		return !t->broken && !t->full;
	}
	rc = mdb_txn_commit(t->txn);
	leave(t);
	t->full = rc == MDB_MAP_FULL;
	if (rc != 0)
		lmdb_complain(t->db, "writing", rc);
	return rc == 0;
}

/* --- keys --- */

static MDB_val
val_of(struct span s)
{
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

static struct span
span_from(MDB_val v)
{
	return (struct span){ v.mv_data, v.mv_size };
}

static void
fail(struct lmdb_txn *t, const char *what, int rc)
{
	t->broken = true;
	lmdb_complain(t->db, what, rc);
}

/* What a value begins with: when it expires, little-endian. */
static bool
take_head(struct lmdb_txn *t, struct span *value, int64_t *expires_us)
{
	int64_t at;

	if (value->n < LMDB_VALUE_HEAD) {
		fail(t, "reading", MDB_CORRUPTED);
		return false;
	}
	memcpy(&at, value->p, sizeof(at));
	value->p += LMDB_VALUE_HEAD;
	value->n -= LMDB_VALUE_HEAD;
	if (expires_us != NULL)
		*expires_us = at;
	return at == 0 || at > t->now_us;
}

bool
lmdb_get(struct lmdb_txn *t, struct span key, struct span *value,
    int64_t *expires_us)
{
	MDB_val k = val_of(key), v;
	int rc = MDB_NOTFOUND;

	if (t->txn != NULL)
		rc = mdb_get(t->txn, t->db->dbi, &k, &v);
	if (rc != 0) {
		if (rc != MDB_NOTFOUND)
			fail(t, "reading", rc);
		return false;
	}
	*value = span_from(v);
	return take_head(t, value, expires_us);
}

static bool
is_new(struct lmdb_txn *t, MDB_val *k)
{
	MDB_val v;

	return mdb_get(t->txn, t->db->dbi, k, &v) == MDB_NOTFOUND;
}

void
lmdb_put(
    struct lmdb_txn *t, struct span key, struct span value, int64_t expires_us)
{
	MDB_val k = val_of(key), v = { value.n + LMDB_VALUE_HEAD, NULL };
	int rc;

	if (!t->writes)
		return;
	/* Those that are known are counted as ever. */
	if (atomic_load(&t->db->shared->full) && is_new(t, &k)) {
		t->full = true;
		lmdb_complain(t->db, "store-size is reached", MDB_MAP_FULL);
		return;
	}
	rc = mdb_put(t->txn, t->db->dbi, &k, &v, MDB_RESERVE);
	if (rc == MDB_MAP_FULL) {
		t->full = true;
		atomic_store(&t->db->shared->full, true);
		lmdb_complain(t->db, "store-size is reached", rc);
		return;
	}
	if (rc != 0) {
		fail(t, "writing", rc);
		return;
	}
	memcpy(v.mv_data, &expires_us, sizeof(expires_us));
	if (value.n > 0)
		memcpy((char *)v.mv_data + LMDB_VALUE_HEAD, value.p, value.n);
}

bool
lmdb_delete(struct lmdb_txn *t, struct span key)
{
	MDB_val k = val_of(key);
	struct span value;
	int rc;

	if (!lmdb_get(t, key, &value, NULL))
		return false;
	if (t->writes && (rc = mdb_del(t->txn, t->db->dbi, &k, NULL)) != 0)
		fail(t, "removing", rc);
	return true;
}

bool
lmdb_next(
    struct lmdb_txn *t, struct span from, struct span *key, struct span *value)
{
	MDB_val k = val_of(from), v;
	MDB_cursor *cursor;
	bool found = false;
	int rc;

	if (t->txn == NULL)
		return false;
	if ((rc = mdb_cursor_open(t->txn, t->db->dbi, &cursor)) != 0) {
		fail(t, "reading", rc);
		return false;
	}
	/* An empty key is not a key for LMDB: begin with the first. */
	rc = mdb_cursor_get(
	    cursor, &k, &v, from.n > 0 ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0 && !found && !t->broken) {
		*key = span_from(k);
		*value = span_from(v);
		found = take_head(t, value, NULL);
		if (!found)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	if (rc != 0 && rc != MDB_NOTFOUND)
		fail(t, "reading", rc);
	mdb_cursor_close(cursor);
	return found;
}

int64_t
lmdb_count(struct lmdb *db)
{
	struct lmdb_txn t;
	MDB_stat st = { 0 };
	int rc;

	if (!lmdb_read(db, &t))
		return -1;
	rc = mdb_stat(t.txn, db->dbi, &st);
	lmdb_abort(&t);
	return rc == 0 ? (int64_t)st.ms_entries : -1;
}
