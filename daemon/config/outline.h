/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look over a file before libconfuse parses it: which sections, options
 * and includes are in it and on which lines, and a text of it that is safe
 * to hand to libconfuse.  Whether the file is well formed libconfuse says;
 * here only what it would get wrong or say badly is an error.
 */
#ifndef CONFIG_OUTLINE_H
#define CONFIG_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "config/errors.h"
#include "config/tree.h"

/* More would be no config file, and libconfuse slows down with each. */
enum {
	OUTLINE_INCLUDES = 64,
	OUTLINE_SECTIONS = 1024,
	OUTLINE_OPTIONS = 256, /* of one section */
	OUTLINE_VALUES = 10000 /* of one list */
};

struct outline {
	struct tree *tree;     /* sections and settings are added to it */
	struct errors *errors; /* and what is wrong to these */
	const char *file;
	/*
	 * The same words on the same lines, every word in quotes, comments
	 * and includes gone.  A section's title is its number in the tree,
	 * so that two with one title cannot be mixed up.
	 */
	struct buf text;
	/*
	 * Where the name stands that libconfuse will complain of; 0: on the
	 * line where it stops, which may be a later one.
	 */
	unsigned blame;
	struct {
		const char *path; /* as written; lives in the tree's arena */
		unsigned line;
	} includes[OUTLINE_INCLUDES];
	size_t nincludes;
};

/* tree, errors and file are set.  False: libconfuse must not see it. */
bool outline_read(struct outline *, struct span text);
void outline_finish(struct outline *);

#endif
