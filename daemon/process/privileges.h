/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are, what we may write, how many descriptors we may have. */
#ifndef PROCESS_PRIVILEGES_H
#define PROCESS_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"

struct privileges {
	uid_t uid;
	gid_t gid;
	bool drop; /* we are root and the user is not */
};

/*
 * The configured user and group.  If the user is the default one and does
 * not exist, "nobody" takes its place, with a warning.  False and *why (the
 * caller frees it) if there is no such user.
 */
bool privileges_find(
    const struct config_globals *, struct privileges *, char **why);

/* Become that user for good; no new privileges by exec either. */
bool privileges_drop(const struct privileges *, char **why);

/*
 * Make the folders that the daemon writes to, owned by the user: run-dir
 * (root's) with workers/ in it, spool-dir, the journal's.
 */
bool privileges_make_folders(
    const struct config_globals *, const struct privileges *, char **why);

/*
 * Make the folder of an embedded store, owned by the user, if it is not
 * there: before any process that may be root opens the store.
 */
void privileges_make_store(
    const struct config_globals *, const struct privileges *);

/* As many descriptors as we can get. */
void privileges_raise_files(void);

#endif
