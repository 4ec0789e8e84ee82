/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the file small and sound: sweeping, dead readers, looking. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "service/lmdb_private.h"

enum {
	SECOND_US = 1000 * 1000,
	MINUTE_US = 60 * SECOND_US,
	SWEEPS = 6000, /* to see every key once: 1 % a minute */
	SWEEP_LEAST = 8,
	SWEEP_MOST = 2000,
	LOOK_SECONDS = 20, /* some GB */
};

/* --- sweeping --- */

static bool
expired(struct lmdb_txn *t, MDB_val v)
{
	int64_t at = 0;

	if (v.mv_size >= LMDB_VALUE_HEAD)
		memcpy(&at, v.mv_data, sizeof(at));
	return at != 0 && at <= t->now_us;
}

/* Look at some keys from where the last sweep ended, and remove those. */
static int
sweep(struct lmdb_txn *t, struct lmdb_shared *s, size_t most)
{
	MDB_val k = { s->swept_length, s->swept }, v;
	MDB_cursor *c;
	int rc = mdb_cursor_open(t->txn, t->db->dbi, &c);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(
	    c, &k, &v, s->swept_length > 0 ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0 && most-- > 0) {
		if (expired(t, v))
			rc = mdb_cursor_del(c, 0);
		if (rc == 0)
			rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	s->swept_length = 0;
	if (rc == 0 && k.mv_size <= LMDB_KEY_MOST) {
		memcpy(s->swept, k.mv_data, k.mv_size);
		s->swept_length = (uint32_t)k.mv_size;
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Pages that LMDB will use again; they hold no key. */
static int64_t
free_pages(MDB_txn *txn)
{
	MDB_val k, v;
	MDB_cursor *c;
	int64_t n = 0;
	size_t count;

	if (mdb_cursor_open(txn, 0, &c) != 0)
		return 0;
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
		if (v.mv_size < sizeof(count))
			continue;
		memcpy(&count, v.mv_data, sizeof(count));
		n += (int64_t)count;
	}
	mdb_cursor_close(c);
	return n;
}

/*
 * An eighth stays free of new keys: those that are known go on to be
 * written, and so does the sweep, which needs pages to give some back.
 */
static bool
is_full(struct lmdb_txn *t)
{
	struct lmdb *db = t->db;
	int64_t most = db->size / db->page_bytes / 8 * 7;
	MDB_envinfo info;

	mdb_env_info(db->env, &info);
	return (int64_t)info.me_last_pgno > most &&
	       (int64_t)info.me_last_pgno - free_pages(t->txn) > most;
}

/* Larger than its configured size, so that something can be removed. */
static void
grow(struct lmdb *db)
{
	MDB_envinfo info;
	int rc;

	pthread_rwlock_wrlock(&db->resize);
	mdb_env_info(db->env, &info);
	rc = mdb_env_set_mapsize(
	    db->env, info.me_mapsize + (size_t)db->size / 8);
	pthread_rwlock_unlock(&db->resize);
	if (rc != 0)
		lmdb_complain(db, "making room to sweep", rc);
}

static void
sweep_some(struct lmdb *db)
{
	struct lmdb_shared *s = db->shared;
	int64_t entries = lmdb_count(db);
	struct lmdb_txn t;
	size_t most;
	int rc = 0;

	if (!lmdb_write(db, clock_steady_us() + SECOND_US, &t))
		return;
	if (t.now_us - s->swept_us < SECOND_US) {
		lmdb_abort(&t);
		return;
	}
	s->swept_us = t.now_us;
	most = (size_t)(entries / SWEEPS + SWEEP_LEAST);
	if (atomic_load(&s->full) || most > SWEEP_MOST)
		most = SWEEP_MOST;
	rc = sweep(&t, s, most);
	atomic_store(&s->full, is_full(&t));
	if (rc != 0) {
		t.broken = true;
		lmdb_complain(db, "sweeping", rc);
	}
	lmdb_commit(&t);
	if (t.full || rc == MDB_MAP_FULL)
		grow(db);
}

void
lmdb_tend(struct lmdb *db)
{
	struct lmdb_shared *s = db->shared;
	int64_t now = lmdb_now_us(db);

	/* Whoever wakes first in a second does the work for all. */
	if (now - s->swept_us < SECOND_US)
		return;
	if (now - s->checked_us > MINUTE_US) {
		s->checked_us = now;
		mdb_reader_check(db->env, NULL);
	}
	sweep_some(db);
}

/* --- looking --- */

static bool
walk(MDB_txn *txn, MDB_dbi dbi, size_t pages, size_t *found)
{
	volatile unsigned char seen;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	*found = 0;
	if (mdb_cursor_open(txn, dbi, &c) != 0)
		return false;
	while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		const unsigned char *p = v.mv_data;

		if (k.mv_size > LMDB_KEY_MOST || v.mv_size < LMDB_VALUE_HEAD)
			return false;
		/* Every page of a long value. */
		for (size_t i = 0; i < v.mv_size; i += 512)
			seen = p[i];
		if (dbi == 0 && v.mv_size / sizeof(size_t) > pages)
			return false;
		++*found;
	}
	mdb_cursor_close(c);
	(void)seen;
	return rc == MDB_NOTFOUND;
}

static bool
look(const char *path)
{
	size_t found, free_found;
	MDB_envinfo info;
	struct stat st;
	MDB_txn *txn;
	MDB_stat stat;
	MDB_dbi dbi;
	MDB_env *env;
	int fd;

	/* A file that is shorter than it says would kill who reads it. */
	if (mdb_env_create(&env) != 0 ||
	    mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0) ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0 ||
	    mdb_stat(txn, dbi, &stat) != 0 || mdb_env_info(env, &info) != 0 ||
	    mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) == -1)
		return false;
	if ((info.me_last_pgno + 1) * stat.ms_psize > (size_t)st.st_size)
		return false;
	return walk(txn, 0, info.me_last_pgno, &free_found) &&
	       walk(txn, dbi, info.me_last_pgno, &found) &&
	       found == stat.ms_entries;
}

/*
 * In a process of its own: LMDB trusts its file, and what is damaged may
 * well kill who reads it.
 */
bool
lmdb_is_whole(const char *path)
{
	static const struct rlimit none = { 0, 0 };
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	char answer = 0;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return false;
	if ((child = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &none);
		for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
			signal(fatal[i], SIG_DFL);
		alarm(LOOK_SECONDS);
		close(STDERR_FILENO);
		if (look(path) && write(ends[1], "+", 1) == 1)
			_exit(0);
		_exit(1);
	}
	close(ends[1]);
	while (read(ends[0], &answer, 1) == -1 && errno == EINTR)
		;
	close(ends[0]);
	/* Whoever started us may have chosen not to hear of children. */
	while (child != -1 && waitpid(child, NULL, 0) == -1 && errno == EINTR)
		;
	return answer == '+';
}
