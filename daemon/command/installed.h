/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration and plugins that a sub-command works with. */
#ifndef COMMAND_INSTALLED_H
#define COMMAND_INSTALLED_H

#include "command/command.h"
#include "core/chain.h"
#include "core/session.h"
#include "process/setup.h"

/* From now on the daemon's log shows errors only. */
void installed_quiet(void);

/* Read all of it; false after a message. */
bool installed_load(const struct common *, struct setup *);

/* The chain of that listener; NULL: the first.  NULL after a message. */
const struct chain *installed_chain(const struct core *, const char *listener);

#endif
