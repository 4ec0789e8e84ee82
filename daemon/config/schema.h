/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which options each kind of section may have: the daemon's tables, and the
 * tables of the plugins that are installed.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* An option table is walked with its owner's stride. */
struct schema_table {
	const struct mr_option *first; /* NULL: empty */
	size_t stride;
	size_t base_size; /* of the struct that offsets point into */
};

enum schema_kind { SCHEMA_GLOBALS, SCHEMA_LISTENER, SCHEMA_PLUGIN };

struct schema_section {
	enum schema_kind kind;
	const struct config_plugin *plugin; /* SCHEMA_PLUGIN */
	struct schema_table tables[2];      /* the second may be empty */
};

struct schema {
	const struct config_plugin *plugins;
	size_t nplugins;
	char **faults; /* of each plugin: what is wrong with its table */
};

void schema_init(struct schema *, const struct config_plugin *, size_t);
void schema_finish(struct schema *);

/* The row after o, or the first if o is NULL.  NULL at the end. */
const struct mr_option *schema_next(
    const struct schema_table *, const struct mr_option *o);

/*
 * name NULL: outside every section.  False: there is no such section.  The
 * table of a plugin whose own fault makes it unusable is left out.
 */
bool schema_find(
    const struct schema *, const char *name, struct schema_section *);
const struct mr_option *schema_option(
    const struct schema_section *, const char *name);

/* NULL: none.  Borrowed. */
const char *schema_fault(const struct schema *, const struct config_plugin *);

/* The members that options of this type need; 0: there is no such type. */
size_t schema_type_size(mr_type);

#endif
