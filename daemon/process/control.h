/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: one request a connection, a line "verb"; the answer is
 * a JSON document, then the end of file.
 */
#ifndef PROCESS_CONTROL_H
#define PROCESS_CONTROL_H

#include <poll.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

enum { CONTROL_CLIENTS = 16, CONTROL_LINE = 256 };

struct control {
	char *path;
	int listening;
	struct control_client {
		int sock; /* -1: free */
		struct buf in;
		bool waits; /* for control_answer */
	} clients[CONTROL_CLIENTS];
	/* Deal with a verb: answer now, or keep the client for later. */
	void (*take)(struct control *, struct control_client *,
	    struct span verb, void *arg);
	void *arg;
};

/* -1 and *why if the socket cannot be made. */
bool control_open(
    struct control *, const char *run_dir, const char *group, char **why);
void control_close(struct control *);

/* What to wait for; returns how many of p were used. */
int control_poll(const struct control *, struct pollfd *p);
/* Look at what became readable. */
void control_serve(struct control *, const struct pollfd *p, int n);

/* Send and hang up. */
void control_answer(struct control_client *, struct span json);
/* Somebody else has the socket now and answers: only let go of ours. */
void control_hand_over(struct control_client *);
void control_answer_error(struct control_client *, const char *why);

/* The verb of a request, or an empty span; pure, for the fuzz target. */
struct span control_verb(struct span line);

#endif
