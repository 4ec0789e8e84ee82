/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "config/tree.h"

void
tree_init(struct tree *t, struct arena *a)
{
	*t = (struct tree){ .arena = a };
	t->root.last = &t->root.settings;
	t->last = &t->sections;
}

struct tree_section *
tree_add_section(struct tree *t, const char *kind, const char *title,
    struct config_place place)
{
	struct tree_section *s = arena_alloc(t->arena, sizeof(*s));

	s->kind = arena_copy(t->arena, kind);
	s->title = arena_copy(t->arena, title);
	s->place = place;
	s->number = ++t->count; /* 0 is the root */
	s->last = &s->settings;
	*t->last = s;
	t->last = &s->next;
	return s;
}

struct tree_setting *
tree_add_setting(struct tree *t, struct tree_section *s, const char *name,
    struct config_place place)
{
	struct tree_setting *set = arena_alloc(t->arena, sizeof(*set));

	set->name = arena_copy(t->arena, name);
	set->place = place;
	set->last = &set->values;
	*s->last = set;
	s->last = &set->next;
	s->count++;
	return set;
}

void
tree_add_value(
    struct tree *t, struct tree_setting *s, const char *text, unsigned line)
{
	struct tree_value *v = arena_alloc(t->arena, sizeof(*v));

	v->text = arena_copy(t->arena, text);
	v->line = line;
	*s->last = v;
	s->last = &v->next;
	s->count++;
}

struct tree_section *
tree_section(struct tree *t, size_t number)
{
	struct tree_section *s = t->sections;

	while (s != NULL && s->number != number)
		s = s->next;
	return s;
}

struct tree_setting *
tree_setting(const struct tree_section *s, const char *name)
{
	struct tree_setting *set = s->settings;

	while (set != NULL && strcmp(set->name, name) != 0)
		set = set->next;
	return set;
}

struct mr_list
tree_texts(struct arena *a, const struct tree_setting *s)
{
	const char **items = arena_alloc(a, (s->count + 1) * sizeof(items[0]));
	size_t n = 0;

	for (const struct tree_value *v = s->values; v != NULL; v = v->next)
		items[n++] = v->text;
	return (struct mr_list){ (uint32_t)n, items };
}

struct config_place
tree_value_place(const struct tree_setting *s, size_t index)
{
	struct config_place place = s->place;
	const struct tree_value *v = s->values;

	while (v != NULL && index-- > 0)
		v = v->next;
	if (v != NULL)
		place.line = v->line;
	return place;
}
