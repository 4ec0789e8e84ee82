/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration keeps for this folder's own use. */
#ifndef CONFIG_PRIVATE_H
#define CONFIG_PRIVATE_H

#include "config/config.h"
#include "config/errors.h"
#include "config/schema.h"
#include "config/store.h"
#include "config/tree.h"

struct config_private {
	struct arena *arena;
	struct store store;
	struct schema schema;
	struct tree tree;
	const char *file; /* the first one */
	/* where each listener and each instance stands in the tree */
	const struct tree_section **listeners, **instances;
};

/* Tell an error of a section's option (NULL: of the section itself). */
void load_error(struct errors *, struct config_place,
    const struct tree_section *, const char *option, const char *text);

/* All that only shows when everything is read. */
void check_config(const struct config *, struct errors *);

#endif
