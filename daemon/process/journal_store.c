/* SPDX-License-Identifier: Apache-2.0 */
#include "process/journal_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

enum { BUSY_MS = 2000 };

struct journal_store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *record, *detail, *prune_detail, *prune_record;
	sqlite3_int64 next; /* n of the next row */
	bool corrupt;
};

static const char settings[] = "PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=NORMAL;"
			       "PRAGMA wal_autocheckpoint=4000;"
			       "PRAGMA journal_size_limit=67108864;"
			       "PRAGMA cache_size=-8192;"
			       "PRAGMA trusted_schema=OFF;";

/*
 * What can be searched lies apart from the records themselves, so that a
 * search reads a tenth of the file.
 */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS record (n INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL, id TEXT NOT NULL, queue_id TEXT, sender TEXT,"
    " login TEXT, client TEXT, listener TEXT, verdict TEXT NOT NULL,"
    " \"by\" TEXT, observed TEXT);"
    "CREATE TABLE IF NOT EXISTS detail (n INTEGER PRIMARY KEY,"
    " json TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS record_time ON record (time);"
    "CREATE INDEX IF NOT EXISTS record_id ON record (id);"
    "CREATE INDEX IF NOT EXISTS record_queue_id"
    " ON record (" JOURNAL_GROUP ", queue_id) WHERE queue_id IS NOT NULL;"
    "PRAGMA user_version=1;"
    "COMMIT;";

static const char put_record[] = "INSERT INTO record VALUES"
				 " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char put_detail[] = "INSERT INTO detail VALUES (?, ?)";
static const char old_rows[] = "(SELECT n FROM record WHERE time < ?1"
			       " ORDER BY time LIMIT ?2)";

static bool
is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT ||
	       (code & 0xff) == SQLITE_NOTADB;
}

static bool
fail(struct journal_store *s, const char *doing, char **why)
{
	int code = sqlite3_extended_errcode(s->db);

	if (is_damage(code))
		s->corrupt = true;
	*why = memory_printf(
	    "journal %s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
	return false;
}

static bool
run(struct journal_store *s, const char *sql, const char *doing, char **why)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return fail(s, doing, why);
}

static bool
get_number(
    struct journal_store *s, const char *sql, sqlite3_int64 *out, char **why)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW;

	if (ok)
		*out = sqlite3_column_int64(q, 0);
	else
		fail(s, "it cannot be read", why);
	sqlite3_finalize(q);
	return ok;
}

static bool
check_version(struct journal_store *s, char **why)
{
	sqlite3_int64 version;

	if (!get_number(s, "PRAGMA user_version", &version, why))
		return false;
	if (version == 0 || version == JOURNAL_VERSION)
		return true;
	*why = memory_printf("journal %s: its format %lld is not ours (%d): "
			     "move it away or set another path",
	    s->path, (long long)version, JOURNAL_VERSION);
	return false;
}

static bool
prepare(struct journal_store *s, const char *sql, sqlite3_stmt **q, char **why)
{
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q,
		NULL) == SQLITE_OK)
		return true;
	return fail(s, "it has other tables than ours", why);
}

static bool
prepare_all(struct journal_store *s, char **why)
{
	char *details =
	    memory_printf("DELETE FROM detail WHERE n IN %s", old_rows);
	char *records =
	    memory_printf("DELETE FROM record WHERE n IN %s", old_rows);
	bool ok = prepare(s, put_record, &s->record, why) &&
		  prepare(s, put_detail, &s->detail, why) &&
		  prepare(s, details, &s->prune_detail, why) &&
		  prepare(s, records, &s->prune_record, why);

	free(details);
	free(records);
	return ok;
}

static bool
open_file(struct journal_store *s, char **why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return fail(s, "it cannot be opened", why);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	return check_version(s, why) &&
	       run(s, settings, "it cannot be set up", why) &&
	       run(s, schema, "its tables cannot be made", why) &&
	       get_number(s, "SELECT coalesce(max(n), 0) + 1 FROM record",
		   &s->next, why) &&
	       prepare_all(s, why);
}

