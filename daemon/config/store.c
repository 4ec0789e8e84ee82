/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "config/scan.h"
#include "config/store.h"
#include "config/value.h"

void
store_finish(struct store *s)
{
	for (size_t i = 0; i < s->nmaps; i++)
		map_destroy(&s->maps[i]);
	free(s->maps);
	s->maps = NULL;
	s->nmaps = 0;
}

static bool
set_list(struct store *s, const struct mr_list *texts, void *member)
{
	struct mr_list *list = arena_alloc(s->arena, sizeof(*list));
	const char **items =
	    arena_alloc(s->arena, (texts->count + 1) * sizeof(items[0]));

	for (uint32_t i = 0; i < texts->count; i++)
		items[i] = texts->items[i];
	*list = (struct mr_list){ texts->count, items };
	*(const struct mr_list **)member = list;
	return true;
}

/* The first entry that makes no map by itself. */
static size_t
bad_entry(const struct mr_list *texts)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		char *why = NULL;
		struct map *m = map_create(&texts->items[i], 1, &why);
		bool ok = m != NULL;

		map_destroy(&m);
		free(why);
		if (!ok)
			return i;
	}
	return 0;
}

static bool
set_map(struct store *s, const struct mr_list *texts, void *member, size_t *bad,
    char **why)
{
	struct map *m = NULL;

	if (texts->count > 0) {
		m = map_create(texts->items, texts->count, why);
		if (m == NULL) {
			*bad = bad_entry(texts);
			return false;
		}
		s->maps =
		    memory_resize(s->maps, (s->nmaps + 1) * sizeof(s->maps[0]));
		s->maps[s->nmaps++] = m;
	}
	*(const struct mr_map **)member = (const struct mr_map *)m;
	return true;
}

static bool
set_one(struct store *s, const struct mr_option *o, const char *text,
    void *member, char **why)
{
	switch (o->type) {
	case MR_BOOL:
		return value_bool(text, member, why);
	case MR_REAL:
		return value_real(o, text, member, why);
	case MR_STRING:
		if (*text == '\0' && s->empty_is_unset)
			text = NULL;
		*(const char **)member = text;
		return true;
	default:
		return value_number(o, text, member, why);
	}
}

bool
store_set(struct store *s, const struct mr_option *o, void *base,
    const struct mr_list *texts, size_t *bad, char **why)
{
	void *member = (char *)base + o->offset;

	*bad = 0;
	*why = NULL;
	if (o->type == MR_LIST)
		return set_list(s, texts, member);
	if (o->type == MR_MAP)
		return set_map(s, texts, member, bad, why);
	if (texts->count == 1)
		return set_one(s, o, texts->items[0], member, why);
	*why = memory_copy("takes one value, not a list");
	return false;
}

/* "{ "a", "b" }" */
static bool
split(struct arena *a, const char *text, struct mr_list *out)
{
	struct scan s = { span_of(text), 1 };
	size_t n = 0, most = strlen(text);
	struct scan_token t;
	const char **items = arena_alloc(a, most * sizeof(items[0]));

	scan_next(&s, &t); /* the brace */
	for (scan_next(&s, &t); t.type != SCAN_MARK || t.mark != '}';) {
		struct buf word = { 0 };

		if (t.type != SCAN_WORD)
			return false;
		scan_decode(t.raw, &word);
		items[n++] = arena_copy(a, word.p);
		buf_finish(&word);
		scan_next(&s, &t);
		if (t.type == SCAN_MARK && t.mark == ',')
			scan_next(&s, &t);
	}
	scan_next(&s, &t);
	*out = (struct mr_list){ (uint32_t)n, items };
	return t.type == SCAN_END;
}

bool
store_fallback(
    struct arena *a, const struct mr_option *o, struct mr_list *texts)
{
	const char **item = arena_alloc(a, sizeof(*item));
	struct scan s = { span_of(o->fallback), 1 };
	bool many = o->type == MR_LIST || o->type == MR_MAP;
	struct buf word = { 0 };
	struct scan_token t;

	*texts = (struct mr_list){ 0, item };
	if (o->fallback == NULL)
		return true;
	if (many && o->fallback[0] == '{')
		return split(a, o->fallback, texts);
	*item = o->fallback;
	texts->count = !many || o->fallback[0] != '\0';
	scan_next(&s, &t);
	if (t.type != SCAN_WORD || t.raw.n != strlen(o->fallback))
		return true;
	scan_decode(t.raw, &word);
	*item = arena_copy(a, word.p);
	buf_finish(&word);
	return true;
}

bool
store_default(
    struct store *s, const struct mr_option *o, void *base, char **why)
{
	static const struct mr_list none;
	struct mr_list texts;
	size_t bad;

	if (!store_fallback(s->arena, o, &texts)) {
		*why = memory_copy("not a list");
		return false;
	}
	if (texts.count == 0 && o->type == MR_LIST)
		return store_set(s, o, base, &none, &bad, why);
	if (texts.count == 0)
		return true; /* the struct is zeroed */
	return store_set(s, o, base, &texts, &bad, why);
}

static bool
zero_fits(const struct mr_option *o)
{
	bool number = o->type == MR_INT || o->type == MR_DURATION ||
		      o->type == MR_SIZE || o->type == MR_REAL;

	return !number || (o->min <= 0 && o->max >= 0);
}

char *
store_fault(const struct mr_option *o)
{
	struct mr_option here = *o;
	struct arena *a = arena_create(256);
	struct store s = { .arena = a };
	union {
		int64_t number;
		double real;
		const void *pointer;
	} member;
	struct mr_list texts;
	char *fault = NULL, *why = NULL;
	bool ok;

	here.offset = 0;
	if (o->fallback == NULL && !zero_fits(o))
		fault = memory_copy("it has no default, and 0 is out of its "
				    "range");
	/* a map's default may name a file, which need not be here now */
	ok = o->type == MR_MAP ? store_fallback(a, o, &texts)
			       : store_default(&s, &here, &member, &why);
	if (fault == NULL && !ok)
		fault = memory_printf(
		    "its default is bad: %s", why != NULL ? why : "not a list");
	free(why);
	arena_destroy(&a);
	return fault;
}
