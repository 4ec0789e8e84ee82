/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master: keeps the listening sockets, starts and watches the other
 * processes, brings new configurations into force.  Parses no mail and runs
 * no plugin.
 */
#ifndef PROCESS_MASTER_H
#define PROCESS_MASTER_H

struct master_settings {
	const char *config_path; /* NULL: the embedded defaults */
	int ready; /* the waiting parent of a background start; -1: none */
};

/* Returns the exit status of the daemon. */
int master_run(const struct master_settings *);

#endif
