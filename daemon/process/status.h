/* SPDX-License-Identifier: Apache-2.0 */
/* What `millrace status` shows, out of the boards. */
#ifndef PROCESS_STATUS_H
#define PROCESS_STATUS_H

#include "base/buf.h"
#include "process/board.h"

struct status_front {
	const char *name, *socket;
	const struct front_board *board;
};

struct status {
	int64_t started_us; /* steady clock */
	uint32_t generation;
	const struct status_front *fronts;
	size_t nfronts;
	const struct generation_board *const *generations; /* newest first */
	size_t ngenerations;
	const char *journal;
	uint64_t journal_lost;
};

void status_json(const struct status *, struct buf *);

#endif
