/* SPDX-License-Identifier: Apache-2.0 */
/* The one without a library: by words that a text must hold. */
#include <stdlib.h>

#include "literal.h"
#include "prefilter.h"
#include "words.h"

const char prefilter_kind[] = "words";

/* The words of a pattern's sets stand for 2 * its index, and 2 * that + 1. */
struct needs {
	uint32_t id;
	bool second;
};

struct prefilter {
	struct words *words;
	struct needs *needs;
	uint32_t count;
};

static void
add_set(struct words *words, const struct literals *l, uint32_t id)
{
	for (size_t i = 0; i < l->count; i++)
		words_add(words, l->items[i].text, l->items[i].n, id);
}

static bool
add(struct prefilter *f, const struct prefilter_entry *e)
{
	struct literals l[LITERAL_SETS];

	if (!regex_literals(e->regex, l))
		return false;
	add_set(f->words, &l[0], 2 * f->count);
	add_set(f->words, &l[1], 2 * f->count + 1);
	f->needs[f->count++] = (struct needs){ e->id, l[1].count > 0 };
	return true;
}

struct prefilter *
prefilter_create(struct prefilter_entry *entries, size_t count)
{
	struct prefilter *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	f->words = words_create();
	f->needs = calloc(count + 1, sizeof(*f->needs));
	if (f->needs == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		entries[i].always = !add(f, &entries[i]);
	if (f->count > 0)
		words_build(f->words);
	else
		prefilter_destroy(&f);
	return f;
}

void
prefilter_destroy(struct prefilter **prefilter)
{
	if (*prefilter == NULL)
		return;
	words_destroy(&(*prefilter)->words);
	free((*prefilter)->needs);
	free(*prefilter);
	*prefilter = NULL;
}

void
prefilter_scan(struct prefilter *f, const char *text, size_t n, bool *seen)
{
	bool *found = calloc(f->count, 2 * sizeof(*found));

	if (found == NULL)
		abort();
	words_scan(f->words, text, n, found);
	for (uint32_t i = 0; i < f->count; i++)
		if (found[2 * i] && (!f->needs[i].second || found[2 * i + 1]))
			seen[f->needs[i].id] = true;
	free(found);
}
