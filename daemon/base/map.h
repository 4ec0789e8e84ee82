/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that an operator keeps: networks, mail addresses, domains, words,
 * each with an optional value; given in the config or as lines of a file
 * ("map:file:/path"), which is read again when it changes.  What a key
 * matches is said in <millrace/map.h>.
 * Look-ups may come from any thread; map NULL matches nothing, a key NULL
 * is matched by "*" alone.  The text they return is copied into the
 * caller's arena.  Of two equal keys the first counts, and those in the
 * config come before those in files.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"

struct map;

/*
 * entries: keys, or "key value", or "\"a key\" value", or "map:file:/path".  On
 * failure NULL and *why names the entry, or the file and line, and what is
 * wrong with it.
 */
struct map *map_create(const char *const *entries, size_t count, char **why);
void map_destroy(struct map **);

/*
 * Read files again that changed (looked at most once a second).  Safe at any
 * time beside look-ups.  A file that is now bad is logged once, and the last
 * good content stays.
 */
void map_refresh(struct map *);

const char *map_client(const struct map *, struct arena *, const char *addr);
const char *map_address(
    const struct map *, struct arena *, const char *address);
const char *map_name(const struct map *, struct arena *, const char *name);
const char *map_text(const struct map *, struct arena *, const char *text);
/* Keys are patterns (millrace/glob.h): the first that matches. */
const char *map_glob(const struct map *, struct arena *, const char *text);

/*
 * The same for those who keep the value elsewhere than in an arena: found is
 * called once if there is one, with the map locked: copy and return.
 */
enum map_way { MAP_CLIENT, MAP_ADDRESS, MAP_NAME, MAP_TEXT, MAP_GLOB };
void map_look_up(const struct map *, enum map_way, const char *key,
    void (*found)(void *arg, const char *value), void *arg);

/*
 * Show each key and its value until seen returns false; where is "file:line"
 * of one that a file holds, or NULL.  The map is locked: look nothing up.
 */
void map_each(const struct map *,
    bool (*seen)(
	void *arg, const char *key, const char *value, const char *where),
    void *arg);

/*
 * One line of a list file, comment and blanks taken off; a key in double
 * quotes may hold blanks, and keeps its quotes.  False: nothing on it.  A
 * pure function, for the fuzz target.
 */
bool map_line(struct span line, struct span *key, struct span *value);

/* A map of the lines of text; complaints call it name.  Opens no file. */
struct map *map_parse(const char *name, struct span text, char **why);
/* How many keys it holds now. */
size_t map_count(const struct map *);

#endif
