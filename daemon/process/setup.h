/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration with the plugins it was checked against. */
#ifndef PROCESS_SETUP_H
#define PROCESS_SETUP_H

#include "config/config.h"
#include "core/plugin.h"

struct setup {
	struct plugin_set plugins;
	struct config_plugin *schemas;
	struct config *config;
};

/*
 * Load the plugins of the folder that the file names, then the file.  path
 * NULL: the embedded defaults.  Plugins that cannot be used are only logged.
 * False and *why, one line an error; the caller frees it.
 */
bool setup_load(struct setup *, const char *path, char **why);
void setup_finish(struct setup *);

/*
 * Read the configuration and open every instance, as a start would, in this
 * process.  False and *why.  summary: one line on success.
 */
bool setup_check(const char *config_path, char **summary, char **why);

#endif
