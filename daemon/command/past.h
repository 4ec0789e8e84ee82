/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as the sub-commands find it. */
#ifndef COMMAND_PAST_H
#define COMMAND_PAST_H

#include <cjson/cJSON.h>

#include "command/command.h"
#include "process/journal_read.h"

/*
 * Ask the daemon to write what it has, then open the journal: the one at
 * path, or the configured one.  *fresh: the daemon runs, so that a message
 * which has just ended may come in a moment.  NULL after a message.
 */
struct journal_reader *past_open(
    const struct common *, const char *path, bool *fresh);

/* For journal_read_*: parse json and add it to the array arg. */
void past_collect(void *arg, const char *json);

#endif
