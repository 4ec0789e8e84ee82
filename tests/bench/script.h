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

#include "letter.h"
#include "negotiate.h"
#include "packet.h"

enum { QUEUE_ID_LENGTH = 12, LOGIN_DIGITS = 7 };

struct step {
	char command;
	bool answered;   /* the filter replies to it */
	size_t at, n;    /* in the script's bytes: macros, then command */
	size_t macros_n; /* of those, the macro packet */
	size_t queue_id; /* where in the bytes; 0: nowhere */
	size_t login;    /* the same for the digits of the login */
};

struct script {
	struct buffer bytes;
	struct step *steps;
	size_t n, session_n; /* the first session_n open the session */
};

struct script_options {
	const struct letter *letter; /* NULL: one of our own, with this body */
	size_t body;
	const char *client, *sender, *recipient; /* addresses */
	bool logins;       /* authenticated, as user0000000 */
	bool marked;       /* the sender a test plugin is slow for */
	bool empty_macros; /* Postfix sends a macro packet without macros */
};

void script_init(
    struct script *, const struct negotiated *, const struct script_options *);
void script_finish(struct script *);

#endif
