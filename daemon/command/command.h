/* SPDX-License-Identifier: Apache-2.0 */
/* What a sub-command is, and what all of them share. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>

#include "command/option.h"

/* The same everywhere; millrace(1) documents them. */
enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1, /* or: there is none, the daemon says no */
	EXIT_USAGE = 2,   /* or a configuration that is wrong */
	EXIT_LATER = 75,
};

/* Options that every sub-command takes. */
struct common {
	const char *conf; /* NULL: the installed one, or the defaults */
	const char *socket;
	bool json, help, version;
};

struct command {
	const char *name;
	const char *operands; /* "FILE|-" */
	int min, max;         /* of operands */
	const char *summary;
	const struct option_row *options;
	void *values; /* what the options fill */
	int (*run)(const struct common *, char **operands);
	bool hidden;
};

extern const struct command check_command, status_command, reload_command,
    flush_command, explain_command, history_command, plugins_command,
    chain_command, config_command;

/* The file to read: what --conf says, or the installed one if it exists. */
const char *command_conf(const struct common *);

#endif
