/* SPDX-License-Identifier: Apache-2.0 */
/* The first user and the last, and whose files they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/lmdb_private.h"

enum {
	WAIT_US = 10 * 1000,
	WAIT_TIMES = 500, /* another process looks at the file: 5 s */
};

/* --- whose files --- */

/*
 * Root works here as the folder's owner: what it creates must be writable
 * for the daemon, and what the daemon's user puts there must not mislead it.
 */
struct owner {
	uid_t uid;
	gid_t gid;
	bool changed;
};

static void
become_owner(const char *path, struct owner *old)
{
	struct stat st;

	*old = (struct owner){ geteuid(), getegid(), false };
	if (old->uid != 0 || stat(path, &st) == -1 || st.st_uid == 0)
		return;
	if (setegid(st.st_gid) == -1 || seteuid(st.st_uid) == -1)
		log_error("store %s: cannot act as its owner: %m", path);
	old->changed = true;
}

static void
become_again(const struct owner *old)
{
	if (old->changed &&
	    (seteuid(old->uid) == -1 || setegid(old->gid) == -1))
		log_error("cannot become root again: %m");
}

/* --- the file "shared" --- */

/*
 * The kernel's name for this start of the machine, without its dashes.
 * systemd can keep /proc/sys from us; the unit then hands it over.
 */
static void
read_boot_id(char id[BOOT_ID])
{
	char *why, *text;
	const char *from;
	size_t size, n = 0;

	memset(id, 0, BOOT_ID);
	text = file_read("/proc/sys/kernel/random/boot_id", 4096, &size, &why);
	from = text != NULL ? text : getenv("MILLRACE_BOOT_ID");
	for (; from != NULL && *from > ' ' && n < BOOT_ID - 1; from++)
		if (*from != '-')
			id[n++] = *from;
	free(text);
	free(why);
}

/* Open file description locks: they end with us, however we end. */
static bool
lock(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool
map_shared(struct lmdb *db, char **why)
{
	char *path = memory_printf("%s/shared", db->path);
	int flags = db->read_only ? O_RDONLY : O_RDWR | O_CREAT;
	void *p = MAP_FAILED;
	struct stat st;

	db->users = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (db->users != -1 && fstat(db->users, &st) == 0 &&
	    (st.st_size >= LMDB_PAGE ||
		(!db->read_only && ftruncate(db->users, LMDB_PAGE) == 0)))
		p = mmap(NULL, LMDB_PAGE,
		    PROT_READ | (db->read_only ? 0 : PROT_WRITE), MAP_SHARED,
		    db->users, 0);
	if (p == MAP_FAILED)
		*why = memory_printf("%s: %s", path, strerror(errno));
	else
		db->shared = p;
	free(path);
	return p != MAP_FAILED;
}

static void
init_lock(pthread_mutex_t *m)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(m, &a);
	pthread_mutexattr_destroy(&a);
}

static bool
is_ours(const struct lmdb_shared *s)
{
	return memcmp(s->magic, LMDB_MAGIC, sizeof(s->magic)) == 0;
}

static bool
is_this_boot(const struct lmdb_shared *s)
{
	char boot[BOOT_ID];

	read_boot_id(boot);
	return boot[0] != '\0' && memcmp(s->boot, boot, BOOT_ID) == 0;
}

/* --- what the last user left --- */

/* "time in us"; -1: it was not closed in order. */
static int64_t
read_clean(const struct lmdb *db)
{
	char *path = memory_printf("%s/clean", db->path), *why, *text, *end;
	int64_t at = -1;
	size_t n;

	if ((text = file_read(path, 64, &n, &why)) != NULL) {
		at = strtoll(text, &end, 10);
		if (end == text || strcmp(end, "\n") != 0 || at < 0)
			at = -1;
	}
	free(text);
	free(why);
	free(path);
	return at;
}

static void
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

static void
remove_clean(const struct lmdb *db)
{
	char *path = memory_printf("%s/clean", db->path);

	/* On the disk before anything else changes there. */
	if (unlink(path) == 0)
		sync_folder(db->path);
	free(path);
}

static void
write_clean(const struct lmdb *db)
{
	char *path = memory_printf("%s/clean", db->path);
	int fd;

	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd != -1) {
		dprintf(fd, "%lld\n", (long long)lmdb_now_us(db));
		fsync(fd);
		close(fd);
		sync_folder(db->path);
	}
	free(path);
}

static void
remove_data(const struct lmdb *db)
{
	char *locks = memory_printf("%s/lock.mdb", db->path);

	unlink(db->data);
	unlink(locks);
	free(locks);
}

/* Why the file cannot be used, or NULL. */
static const char *
unusable(const struct lmdb *db, bool same_boot, int64_t clean)
{
	struct stat st;

	if (stat(db->data, &st) == -1)
		return errno == ENOENT ? "" : strerror(errno);
	if (!same_boot && clean == -1)
		return "the machine stopped before it was closed";
	if (!lmdb_is_whole(db->path))
		return "the file is damaged";
	return NULL;
}

/*
 * Alone with it: keep what is there or begin anew, and set up the page that
 * all share.
 */
