/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to the running daemon over its control socket. */
#ifndef COMMAND_CLIENT_H
#define COMMAND_CLIENT_H

#include <cjson/cJSON.h>

#include "command/command.h"

/*
 * Ask, and wait at most limit_ms for the answer.  NULL after a message; an
 * answer with "error" is no message yet.
 */
cJSON *client_ask(const struct common *, const char *verb, int limit_ms);

/* Have the journal written; false, without complaint, if nobody answers. */
bool client_flush(const char *socket);

/* The control socket's path; the caller frees it. */
char *client_socket(const struct common *);

#endif
