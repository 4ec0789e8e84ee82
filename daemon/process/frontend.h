/* SPDX-License-Identifier: Apache-2.0 */
/* The process of one listener: front/ with a connection to the master. */
#ifndef PROCESS_FRONTEND_H
#define PROCESS_FRONTEND_H

#include "front/front.h"

struct frontend_settings {
	const char *name, *socket; /* the listener's */
	int listening, channel;
	struct front_board *board;
	struct span plan; /* encoded */
	uint32_t generation;
};

/* Never returns. */
void frontend_run(const struct frontend_settings *) __attribute__((noreturn));

#endif
