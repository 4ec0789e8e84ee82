/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's SQLite file, the reading side.  Writes nothing. */
#ifndef PROCESS_JOURNAL_READ_H
#define PROCESS_JOURNAL_READ_H

#include <stdbool.h>
#include <stdint.h>

struct journal_reader;

/* NULL and *why (the caller frees it) if there is no journal to read. */
struct journal_reader *journal_read_open(const char *path, char **why);
void journal_read_close(struct journal_reader **);

/* Whom a search is for; NULL: everybody.  "*" stands for any text. */
struct journal_search {
	int64_t since_us, until_us; /* 0: no limit */
	const char *sender, *recipient, *login, *listener;
	const char *client; /* an address or a network */
	const char *verdict, *by;
	/*
	 * True: verdict and by are of instances that only observed, and only
	 * messages about which one of them would have decided.
	 */
	bool observed;
	int limit;
};

/*
 * Call show with each record's JSON, newest first.  Returns how many, or -1
 * and *why.
 */
int journal_read_search(struct journal_reader *, const struct journal_search *,
    void (*show)(void *arg, const char *json), void *arg, char **why);
/* The same for an id: the mail server's queue id, or ours. */
int journal_read_find(struct journal_reader *, const char *id, int limit,
    void (*show)(void *arg, const char *json), void *arg, char **why);

#endif
