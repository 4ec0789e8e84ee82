/* SPDX-License-Identifier: Apache-2.0 */
/* A set of rules: from files to what can be matched. */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"

enum { ERRORS_SHOWN = 20, FILE_MOST = 16 << 20, FEW = 4 };

void
rules_error(
    struct rules *r, const char *file, unsigned line, const char *format, ...)
{
	char *text, *all;
	va_list args;

	if (r->nerrors++ >= ERRORS_SHOWN)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) == -1)
		abort();
	va_end(args);
	if (asprintf(&all, "%s%s%s:%u: %s", r->errors != NULL ? r->errors : "",
		r->errors != NULL ? "\n" : "", file, line, text) == -1)
		abort();
	free(text);
	free(r->errors);
	r->errors = all;
}

/* --- names --- */

static size_t
hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static uint32_t *
slot(const struct rules *r, const char *name)
{
	for (size_t i = hash(name);; i++) {
		uint32_t *s = &r->by_name[i % r->slots];

		if (*s == 0 || strcmp(r->items[*s - 1].name, name) == 0)
			return s;
	}
}

static void
index_again(struct rules *r)
{
	r->slots = r->slots > 0 ? 4 * r->slots : 256;
	r->by_name = pool_alloc(&r->pool, r->slots * sizeof(*r->by_name));
	for (size_t i = 0; i < r->count; i++)
		*slot(r, r->items[i].name) = (uint32_t)i + 1;
}

/* The index is at most half full. */
struct rule *
rules_add(struct rules *r, const char *name)
{
	if (2 * r->count >= r->slots)
		index_again(r);
	r->items = pool_grow(&r->pool, r->items, r->count, sizeof(*r->items));
	r->items[r->count].name = name;
	r->count++;
	*slot(r, name) = (uint32_t)r->count;
	return &r->items[r->count - 1];
}

int32_t
rules_find(const struct rules *r, const char *name)
{
	return r->slots > 0 ? (int32_t)*slot(r, name) - 1 : -1;
}

/* --- files --- */

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n = 0, room = 0;

	if (f == NULL)
		return NULL;
	for (;;) {
		if (room - n < 65536) {
			room = 2 * room + 65537;
			if ((text = realloc(text, room)) == NULL)
				abort();
		}
		size_t got = fread(text + n, 1, 65536, f);

		n += got;
		if (got == 0 || n > FILE_MOST)
			break;
	}
	if (ferror(f)) {
		free(text);
		text = NULL;
	} else {
		text[n] = '\0';
	}
	fclose(f);
	return text;
}

static void
load_file(struct rules *r, const char *path)
{
	char *text;

	errno = 0;
	if ((text = read_file(path)) == NULL) {
		rules_error(r, path, 0, "%s", strerror(errno));
		return;
	}
	rules_parse(r, path, text);
	free(text);
}

void
rules_load(struct rules *r, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		glob_t found;

		if (glob(names[i], 0, NULL, &found) != 0) {
			rules_error(r, names[i], 0,
			    "there is no such file, or it cannot be read");
			continue;
		}
		for (size_t k = 0; k < found.gl_pathc; k++)
			load_file(r, found.gl_pathv[k]);
		globfree(&found);
	}
}

/* --- what makes it fast --- */

static bool
wants_prefilter(const struct source *s)
{
	return s->kind != SOURCE_NOTE && s->kind != SOURCE_FINDING &&
	       s->kind != SOURCE_ENVELOPE;
}

/* One for all patterns of a source, if there are more than a few. */
static void
build_prefilter(
    struct rules *r, uint32_t source, struct prefilter_entry *entries)
{
	struct source *s = &r->sources[source];
	size_t n = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		struct rule *rule = &r->items[i];

		if (rule->kind != RULE_PATTERN || rule->source != source)
			continue;
		rule->always = true;
		entries[n++] =
		    (struct prefilter_entry){ i, rule->regex, false };
	}
	if (n < FEW || !wants_prefilter(s))
		return;
	s->prefilter = prefilter_create(entries, n);
	for (size_t i = 0; i < n; i++)
		r->items[entries[i].id].always = entries[i].always;
}

static void
build_prefilters(struct rules *r)
{
	struct prefilter_entry *room =
	    pool_alloc(&r->pool, (r->count + 1) * sizeof(*room));

	for (uint32_t i = 0; i < r->nsources; i++)
		build_prefilter(r, i, room);
}

/* --- metas --- */

static void
bind(struct rules *r, struct rule *rule)
{
	rule->refers = pool_alloc(
	    &r->pool, (rule->expr->nnames + 1) * sizeof(*rule->refers));
	for (size_t i = 0; i < rule->expr->nnames; i++)
		rule->refers[i] = rules_find(r, rule->expr->names[i]);
}

/* 0: not seen, 1: on the way, 2: done.  False: it refers to itself. */
static bool
is_sound(
    const struct rules *r, uint32_t index, unsigned char *seen, unsigned depth)
{
	const struct rule *rule = &r->items[index];

	if (rule->kind != RULE_META || seen[index] == 2)
		return true;
	if (seen[index] == 1 || depth > 200)
		return false;
	seen[index] = 1;
	for (size_t i = 0; i < rule->expr->nnames; i++)
		if (rule->refers[i] >= 0 &&
		    !is_sound(r, (uint32_t)rule->refers[i], seen, depth + 1))
			return false;
	seen[index] = 2;
	return true;
}

static void
bind_metas(struct rules *r)
{
	unsigned char *seen = pool_alloc(&r->pool, r->count + 1);

	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].kind == RULE_META && r->items[i].expr != NULL)
			bind(r, &r->items[i]);
	if (r->nerrors > 0)
		return;
	for (uint32_t i = 0; i < r->count; i++)
		if (!is_sound(r, i, seen, 0)) {
			rules_error(r, r->items[i].file, r->items[i].line,
			    "meta: rule %s refers to itself, maybe by way of "
			    "others",
			    r->items[i].name);
			return;
		}
}

void
rules_finish_loading(struct rules *r)
{
	bind_metas(r);
	if (r->nerrors == 0)
		build_prefilters(r);
}

void
rules_finish(struct rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		regex_destroy(&r->items[i].regex);
	for (size_t i = 0; i < r->nsources; i++)
		prefilter_destroy(&r->sources[i].prefilter);
	free(r->errors);
	pool_finish(&r->pool);
}
