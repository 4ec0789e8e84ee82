/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that plugins bring: "millrace dkim keygen ...". */
#ifndef COMMAND_PLUGIN_COMMAND_H
#define COMMAND_PLUGIN_COMMAND_H

#include "base/nearest.h"
#include "command/installed.h"

/* The installed plugin whose commands stand under this name, or NULL. */
const struct mr_plugin *plugin_command_find(
    const struct setup *, const char *name);

/* Offer the names of all groups; a line each for --help. */
void plugin_command_offer(const struct setup *, struct nearest *);
void plugin_command_list(const struct setup *);

/* argv[0] is the group's name.  Returns the exit status. */
int plugin_command_run(const struct common *, const struct setup *,
    const struct mr_plugin *, int argc, char **argv);

#endif
