/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

enum { WAIT_MS = 10000 };

struct seen {
	sqlite3 *db;
	sqlite3_stmt *get, *set, *unset;
	sqlite3_stmt *keep, *drop, *example, *last;
	int64_t places[2]; /* of each kind: as many as have ever been used */
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS seen ("
    " digest BLOB PRIMARY KEY, class INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS example ("
    " place INTEGER PRIMARY KEY, digest BLOB NOT NULL,"
    " numbers BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS example_digest ON example (digest);"
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
		{ &s->keep, "INSERT OR REPLACE INTO example VALUES (?, ?, ?)" },
		{ &s->drop, "DELETE FROM example WHERE digest = ?" },
		{ &s->example, "SELECT numbers FROM example WHERE place >= ?"
			       " AND place < ? ORDER BY place LIMIT 1" },
		{ &s->last, "SELECT max(place) FROM example"
			    " WHERE place >= ? AND place < ?" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sqlite3_prepare_v2(s->db, rows[i].sql, -1,
			rows[i].statement, NULL) != SQLITE_OK)
			return false;
	return true;
}

/* The places of a kind: from first to before end. */
static int64_t first_place(enum seen_class class)
{
	return (int64_t) class * SEEN_EXAMPLES;
}

static sqlite3_stmt *
between(sqlite3_stmt *statement, int64_t first, int64_t end)
{
	sqlite3_reset(statement);
	sqlite3_bind_int64(statement, 1, first);
	sqlite3_bind_int64(statement, 2, end);
	return statement;
}

static void
find_places(struct seen *s, enum seen_class class)
{
	int64_t first = first_place(class);
	sqlite3_stmt *st = between(s->last, first, first + SEEN_EXAMPLES);

	if (sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_type(st, 0) != SQLITE_NULL)
		s->places[class] = sqlite3_column_int64(st, 0) - first + 1;
	sqlite3_reset(st);
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
	} else {
		find_places(s, SEEN_HAM);
		find_places(s, SEEN_SPAM);
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

bool
seen_clear(struct seen *s)
{
	s->places[SEEN_HAM] = s->places[SEEN_SPAM] = 0;
	return sqlite3_exec(s->db, "DELETE FROM seen; DELETE FROM example",
		   NULL, NULL, NULL) == SQLITE_OK;
}

void
seen_close(struct seen **seen)
{
	struct seen *s = *seen;

	if (s == NULL)
		return;
	sqlite3_stmt *const all[] = { s->get, s->set, s->unset, s->keep,
		s->drop, s->example, s->last };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sqlite3_finalize(all[i]);
	sqlite3_close(s->db);
	free(s);
	*seen = NULL;
}

static sqlite3_stmt *
about(sqlite3_stmt *statement, const unsigned char *digest)
{
	sqlite3_reset(statement);
	sqlite3_bind_blob(statement, 1, digest, SEEN_DIGEST, SQLITE_STATIC);
	return statement;
}

enum seen_class
seen_get(struct seen *s, const unsigned char digest[SEEN_DIGEST])
{
	sqlite3_stmt *get = about(s->get, digest);
	enum seen_class found = SEEN_NOT;

	if (sqlite3_step(get) == SQLITE_ROW)
		found = sqlite3_column_int(get, 0) != 0 ? SEEN_SPAM : SEEN_HAM;
	sqlite3_reset(get);
	return found;
}

static bool
run(sqlite3_stmt *st)
{
	int status = sqlite3_step(st);

	sqlite3_reset(st);
	return status == SQLITE_DONE;
}

bool
seen_set(struct seen *s, const unsigned char digest[SEEN_DIGEST],
    enum seen_class class)
{
	sqlite3_stmt *st = about(class == SEEN_NOT ? s->unset : s->set, digest);

	if (class != SEEN_NOT)
		sqlite3_bind_int(st, 2, (int)class);
	return run(st) && run(about(s->drop, digest));
}

bool
seen_keep(struct seen *s, const unsigned char digest[SEEN_DIGEST],
    enum seen_class class, uint64_t number, const struct features *f)
{
	int64_t place = (int64_t)(number % SEEN_EXAMPLES);
	unsigned char *packed = malloc((size_t)f->count * FEATURES_PACKED + 1);
	sqlite3_stmt *st = s->keep;
	bool ok;

	if (packed == NULL)
		return false;
	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, first_place(class) + place);
	sqlite3_bind_blob(st, 2, digest, SEEN_DIGEST, SQLITE_STATIC);
	sqlite3_bind_blob(
	    st, 3, packed, (int)features_pack(f, packed), SQLITE_STATIC);
	ok = run(st);
	free(packed);
	if (ok && place >= s->places[class])
		s->places[class] = place + 1;
	return ok;
}

/* The first from a place on, if there is one. */
static bool
read_example(
    struct seen *s, int64_t from, int64_t end, struct features *f, bool *found)
{
	sqlite3_stmt *st = between(s->example, from, end);
	int status = sqlite3_step(st);
	bool ok = status == SQLITE_DONE;

	*found = status == SQLITE_ROW;
	if (*found)
		ok = features_unpack(f, sqlite3_column_blob(st, 0),
		    (size_t)sqlite3_column_bytes(st, 0));
	sqlite3_reset(st);
	return ok;
}

bool
seen_example(
    struct seen *s, enum seen_class class, uint64_t number, struct features *f)
{
	int64_t first = first_place(class), end = first + SEEN_EXAMPLES;
	int64_t places = s->places[class];
	bool found = false;

	if (!features_init(f))
		return false;
	if (places == 0)
		return true;
	first += (int64_t)(number % (uint64_t)places);
	if (!read_example(s, first, end, f, &found))
		return false;
	/* Those from there on were corrected or forgotten: begin anew. */
	return found || read_example(s, first_place(class), end, f, &found);
}
