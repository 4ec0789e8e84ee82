/* SPDX-License-Identifier: Apache-2.0 */
#include "process/journal_read.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/memory.h"
#include "process/journal_store.h"

enum { BUSY_MS = 2000 };

struct journal_reader {
	char *path;
	sqlite3 *db;
};

/* SQL: in_network(address, network). */
static void
in_network(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *text = (const char *)sqlite3_value_text(v[0]);
	struct span of = span_of((const char *)sqlite3_value_text(v[1]));
	struct network network;
	struct address address;

	(void)n;
	sqlite3_result_int(c, text != NULL &&
				  network_parse_loose(of, &network) &&
				  address_parse(span_of(text), &address) &&
				  network_holds(&network, &address));
}

static bool
fail(const struct journal_reader *r, char **why)
{
	*why = memory_printf("journal %s: %s", r->path, sqlite3_errmsg(r->db));
	return false;
}

static bool
is_readable(struct journal_reader *r, char **why)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(r->db, "PRAGMA user_version", -1, &q,
		      NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW;
	int version = ok ? sqlite3_column_int(q, 0) : 0;

	sqlite3_finalize(q);
	if (!ok)
		return fail(r, why);
	if (version == JOURNAL_VERSION)
		return true;
	*why = memory_printf("%s: its format %d is not ours (%d): this is not "
			     "the millrace that wrote it",
	    r->path, version, JOURNAL_VERSION);
	return false;
}

/*
 * Nobody writes it and we may not make the files that readers share: then
 * it can be read as it is.
 */
static bool
open_as_it_is(struct journal_reader *r, char **why)
{
	char *wal = memory_printf("%s-wal", r->path);
	sqlite3_str *uri = sqlite3_str_new(NULL);
	char *text;
	bool ok = access(wal, F_OK) == -1;

	free(wal);
	sqlite3_str_appendall(uri, "file:");
	for (const char *p = r->path; *p != '\0'; p++)
		sqlite3_str_appendf(
		    uri, strchr("?#%", *p) != NULL ? "%%%02x" : "%c", *p);
	sqlite3_str_appendall(uri, "?immutable=1");
	text = sqlite3_str_finish(uri);
	if (ok) {
		sqlite3_close(r->db);
		ok = sqlite3_open_v2(text, &r->db,
			 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
			 NULL) == SQLITE_OK;
	}
	sqlite3_free(text);
	if (ok) {
		free(*why);
		*why = NULL;
	}
	return ok && is_readable(r, why);
}

static bool
open_file(struct journal_reader *r, char **why)
{
	if (access(r->path, R_OK) == -1) {
		*why = memory_printf("journal %s: %s", r->path,
		    errno == ENOENT
			? "there is none yet: has millraced run with this "
			  "configuration?"
			: strerror(errno));
		return false;
	}
	if (sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK)
		return fail(r, why);
	sqlite3_busy_timeout(r->db, BUSY_MS);
	/* Whoever wrote it is less trusted than whoever reads it. */
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return is_readable(r, why) ||
	       (sqlite3_errcode(r->db) == SQLITE_CANTOPEN &&
		   open_as_it_is(r, why));
}

struct journal_reader *
journal_read_open(const char *path, char **why)
{
	struct journal_reader *r = memory_zalloc(sizeof(*r));

	*why = NULL;
	r->path = memory_copy(path);
	if (open_file(r, why) &&
	    sqlite3_create_function(r->db, "in_network", 2,
		SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
		in_network, NULL, NULL) == SQLITE_OK)
		return r;
	if (*why == NULL)
		fail(r, why);
	journal_read_close(&r);
	return NULL;
}

void
journal_read_close(struct journal_reader **reader)
{
	struct journal_reader *r = *reader;

	if (r == NULL)
		return;
	sqlite3_close(r->db);
	free(r->path);
	free(r);
	*reader = NULL;
}

/* Letters in any case, "*" for any text, nothing else special. */
static char *
pattern(const char *text)
{
	struct buf b = { 0 };

	buf_put(&b, "", 0);
	for (; *text != '\0'; text++)
		if (*text == '[' || *text == '?')
			buf_printf(&b, "[%c]", *text);
		else
			buf_char(&b, *text >= 'A' && *text <= 'Z'
					 ? (char)(*text - 'A' + 'a')
					 : *text);
	return b.p;
}

static int
show_all(struct journal_reader *r, sqlite3_stmt *q,
    void (*show)(void *arg, const char *json), void *arg, char **why)
{
	int n = 0, code;

	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		const char *json = (const char *)sqlite3_column_text(q, 0);

		if (json != NULL)
			show(arg, json);
		n++;
	}
	if (code != SQLITE_DONE) {
		fail(r, why);
		n = -1;
	}
	sqlite3_finalize(q);
	return n;
}

