/* SPDX-License-Identifier: Apache-2.0 */
/* The one without a library: by words that a text must hold. */
#include <stdlib.h>

#include "literal.h"
#include "prefilter.h"
#include "words.h"

const char prefilter_kind[] = "words";

struct prefilter {
	struct words *words;
};

static bool
add(struct words *words, const struct prefilter_entry *e)
{
	struct literals l;

	if (!regex_literals(e->regex, &l))
		return false;
	for (size_t i = 0; i < l.count; i++)
		words_add(words, l.items[i].text, l.items[i].n, e->id);
	return true;
}

struct prefilter *
prefilter_create(struct prefilter_entry *entries, size_t count)
{
	struct prefilter *f = calloc(1, sizeof(*f));
	size_t known = 0;

	if (f == NULL)
		abort();
	f->words = words_create();
	for (size_t i = 0; i < count; i++) {
		entries[i].always = !add(f->words, &entries[i]);
		known += !entries[i].always;
	}
	if (known > 0)
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
	free(*prefilter);
	*prefilter = NULL;
}

void
prefilter_scan(struct prefilter *f, const char *text, size_t n, bool *seen)
{
	words_scan(f->words, text, n, seen);
}
