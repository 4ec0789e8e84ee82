/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config files say, before anybody asks what it means: sections, their
 * settings, and the place of each.  All of it lies in one arena.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "config/config.h"

struct tree_value {
	const char *text;
	unsigned line;
	struct tree_value *next;
};

struct tree_setting {
	const char *name;
	struct config_place place;
	bool twice; /* said again: an error that was told */
	struct tree_value *values, **last;
	size_t count;
	struct tree_setting *next;
};

struct tree_section {
	const char *kind, *title; /* NULL: what stands outside sections */
	struct config_place place;
	size_t number;
	struct tree_setting *settings, **last;
	size_t count;
	struct tree_section *next;
};

struct tree {
	struct arena *arena;
	struct tree_section root;
	struct tree_section *sections, **last;
	size_t count;
};

void tree_init(struct tree *, struct arena *);
struct tree_section *tree_add_section(
    struct tree *, const char *kind, const char *title, struct config_place);
struct tree_setting *tree_add_setting(struct tree *, struct tree_section *,
    const char *name, struct config_place);
void tree_add_value(
    struct tree *, struct tree_setting *, const char *text, unsigned line);

struct tree_section *tree_section(struct tree *, size_t number);
struct tree_setting *tree_setting(
    const struct tree_section *, const char *name);
/* The values as a list; it lives in the arena, they in the tree. */
struct mr_list tree_texts(struct arena *, const struct tree_setting *);
/* Where the index-th value stands. */
struct config_place tree_value_place(const struct tree_setting *, size_t);

#endif
