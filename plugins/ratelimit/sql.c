/* SPDX-License-Identifier: Apache-2.0 */
#include "sql.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <millrace/thread.h>

#include "limit.h"

enum { ROWS_MOST = 1000000, BUSY_MS = 2000 };

struct row {
	char *key; /* limits stand after its NUL, in the same block */
	const char *limits;
};

struct copy {
	struct row *rows; /* in the order of their keys */
	size_t count, room;
};

struct sql {
	struct sql_settings settings;
	pthread_t thread;
	bool runs;
	char *complaint;      /* the last one, said once; the thread's own */
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t wake;
	bool ends;
	struct copy copy;
};

static void
copy_finish(struct copy *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->rows[i].key);
	free(c->rows);
	*c = (struct copy){ 0 };
}

static int
by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcasecmp(x->key, y->key);
}

static bool
add_row(struct copy *c, const char *key, const char *limits)
{
	size_t k = strlen(key) + 1, l = strlen(limits) + 1;
	char *both;

	if (c->count == c->room) {
		size_t room = c->room > 0 ? 2 * c->room : 256;
		struct row *grown = realloc(c->rows, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		c->rows = grown;
		c->room = room;
	}
	if (c->count == ROWS_MOST || (both = malloc(k + l)) == NULL)
		return false;
	memcpy(both, key, k);
	memcpy(both + k, limits, l);
	c->rows[c->count++] = (struct row){ both, both + k };
	return true;
}

static char *
say(const struct sql *s, const char *what)
{
	char *line;

	if (asprintf(&line, "%s: %s", s->settings.path, what) == -1)
		return NULL;
	return line;
}

static char *
bad_row(const struct sql *s, const char *key, const char *why)
{
	char what[400];

	snprintf(what, sizeof(what), "the row of \"%.100s\": %s", key, why);
	return say(s, what);
}

/* A row that is wrong makes the whole copy wrong: half a table misleads. */
static bool
read_rows(struct sql *s, sqlite3_stmt *query, struct copy *c, char **why)
{
	int status;

	while ((status = sqlite3_step(query)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(query, 0);
		const char *text = (const char *)sqlite3_column_text(query, 1);
		const char *fault;

		if (key == NULL || text == NULL)
			continue;
		fault = strchr(key, ':') != NULL
			    ? limit_fault(text)
			    : "the key must be like mailbox:alice@example.com";
		if (fault != NULL) {
			*why = bad_row(s, key, fault);
			return false;
		}
		if (!add_row(c, key, text)) {
			*why = say(s, "more than 1,000,000 rows, or no memory");
			return false;
		}
	}
	if (status == SQLITE_DONE)
		return true;
	*why = say(s, sqlite3_errmsg(sqlite3_db_handle(query)));
	return false;
}

static bool
read_copy(struct sql *s, struct copy *c, char **why)
{
	sqlite3_stmt *query = NULL;
	sqlite3 *db = NULL;
	bool ok = false;

	*why = NULL;
	if (sqlite3_open_v2(s->settings.path, &db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, s->settings.query, -1, &query, NULL) !=
		SQLITE_OK)
		*why = say(
		    s, db != NULL ? sqlite3_errmsg(db) : "it cannot be opened");
	else if (query == NULL || sqlite3_column_count(query) != 2)
		*why = say(s, "the query must give two columns, the key and "
			      "its limits");
	else
		ok = read_rows(s, query, c, why);
	sqlite3_finalize(query);
	sqlite3_close(db);
	if (ok)
		qsort(c->rows, c->count, sizeof(*c->rows), by_key);
	else
		copy_finish(c);
	return ok;
}

static void
replace(struct sql *s, struct copy *fresh)
{
	struct copy old;

	pthread_mutex_lock(&s->lock);
	old = s->copy;
	s->copy = *fresh;
	pthread_mutex_unlock(&s->lock);
	copy_finish(&old);
}

/* Takes over why, NULL if all is well; says only what is news. */
static void
report(struct sql *s, char *why)
{
	bool same = why != NULL && s->complaint != NULL &&
		    strcmp(why, s->complaint) == 0;
	char line[500];

	if (why != NULL && !same) {
		snprintf(line, sizeof(line),
		    "%.400s; the last good copy stays in force", why);
		s->settings.log(s->settings.log_arg, true, line);
	} else if (why == NULL && s->complaint != NULL) {
		snprintf(line, sizeof(line), "%.400s: it can be read again",
		    s->settings.path);
		s->settings.log(s->settings.log_arg, false, line);
	}
	free(s->complaint);
	s->complaint = why;
}

static bool
wait_for_next(struct sql *s)
{
	struct timespec until;
	bool ends;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += s->settings.refresh_ms / 1000;
	until.tv_nsec += s->settings.refresh_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->ends &&
	       pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT)
		;
	ends = s->ends;
	pthread_mutex_unlock(&s->lock);
	return !ends;
}

static void *
keep_fresh(void *arg)
{
	struct sql *s = arg;

	while (wait_for_next(s)) {
		struct copy fresh = { 0 };
		char *why;

		if (read_copy(s, &fresh, &why))
			replace(s, &fresh);
		report(s, why);
	}
	return NULL;
}

struct sql *
sql_create(const struct sql_settings *settings, char **why)
{
	struct sql *s = calloc(1, sizeof(*s));
	pthread_condattr_t steady;

	*why = NULL;
	if (s == NULL)
		return NULL;
	s->settings = *settings;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &steady);
	pthread_condattr_destroy(&steady);
	if (!read_copy(s, &s->copy, why))
		sql_destroy(&s);
	return s;
}

bool
sql_start(struct sql *s)
{
	s->runs = mr_thread_start(&s->thread, keep_fresh, s);
	return s->runs;
}

void
sql_destroy(struct sql **sql)
{
	struct sql *s = *sql;

	*sql = NULL;
	if (s == NULL)
		return;
	if (s->runs) {
		pthread_mutex_lock(&s->lock);
		s->ends = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	copy_finish(&s->copy);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->complaint);
	free(s);
}

const char *
sql_find(struct sql *s, const char *key, void *(*alloc)(void *arg, size_t),
    void *arg)
{
	const struct row wanted = { .key = (char *)(uintptr_t)key };
	const struct row *row = NULL;
	const char *found = NULL;
	size_t n;

	pthread_mutex_lock(&s->lock);
	if (s->copy.count > 0)
		row = bsearch(
		    &wanted, s->copy.rows, s->copy.count, sizeof(*row), by_key);
	if (row != NULL) {
		n = strlen(row->limits) + 1;
		found = memcpy(alloc(arg, n), row->limits, n);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
sql_each(struct sql *s,
    void (*seen)(void *arg, const char *key, const char *limits), void *arg)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->copy.count; i++)
		seen(arg, s->copy.rows[i].key, s->copy.rows[i].limits);
	pthread_mutex_unlock(&s->lock);
}
