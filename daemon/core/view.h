/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message as it would be with all edits so far: a list of
 * fields that is reached by name or by place.  Steps from one field to the
 * next, up or down, cost the same however many there are: who sends the mail
 * chooses their number.  Knows no rules about what may be edited.
 */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct view;
struct view_name;

enum view_list { VIEW_ALL, VIEW_NAME, VIEW_LISTS };

struct view_field {
	const char *name;
	const char *value;    /* raw: with the blank after the colon */
	const char *original; /* what value was; NULL: not of the original */
	uint32_t occurrence;  /* of its name in the original, from 1; or 0 */
	bool removed;
	const char *by; /* who touched it last, or NULL */
	int64_t key;    /* grows from the top of the header to its end */
	struct view_name *same;
	struct view_field *older; /* the original above, removed or not */
	struct view_field *prev[VIEW_LISTS], *next[VIEW_LISTS];
};

/* Everything lives in the arena.  Texts are borrowed but for names. */
struct view *view_create(struct arena *);

/* After all of the original, even if fields were added before it came. */
struct view_field *view_original(
    struct view *, const char *name, const char *value);
struct view_field *view_add(struct view *, const char *name, const char *value);
struct view_field *view_insert(
    struct view *, const char *name, const char *value); /* on top */
void view_remove(struct view *, struct view_field *);

/* NULL past the end.  nth from 1, of that name in any case; place from 0. */
struct view_field *view_nth(struct view *, const char *name, uint32_t nth);
struct view_field *view_at(struct view *, uint32_t place);

bool view_is_inserted(const struct view_field *);
bool view_is_added(const struct view_field *);

/* The ends of the view, and the last of the original (then older). */
struct view_field *view_top(const struct view *);
struct view_field *view_end(const struct view *);
struct view_field *view_last_original(const struct view *);

#endif
