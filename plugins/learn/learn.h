/* SPDX-License-Identifier: Apache-2.0 */
/* What the instance and the commands of the plugin share. */
#ifndef LEARN_H
#define LEARN_H

#include <millrace/plugin.h>

#include "message.h"

struct learn_conf {
	const char *model; /* path */
	bool per_domain;
	int64_t learn_first; /* of each kind, before anything is said */
	double scale, spam_points, ham_points;
	int64_t max_size;
	bool explain;
	const struct mr_list *own_hosts;
};

/*
 * The file of a domain, or of all if domain is NULL; NULL if the domain is no
 * name for a file.  The caller frees it.
 */
char *learn_path(const struct learn_conf *, const char *domain);

extern const struct mr_command learn_commands[];

#endif