static void
close_file(struct journal_store *s)
{
	sqlite3_stmt **const all[] = { &s->record, &s->detail, &s->prune_detail,
		&s->prune_record };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

static bool
make_folder(const char *path, char **why)
{
	char *folder = memory_copy(path), *slash = strrchr(folder, '/');
	bool ok = true;

	if (slash != NULL && slash != folder) {
		*slash = '\0';
		ok = mkdir(folder, 0750) == 0 || errno == EEXIST;
		if (!ok)
			*why = memory_printf("journal %s: its folder cannot be "
					     "made: %s",
			    path, strerror(errno));
	}
	free(folder);
	return ok;
}

/* With its log, so that what can be saved may be saved by hand. */
static bool
move_aside(const char *path, char **why)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	long long now = clock_wall_us() / 1000000;
	char *aside = memory_printf("%s.corrupt-%lld", path, now);
	bool ok = true;

	for (int i = 0; i < 3; i++) {
		char *from = memory_printf("%s%s", path, tails[i]);
		char *to = memory_printf("%s%s", aside, tails[i]);

		if (rename(from, to) == -1 && errno != ENOENT)
			ok = false;
		free(from);
		free(to);
	}
	if (ok)
		log_error("journal %s is damaged: moved aside to %s, a new one "
			  "is begun",
		    path, aside);
	else
		*why = memory_printf("journal %s is damaged and cannot be "
				     "renamed: %s",
		    path, strerror(errno));
	free(aside);
	return ok;
}

struct journal_store *
journal_store_open(const char *path, char **why)
{
	struct journal_store *s = memory_zalloc(sizeof(*s));
	bool ok;

	*why = NULL;
	s->path = memory_copy(path);
	ok = make_folder(path, why) && open_file(s, why);
	if (!ok && s->corrupt) {
		free(*why);
		*why = NULL;
		close_file(s);
		s->corrupt = false;
		ok = move_aside(path, why) && open_file(s, why);
	}
	if (!ok)
		journal_store_close(&s);
	return s;
}

void
journal_store_close(struct journal_store **store)
{
	struct journal_store *s = *store;
	char *why = NULL;

	if (s == NULL)
		return;
	close_file(s);
	if (s->corrupt && !move_aside(s->path, &why))
		log_error("%s", why);
	free(why);
	free(s->path);
	free(s);
	*store = NULL;
}

bool
journal_store_begin(struct journal_store *s, char **why)
{
	return run(s, "BEGIN IMMEDIATE", "it cannot be written", why);
}

static bool
step(struct journal_store *s, sqlite3_stmt *q, char **why)
{
	bool ok = sqlite3_step(q) == SQLITE_DONE;

	if (!ok)
		fail(s, "a row cannot be written", why);
	sqlite3_reset(q);
	return ok;
}

bool
journal_store_put(
    struct journal_store *s, const struct journal_row *r, char **why)
{
	const char *const columns[] = { r->id, r->queue_id, r->sender, r->login,
		r->client, r->listener, r->verdict, r->by, r->observed };

	sqlite3_bind_int64(s->record, 1, s->next);
	sqlite3_bind_int64(s->record, 2, r->time_us);
	for (int i = 0; i < 9; i++)
		sqlite3_bind_text(
		    s->record, i + 3, columns[i], -1, SQLITE_STATIC);
	if (!step(s, s->record, why))
		return false;
	sqlite3_bind_int64(s->detail, 1, s->next);
	sqlite3_bind_text(
	    s->detail, 2, r->json.p, (int)r->json.n, SQLITE_STATIC);
	if (!step(s, s->detail, why))
		return false;
	s->next++;
	return true;
}

bool
journal_store_commit(struct journal_store *s, char **why)
{
	return run(s, "COMMIT", "it cannot be written", why);
}

int
journal_store_prune(
    struct journal_store *s, int64_t before_us, int limit, char **why)
{
	sqlite3_stmt *const both[] = { s->prune_detail, s->prune_record };
	int removed;

	if (!journal_store_begin(s, why))
		return -1;
	for (int i = 0; i < 2; i++) {
		sqlite3_bind_int64(both[i], 1, before_us);
		sqlite3_bind_int(both[i], 2, limit);
		if (!step(s, both[i], why))
			return -1;
	}
	removed = sqlite3_changes(s->db);
	return journal_store_commit(s, why) ? removed : -1;
}
