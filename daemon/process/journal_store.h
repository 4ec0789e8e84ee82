/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's SQLite file, the writing side.  Knows rows, not who sends
 * them.  Inserting is cheap because every index grows at its end:
 * rows are numbered as they come, and queue ids, which are random, are
 * indexed within groups of JOURNAL_GROUP rows.
 */
#ifndef PROCESS_JOURNAL_STORE_H
#define PROCESS_JOURNAL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/journal_packet.h"

struct journal_store;

/* Of the file's format, in PRAGMA user_version. */
enum { JOURNAL_VERSION = 1 };
/* In SQL, the same on both sides: rows of one group lie together. */
#define JOURNAL_GROUP "(n >> 12)"

/*
 * Open or make it, with its folder.  On failure NULL and *why (the caller
 * frees it); a file that is no journal is first moved aside and a new one
 * begun, with a line in the log.
 */
struct journal_store *journal_store_open(const char *path, char **why);
void journal_store_close(struct journal_store **);

/*
 * One transaction.  After a failure the whole batch is undone; close the
 * store then and open it anew.
 */
bool journal_store_begin(struct journal_store *, char **why);
bool journal_store_put(
    struct journal_store *, const struct journal_row *, char **why);
bool journal_store_commit(struct journal_store *, char **why);

/*
 * Remove at most limit rows that are older.  Returns how many, or -1 and
 * *why.
 */
int journal_store_prune(
    struct journal_store *, int64_t before_us, int limit, char **why);

#endif