/* One condition a member; each is the same text as its parameter. */
struct condition {
	const char *value; /* NULL: left out */
	const char *name, *sql;
	bool exact;
};

static void
bind(sqlite3_stmt *q, const struct condition *c)
{
	int at = sqlite3_bind_parameter_index(q, c->name);
	char *text;

	if (c->value == NULL || at == 0)
		return;
	text = c->exact ? memory_copy(c->value) : pattern(c->value);
	sqlite3_bind_text(q, at, text, -1, SQLITE_TRANSIENT);
	free(text);
}

static char *
search_sql(const struct condition *c, size_t count)
{
	struct buf sql = { 0 };

	buf_text(&sql, "SELECT (SELECT json FROM detail WHERE"
		       " detail.n = record.n) FROM record"
		       " WHERE time >= :since AND time < :until");
	for (size_t i = 0; i < count; i++)
		if (c[i].value != NULL)
			buf_printf(&sql, " AND %s", c[i].sql);
	/* as the index has it: nothing is sorted, rows come at once */
	buf_text(&sql, " ORDER BY time DESC, n DESC LIMIT :limit");
	return sql.p;
}

/* How the list of what observers would have done is searched. */
static char *
observed_text(const struct journal_search *s)
{
	if (!s->observed)
		return NULL;
	return memory_printf("\n%s:%s\n", s->by != NULL ? s->by : "*",
	    s->verdict != NULL ? s->verdict : "*");
}

int
journal_read_search(struct journal_reader *r, const struct journal_search *s,
    void (*show)(void *arg, const char *json), void *arg, char **why)
{
	char *observed = observed_text(s);
	char *around =
	    observed != NULL ? memory_printf("*%s*", observed) : NULL;
	const struct condition conditions[] = {
		{ s->sender, ":sender", "lower(sender) GLOB :sender", false },
		{ s->login, ":login", "lower(login) GLOB :login", false },
		{ s->listener, ":listener", "listener = :listener", true },
		{ s->client, ":client", "in_network(client, :client)", true },
		{ s->observed ? NULL : s->verdict, ":verdict",
		    "verdict = :verdict", true },
		{ s->observed ? NULL : s->by, ":by", "\"by\" = :by", true },
		{ around, ":observed", "lower(observed) GLOB :observed",
		    false },
		{ s->recipient, ":recipient",
		    "EXISTS (SELECT 1 FROM detail AS d, "
		    "json_each(d.json, '$.recipients') AS e WHERE "
		    "d.n = record.n AND lower(json_extract(e.value, "
		    "'$.address')) GLOB :recipient)",
		    false },
	};
	size_t count = sizeof(conditions) / sizeof(conditions[0]);
	char *sql = search_sql(conditions, count);
	sqlite3_stmt *q = NULL;
	int n = -1;

	if (sqlite3_prepare_v2(r->db, sql, -1, &q, NULL) != SQLITE_OK) {
		fail(r, why);
	} else {
		for (size_t i = 0; i < count; i++)
			bind(q, &conditions[i]);
		sqlite3_bind_int64(q, 1, s->since_us);
		sqlite3_bind_int64(
		    q, 2, s->until_us != 0 ? s->until_us : INT64_MAX);
		sqlite3_bind_int(q, sqlite3_bind_parameter_index(q, ":limit"),
		    s->limit > 0 ? s->limit : -1);
		n = show_all(r, q, show, arg, why);
	}
	free(sql);
	free(observed);
	free(around);
	return n;
}

/* Queue ids are indexed by group, so each group is looked up. */
static const char find_sql[] =
    "WITH RECURSIVE groups(g) AS"
    " (SELECT min(n) >> 12 FROM record UNION ALL SELECT g + 1 FROM groups"
    "  WHERE g < (SELECT max(n) >> 12 FROM record)),"
    " found(n) AS (SELECT n FROM record WHERE id = ?1 UNION"
    "  SELECT n FROM groups CROSS JOIN record ON " JOURNAL_GROUP " = g"
    "   AND queue_id = ?1)"
    " SELECT json FROM found JOIN record USING (n) JOIN detail USING (n)"
    " ORDER BY record.time DESC, n DESC LIMIT ?2";

int
journal_read_find(struct journal_reader *r, const char *id, int limit,
    void (*show)(void *arg, const char *json), void *arg, char **why)
{
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(r->db, find_sql, -1, &q, NULL) != SQLITE_OK) {
		fail(r, why);
		return -1;
	}
	sqlite3_bind_text(q, 1, id, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(q, 2, limit > 0 ? limit : -1);
	return show_all(r, q, show, arg, why);
}