static void
be_first(struct lmdb *db)
{
	struct lmdb_shared *s = db->shared;
	int64_t clean = read_clean(db), offset, wall = clock_wall_us();
	bool same = is_ours(s) && is_this_boot(s);
	const char *why;

	why = unusable(db, same, clean);
	remove_clean(db);
	if (why != NULL) {
		if (why[0] != '\0')
			log_warn("store %s: begins empty: %s", db->path, why);
		remove_data(db);
	}
	offset = same ? s->offset_us
		      : (clean > wall ? clean : wall) - lmdb_boot_us();
	memset(s, 0, sizeof(*s));
	memcpy(s->magic, LMDB_MAGIC, sizeof(s->magic));
	read_boot_id(s->boot);
	s->offset_us = offset;
	init_lock(&s->writer);
}

/*
 * Who only reads takes no lock, so that nobody takes it for a user; it looks
 * at the file first unless others work with it.
 */
static bool
look_first(const struct lmdb *db, char **why)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool used =
	    fcntl(db->users, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;

	if (is_ours(db->shared) &&
	    (used ||
		unusable(db, is_this_boot(db->shared), read_clean(db)) == NULL))
		return true;
	*why = memory_printf("%s: nothing to read", db->path);
	return false;
}

static bool
join(struct lmdb *db, char **why)
{
	for (int i = 0; i < WAIT_TIMES; i++) {
		if (lock(db->users, F_WRLCK)) {
			be_first(db);
			return lock(db->users, F_RDLCK);
		}
		if (lock(db->users, F_RDLCK)) {
			if (is_ours(db->shared))
				return true;
			*why = memory_printf("%s: another version of millrace "
					     "uses it: stop that first",
			    db->path);
			return false;
		}
		usleep(WAIT_US);
	}
	*why = memory_printf("%s: another process has it for itself", db->path);
	return false;
}

/* --- opening --- */

static bool
open_env(struct lmdb *db, char **why)
{
	unsigned flags =
	    MDB_NOTLS |
	    (db->read_only ? (unsigned)MDB_RDONLY : MDB_NOSYNC | MDB_WRITEMAP);
	MDB_txn *txn = NULL;
	MDB_stat st;
	int rc = mdb_env_create(&db->env);

	if (rc == 0)
		rc = mdb_env_set_maxreaders(db->env, LMDB_READERS);
	if (rc == 0 && !db->read_only)
		rc = mdb_env_set_mapsize(db->env, (size_t)db->size);
	if (rc == 0)
		rc = mdb_env_open(db->env, db->path, flags, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &db->dbi);
	if (rc == 0)
		rc = mdb_stat(txn, db->dbi, &st);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (rc != 0) {
		*why = memory_printf("%s: %s", db->path, mdb_strerror(rc));
		return false;
	}
	db->page_bytes = st.ms_psize;
	mdb_reader_check(db->env, NULL);
	return true;
}

static bool
make_folder(const struct lmdb *db, char **why)
{
	if (db->read_only || mkdir(db->path, 0700) == 0 || errno == EEXIST)
		return true;
	*why = memory_printf("%s: %s", db->path, strerror(errno));
	return false;
}

/*
 * Nothing of ours may be mapped while files are looked at that a reader of
 * them would be killed by.
 */
static struct lmdb *
create(const struct lmdb_settings *s)
{
	struct lmdb *db = memory_zalloc(sizeof(*db));

	db->path = memory_copy(s->path);
	db->data = memory_printf("%s/data.mdb", s->path);
	db->size = s->size / LMDB_PAGE * LMDB_PAGE;
	db->read_only = s->read_only;
	db->users = -1;
	pthread_rwlock_init(&db->resize, NULL);
	return db;
}

static void
destroy(struct lmdb *db)
{
	if (db->env != NULL)
		mdb_env_close(db->env);
	if (db->shared != NULL)
		munmap(db->shared, LMDB_PAGE);
	if (db->users != -1)
		close(db->users);
	pthread_rwlock_destroy(&db->resize);
	free(db->path);
	free(db->data);
	free(db);
}

struct lmdb *
lmdb_open(const struct lmdb_settings *s, char **why)
{
	struct lmdb *db = create(s);
	struct owner old;
	bool ok;

	_Static_assert(sizeof(struct lmdb_shared) <= LMDB_PAGE, "one page");
	*why = NULL;
	ok = make_folder(db, why);
	become_owner(db->path, &old);
	ok = ok && map_shared(db, why) &&
	     (db->read_only ? look_first(db, why) : join(db, why)) &&
	     open_env(db, why);
	become_again(&old);
	if (!ok) {
		destroy(db);
		return NULL;
	}
	return db;
}

void
lmdb_close(struct lmdb **db_)
{
	struct lmdb *db = *db_;
	struct owner old;

	if (db == NULL)
		return;
	*db_ = NULL;
	if (!db->read_only) {
		become_owner(db->path, &old);
		if (lock(db->users, F_WRLCK) && mdb_env_sync(db->env, 1) == 0)
			write_clean(db);
		become_again(&old);
	}
	destroy(db);
}
