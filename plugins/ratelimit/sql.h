/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of overrides that an SQLite database holds, read by a thread of its
 * own: mail never waits for a query.  What is wrong later is logged, and the
 * last good copy stays.
 */
#ifndef RATELIMIT_SQL_H
#define RATELIMIT_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql;

struct sql_settings {
	const char *path;  /* borrowed */
	const char *query; /* two columns: "mailbox:a@example.com", limits */
	int64_t refresh_ms;
	void (*log)(void *arg, bool bad, const char *line); /* any thread */
	void *log_arg;
};

/*
 * Read the first copy.  NULL on failure; *why then says what is wrong, and
 * the caller frees it.
 */
struct sql *sql_create(const struct sql_settings *, char **why);
/* Read it again from time to time, until sql_destroy(); any thread asks. */
bool sql_start(struct sql *);
/* Ends and joins the thread. */
void sql_destroy(struct sql **);

/* The limits of a key, in any case, copied by alloc; NULL: there are none. */
const char *sql_find(struct sql *, const char *key,
    void *(*alloc)(void *arg, size_t), void *arg);

/* Show every row; the copy is locked meanwhile. */
void sql_each(struct sql *,
    void (*seen)(void *arg, const char *key, const char *limits), void *arg);

#endif
