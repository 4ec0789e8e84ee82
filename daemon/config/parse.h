/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From files to a tree: reading, includes, and libconfuse, which no other
 * file knows.
 */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include <stdbool.h>

#include "config/errors.h"
#include "config/schema.h"
#include "config/tree.h"

struct parse {
	const struct schema *schema;
	struct tree *tree;
	struct errors *errors;
	const char **files; /* already read, real paths; arena's */
	size_t nfiles;
	unsigned depth;
};

/*
 * Read the file and what it includes into the tree.  path NULL: the embedded
 * defaults.  False: it could not be read to its end; names that are unknown
 * and values that are wrong are no error here.
 */
bool parse_file(struct parse *, const char *path);
/* The same for a text; name stands for it in errors. */
bool parse_text(struct parse *, const char *name, struct span text);
void parse_finish(struct parse *);

#endif
