/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: threads that serve sessions until it is told to retire. */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "core/session.h"
#include "process/board.h"

struct worker_settings {
	const struct config *config;
	const struct plugin_set *plugins;
	struct generation_board *board;
	struct worker_board *own;
	int listening; /* session connections, shared by all workers */
	int ready;     /* one byte is written here, or an error text */
};

/* Never returns. */
void worker_run(const struct worker_settings *) __attribute__((noreturn));

#endif
