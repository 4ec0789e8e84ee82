/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each field is on two lists, that of all and that of its name.  A list
 * remembers where it was looked at last, and starts there or at the nearer
 * end.  Names are kept in a balanced tree (Andersson, 1993): there is no
 * hash that a sender could aim at.
 */
#include "core/view.h"

#include <stddef.h>

/* Keys of the fields that were added at the end; originals count from 1. */
#define KEY_ADDED (INT64_C(1) << 40)

struct list {
	struct view_field *first, *last;
	struct view_field *fixed; /* the last that was not added at the end */
	uint32_t count;
	uint32_t place; /* of at, from 0 */
	struct view_field *at;
};

struct view_name {
	const char *name;
	struct list fields;
	uint32_t originals;
	unsigned level;
	struct view_name *child[2];
};

struct view {
	struct arena *arena;
	struct list all;
	struct view_name *names;
	struct view_field *last_original;
	int64_t originals, added, inserted;
};

struct view *
view_create(struct arena *arena)
{
	struct view *v = arena_alloc(arena, sizeof(*v));

	v->arena = arena;
	return v;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int
compare(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}

static struct view_name *
find_name(const struct view *v, const char *name)
{
	struct view_name *at = v->names;
	int order;

	while (at != NULL && (order = compare(name, at->name)) != 0)
		at = at->child[order > 0];
	return at;
}

static struct view_name *
skew(struct view_name *t)
{
	struct view_name *l = t->child[0];

	if (l == NULL || l->level != t->level)
		return t;
	t->child[0] = l->child[1];
	l->child[1] = t;
	return l;
}

static struct view_name *
split(struct view_name *t)
{
	struct view_name *r = t->child[1];

	if (r == NULL || r->child[1] == NULL || r->child[1]->level != t->level)
		return t;
	t->child[1] = r->child[0];
	r->child[0] = t;
	r->level++;
	return r;
}

/* As deep as the tree: twice the logarithm of the number of names. */
static struct view_name *
insert_name(struct view_name *t, struct view_name *n)
{
	int side;

	if (t == NULL)
		return n;
	side = compare(n->name, t->name) > 0;
	t->child[side] = insert_name(t->child[side], n);
	return split(skew(t));
}

static struct view_name *
name_of(struct view *v, const char *name)
{
	struct view_name *n = find_name(v, name);

	if (n != NULL)
		return n;
	n = arena_alloc(v->arena, sizeof(*n));
	n->name = arena_copy(v->arena, name);
	n->level = 1;
	v->names = insert_name(v->names, n);
	return n;
}

/* after: NULL means at the start. */
static void
list_put(struct list *l, enum view_list which, struct view_field *f,
    struct view_field *after)
{
	struct view_field *before =
	    after != NULL ? after->next[which] : l->first;

	f->prev[which] = after;
	f->next[which] = before;
	*(after != NULL ? &after->next[which] : &l->first) = f;
	*(before != NULL ? &before->prev[which] : &l->last) = f;
	if (l->fixed == after && !view_is_added(f))
		l->fixed = f;
	if (l->at != NULL && f->key < l->at->key)
		l->place++;
	l->count++;
}

static void
list_cut(struct list *l, enum view_list which, struct view_field *f)
{
	struct view_field *prev = f->prev[which], *next = f->next[which];

	*(prev != NULL ? &prev->next[which] : &l->first) = next;
	*(next != NULL ? &next->prev[which] : &l->last) = prev;
	if (l->fixed == f)
		l->fixed = prev;
	l->count--;
	if (l->at == NULL)
		return;
	if (l->at == f) {
		l->at = next != NULL ? next : prev;
		l->place -= next == NULL && prev != NULL;
	} else if (f->key < l->at->key) {
		l->place--;
	}
}

static struct view_field *
list_at(struct list *l, enum view_list which, uint32_t place)
{
	uint32_t gap;

	if (place >= l->count)
		return NULL;
	gap = place > l->place ? place - l->place : l->place - place;
	if (l->at == NULL || place < gap) {
		l->at = l->first;
		l->place = 0;
		gap = place;
	}
	if (l->count - 1 - place < gap) {
		l->at = l->last;
		l->place = l->count - 1;
	}
	for (; l->place < place; l->place++)
		l->at = l->at->next[which];
	for (; l->place > place; l->place--)
		l->at = l->at->prev[which];
	return l->at;
}

static struct view_field *
new_field(struct view *v, const char *name, const char *value, int64_t key)
{
	struct view_field *f = arena_alloc(v->arena, sizeof(*f));

	f->same = name_of(v, name);
	/* The first spelling serves for all that are spelt the same. */
	f->name = f->same->name;
	for (size_t i = 0; name[i] != '\0'; i++)
		if (name[i] != f->name[i]) {
			f->name = arena_copy(v->arena, name);
			break;
		}
	f->value = value;
	f->key = key;
	return f;
}

struct view_field *
view_original(struct view *v, const char *name, const char *value)
{
	struct view_field *f = new_field(v, name, value, ++v->originals);

	f->original = value;
	f->occurrence = ++f->same->originals;
	f->older = v->last_original;
	v->last_original = f;
	list_put(&v->all, VIEW_ALL, f, v->all.fixed);
	list_put(&f->same->fields, VIEW_NAME, f, f->same->fields.fixed);
	return f;
}

struct view_field *
view_add(struct view *v, const char *name, const char *value)
{
	struct view_field *f =
	    new_field(v, name, value, KEY_ADDED + v->added++);

	list_put(&v->all, VIEW_ALL, f, v->all.last);
	list_put(&f->same->fields, VIEW_NAME, f, f->same->fields.last);
	return f;
}

struct view_field *
view_insert(struct view *v, const char *name, const char *value)
{
	struct view_field *f = new_field(v, name, value, -++v->inserted);

	list_put(&v->all, VIEW_ALL, f, NULL);
	list_put(&f->same->fields, VIEW_NAME, f, NULL);
	return f;
}

void
view_remove(struct view *v, struct view_field *f)
{
	list_cut(&v->all, VIEW_ALL, f);
	list_cut(&f->same->fields, VIEW_NAME, f);
	f->removed = true;
}

struct view_field *
view_nth(struct view *v, const char *name, uint32_t nth)
{
	struct view_name *n = nth > 0 ? find_name(v, name) : NULL;

	return n != NULL ? list_at(&n->fields, VIEW_NAME, nth - 1) : NULL;
}

struct view_field *
view_at(struct view *v, uint32_t place)
{
	return list_at(&v->all, VIEW_ALL, place);
}

bool
view_is_inserted(const struct view_field *f)
{
	return f->key < 0;
}

bool
view_is_added(const struct view_field *f)
{
	return f->key >= KEY_ADDED;
}

struct view_field *
view_top(const struct view *v)
{
	return v->all.first;
}

struct view_field *
view_end(const struct view *v)
{
	return v->all.last;
}

struct view_field *
view_last_original(const struct view *v)
{
	return v->last_original;
}
