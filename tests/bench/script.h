/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an MTA tells a filter in one session, as bytes made once: the steps
 * that open the session, then those of one message.  What was negotiated is
 * already in it: steps and macros nobody asked for are left out.
 */
#ifndef BENCH_SCRIPT_H
#define BENCH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "negotiate.h"
#include "packet.h"

enum { QUEUE_ID_LENGTH = 12 };

struct step {
	char command;
	bool answered;   /* the filter replies to it */
	size_t at, n;    /* in the script's bytes: macros, then command */
	size_t macros_n; /* of those, the macro packet */
	size_t queue_id; /* where in the bytes; 0: nowhere */
};

struct script {
	struct buffer bytes;
	struct step *steps;
	size_t n, session_n; /* the first session_n open the session */
};

struct script_options {
	size_t body;
	bool marked;       /* the sender a test plugin is slow for */
	bool empty_macros; /* Postfix sends a macro packet without macros */
};

void script_init(
    struct script *, const struct negotiated *, const struct script_options *);
void script_finish(struct script *);

#endif
