/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a generation: it reads the configuration, loads the
 * plugins and forks the workers, so that all of them, and those that take
 * the place of dead ones, have the same; and it watches over them.
 */
#ifndef PROCESS_GENERATION_H
#define PROCESS_GENERATION_H

#include "process/board.h"

struct generation_settings {
	const char *config_path; /* NULL: the embedded defaults */
	uint32_t number;
	struct generation_board *board;
	int channel; /* orders to and from the master */
};

/* Never returns. */
void generation_run(const struct generation_settings *)
    __attribute__((noreturn));

/* How many workers a configured number (0: by processors) means. */
unsigned generation_workers(int64_t configured);

#endif
