/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

enum { DIGEST = 32, WAIT_MS = 10000 };

struct seen {
	sqlite3 *db;
	sqlite3_stmt *get, *set, *unset;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS seen ("
    " digest BLOB PRIMARY KEY, class INTEGER NOT NULL) WITHOUT ROWID;"
    "BEGIN IMMEDIATE;";

static char *
fault(struct seen *s, const char *path)
{
	char *why = NULL;

	if (asprintf(&why, "%s: %s", path,
		s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory") == -1)
		return NULL;
	return why;
}

static bool
prepare(struct seen *s)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} rows[] = {
		{ &s->get, "SELECT class FROM seen WHERE digest = ?" },
		{ &s->set, "INSERT OR REPLACE INTO seen VALUES (?, ?)" },
		{ &s->unset, "DELETE FROM seen WHERE digest = ?" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sqlite3_prepare_v2(s->db, rows[i].sql, -1,
			rows[i].statement, NULL) != SQLITE_OK)
			return false;
	return true;
}

struct seen *
seen_open(const char *model_path, char **why)
{
	struct seen *s = calloc(1, sizeof(*s));
	char *path = NULL;

	*why = NULL;
	if (s == NULL || asprintf(&path, "%s.seen", model_path) == -1) {
		free(s);
		return NULL;
	}
	snapshot_make_shared(path);
	if (sqlite3_open(path, &s->db) != SQLITE_OK ||
	    sqlite3_busy_timeout(s->db, WAIT_MS) != SQLITE_OK ||
	    sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
	    !prepare(s)) {
		*why = fault(s, path);
		seen_close(&s);
	}
	free(path);
	return s;
}

bool
seen_commit(struct seen *s, char **why)
{
	*why = NULL;
	if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	*why = fault(s, "the list of learned messages");
	return false;
}

void
seen_close(struct seen **seen)
{
	struct seen *s = *seen;

	if (s == NULL)
		return;
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->set);
	sqlite3_finalize(s->unset);
	sqlite3_close(s->db);
	free(s);
	*seen = NULL;
}

static sqlite3_stmt *
about(sqlite3_stmt *statement, const unsigned char *digest)
{
	sqlite3_reset(statement);
	sqlite3_bind_blob(statement, 1, digest, DIGEST, SQLITE_STATIC);
	return statement;
}

enum seen_class
seen_get(struct seen *s, const unsigned char digest[32])
{
	sqlite3_stmt *get = about(s->get, digest);
	enum seen_class found = SEEN_NOT;

	if (sqlite3_step(get) == SQLITE_ROW)
		found = sqlite3_column_int(get, 0) != 0 ? SEEN_SPAM : SEEN_HAM;
	sqlite3_reset(get);
	return found;
}

bool
seen_set(struct seen *s, const unsigned char digest[32], enum seen_class class)
{
	sqlite3_stmt *st = about(class == SEEN_NOT ? s->unset : s->set, digest);
	int status;

	if (class != SEEN_NOT)
		sqlite3_bind_int(st, 2, (int)class);
	status = sqlite3_step(st);
	sqlite3_reset(st);
	return status == SQLITE_DONE;
}
