/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installed plugins: which shared objects may be loaded, and whether this
 * daemon understands what they export.  Nothing is ever unloaded: a new
 * binary comes in with the next generation of workers.
 */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include <stddef.h>

#include "millrace/plugin.h"

/*
 * Plugins of an older minor work: what came later was added at an end.  If
 * something must move before 1.0, this is raised to the new minor.
 */
#define PLUGIN_OLDEST_MINOR 1u

struct plugin {
	/* Ours: members that an older plugin does not have are 0. */
	struct mr_plugin desc;
	char *path;
};

struct plugin_set {
	struct plugin *plugins; /* by name */
	size_t count;
	char **refused; /* "path: reason", NULL at the end */
};

/*
 * Load every *.so of the folder.  A file that cannot be used is listed in
 * refused and left out.  False and *why only if the folder itself cannot be
 * read or trusted; the caller frees *why.
 */
bool plugin_load_all(const char *dir, struct plugin_set *, char **why);
void plugin_set_finish(struct plugin_set *);

/*
 * The version rule, pure: may a descriptor with these guards be used by this
 * daemon?  NULL: yes.  Otherwise the reason (static text or in why[256]).
 */
const char *plugin_refuse(
    const struct mr_plugin *, const char *file_name, char why[256]);

#endif
