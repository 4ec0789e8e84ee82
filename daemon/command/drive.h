/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tell the core a message as an MTA would: the same events with the same
 * macros, and no further than the MTA would go.
 */
#ifndef COMMAND_DRIVE_H
#define COMMAND_DRIVE_H

#include "base/span.h"
#include "command/option.h"
#include "core/session.h"

struct drive_envelope {
	const char *ip;   /* an address, "local" or "unknown" */
	const char *rdns; /* NULL: none */
	const char *helo; /* NULL: as rdns */
	const char *from; /* brackets may be left out */
	struct option_list rcpt;
	const char *auth;          /* login, or NULL */
	struct option_list macros; /* "name=value" */
};

/* The record reaches core_settings.record before this returns. */
void drive_message(struct core *, const struct chain *,
    const struct drive_envelope *, struct span message);

#endif
