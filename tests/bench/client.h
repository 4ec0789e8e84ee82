/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An MTA's side of many milter sessions at once, in one thread.  Counts and
 * times what the filter does; anything the protocol does not allow it to do
 * ends that session and is an error.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dial.h"
#include "negotiate.h"
#include "stats.h"

struct client_options {
	unsigned connections;
	uint64_t messages; /* in all; 0: for so many seconds */
	double seconds;
	unsigned per_session; /* messages of one session */
	unsigned body;
	unsigned slow_every; /* each K-th connection is marked; 0: none */
	unsigned timeout;    /* seconds for one answer */
	const char *letters; /* a folder of messages; NULL: one of our own */
	const char *client, *sender, *recipient; /* NULL: of our own */
	unsigned accounts; /* so many logins, at random; 0: none logs in */
	bool quit_nc;      /* next session on the same connection */
	bool sendmail;     /* each packet its own write */
};

struct results {
	struct samples marked, unmarked; /* MAIL sent to the verdict */
	struct samples session;          /* connect to the answer to HELO */
	struct tally verdicts, errors;
	uint64_t messages, edits, progress;
	double seconds;
};

struct client;

/* The pointers are borrowed. */
struct client *client_create(const struct client_options *, const struct dial *,
    const struct negotiated *, struct results *);
void client_destroy(struct client **);

/* Open so many idle sessions and keep them; false if one failed. */
bool client_hold(struct client *, unsigned n);

/* Open and close so many sessions, one after another. */
void client_probe(struct client *, unsigned n);

/* Send messages until their number or the time is reached. */
void client_load(struct client *);

#endif
