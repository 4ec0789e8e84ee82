/* SPDX-License-Identifier: Apache-2.0 */
/* The master's children: how each is forked and what it may keep open. */
#ifndef PROCESS_CHILDREN_H
#define PROCESS_CHILDREN_H

#include "process/board.h"
#include "process/orders.h"

struct child {
	pid_t pid;
	int channel; /* orders; -1 if it has none */
	struct buf in;
};

/* The master calls this in each new child: close what is the master's. */
typedef void close_others(void);

struct children_context {
	close_others *close_others;
	int journal; /* the senders' end, kept by all; -1: no journal */
	bool background;
};

struct child children_generation(const struct children_context *,
    const char *config_path, uint32_t number, struct generation_board *);
struct child children_front(const struct children_context *,
    const struct plan_listener *, int listening, struct front_board *,
    struct span plan, uint32_t generation);
/* receiving: the other end of the journal's socket. */
struct child children_journal(const struct children_context *,
    const struct config_globals *, int receiving);

void child_kill(const struct child *);
/* It was reaped. */
void child_forget(struct child *);

#endif
