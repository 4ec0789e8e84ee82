/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* Where words end: a state's own, and then those of its suffixes. */
struct word {
	uint32_t id;
	uint32_t next; /* 1 + index; 0: none */
};

struct words {
	/*
	 * Bytes that no word has are class 0, letters of both cases one
	 * class: the table of a thousand words stays small.
	 */
	uint8_t class_of[256];
	uint32_t classes;
	uint32_t *next; /* [state * classes + class] */
	uint32_t *fail;
	uint32_t *words; /* 1 + index of the state's first word; 0: none */
	uint32_t states, room;
	struct word *all;
	uint32_t nall;
	/* The words as they came, for the table needs all their classes. */
	struct pending {
		char *text;
		size_t n;
		uint32_t id;
	} * pending;
	size_t npending;
};

static void *
resize(void *p, size_t count, size_t size)
{
	void *grown = reallocarray(p, count, size);

	if (grown == NULL)
		abort();
	return grown;
}

struct words *
words_create(void)
{
	struct words *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	f->classes = 1;
	return f;
}

void
words_destroy(struct words **words)
{
	struct words *f = *words;

	if (f == NULL)
		return;
	for (size_t i = 0; i < f->npending; i++)
		free(f->pending[i].text);
	free(f->pending);
	free(f->next);
	free(f->fail);
	free(f->words);
	free(f->all);
	free(f);
	*words = NULL;
}

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

void
words_add(struct words *f, const char *word, size_t n, uint32_t id)
{
	struct pending *p;

	f->pending = resize(f->pending, f->npending + 1, sizeof(*f->pending));
	p = &f->pending[f->npending++];
	p->text = resize(NULL, n + 1, 1);
	memcpy(p->text, word, n);
	p->n = n;
	p->id = id;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = lower(word[i]);

		if (f->class_of[c] != 0)
			continue;
		f->class_of[c] = (uint8_t)f->classes++;
		if (c >= 'a' && c <= 'z')
			f->class_of[c - 'a' + 'A'] = f->class_of[c];
	}
}

static uint32_t
new_state(struct words *f)
{
	uint32_t s = f->states++;

	if (f->states > f->room) {
		f->room = f->room > 0 ? 2 * f->room : 64;
		f->next = resize(
		    f->next, (size_t)f->room * f->classes, sizeof(*f->next));
		f->fail = resize(f->fail, f->room, sizeof(*f->fail));
		f->words = resize(f->words, f->room, sizeof(*f->words));
	}
	memset(
	    f->next + (size_t)s * f->classes, 0, f->classes * sizeof(*f->next));
	f->fail[s] = f->words[s] = 0;
	return s;
}

static void
insert(struct words *f, const struct pending *p)
{
	uint32_t s = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t at = (size_t)s * f->classes +
			    f->class_of[(unsigned char)p->text[i]];

		if (f->next[at] == 0) {
			uint32_t made = new_state(f); /* moves the table */

			f->next[at] = made;
		}
		s = f->next[at];
	}
	f->all = resize(f->all, f->nall + 1, sizeof(*f->all));
	f->all[f->nall] = (struct word){ p->id, f->words[s] };
	f->words[s] = ++f->nall;
}

/* The words of the suffix come after the state's own. */
static void
append_words(struct words *f, uint32_t state, uint32_t suffix)
{
	uint32_t *end = &f->words[state];

	while (*end != 0)
		end = &f->all[*end - 1].next;
	*end = f->words[suffix];
}

/* Breadth first: a state's suffix is shorter, so it is done before. */
static void
link_states(struct words *f)
{
	uint32_t *queue = resize(NULL, f->states, sizeof(*queue));
	uint32_t from = 0, to = 0;

	for (uint32_t c = 0; c < f->classes; c++)
		if (f->next[c] != 0)
			queue[to++] = f->next[c];
	while (from < to) {
		uint32_t s = queue[from++];
		uint32_t *row = f->next + (size_t)s * f->classes;
		const uint32_t *suffix =
		    f->next + (size_t)f->fail[s] * f->classes;

		append_words(f, s, f->fail[s]);
		for (uint32_t c = 0; c < f->classes; c++) {
			if (row[c] == 0) {
				row[c] = suffix[c];
				continue;
			}
			f->fail[row[c]] = suffix[c];
			queue[to++] = row[c];
		}
	}
	free(queue);
}

void
words_build(struct words *f)
{
	new_state(f);
	for (size_t i = 0; i < f->npending; i++)
		insert(f, &f->pending[i]);
	link_states(f);
	/* What was a byte's class is now all that a scan needs. */
	free(f->fail);
	f->fail = NULL;
}

void
words_scan(const struct words *f, const char *text, size_t n, bool *seen)
{
	const uint32_t *next = f->next;
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++) {
		s = next[(size_t)s * f->classes +
			 f->class_of[(unsigned char)text[i]]];
		for (uint32_t w = f->words[s]; w != 0; w = f->all[w - 1].next)
			seen[f->all[w - 1].id] = true;
	}
}
