/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys and values of one source of a map, in memory.  Knows how keys
 * are written, but no files and no order among matches: that is map.c.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/span.h"

#define LIST_KEY_MAX  512u
#define LIST_LINE_MAX 4096u

struct list;

struct list *list_create(void);
void list_destroy(struct list **);
size_t list_count(const struct list *);

/*
 * Of two equal keys the first stays.  One in double quotes is a text or a
 * pattern, whatever it looks like.  False: *why says what is wrong.
 */
bool list_add(struct list *, struct span key, struct span value, char **why);
/* See map_line: a quoted key keeps its quotes. */
bool list_line(struct span line, struct span *key, struct span *value);
/* "key value", without comments. */
bool list_add_entry(struct list *, struct span entry, char **why);
/* Lines of a file; *why begins with name and the number of the line. */
bool list_read(struct list *, const char *name, struct span text, char **why);

/* The first that matches as a pattern, in order; networks are none. */
const char *list_glob(const struct list *, struct span text);
/*
 * Texts in their order, then networks, until seen returns false; line is 0
 * of an entry that no file holds.  False: it was stopped.
 */
bool list_each(const struct list *,
    bool (*seen)(void *arg, const char *key, const char *value, unsigned line),
    void *arg);

/* The value of that very key; NULL: there is none. */
const char *list_text(const struct list *, struct span key);
const char *list_network(const struct list *, const struct network *);
/* The value of the smallest network that holds the address. */
const char *list_address(
    const struct list *, const struct address *, unsigned *prefix);

#endif
