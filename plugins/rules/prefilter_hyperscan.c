/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one that looks for the patterns themselves.  Hyperscan takes them in
 * its prefilter mode, in which it finds too much rather than too little, and
 * as bytes: what it knows of Unicode is older than what PCRE2 knows, and it
 * may not be given text that is no UTF-8.  A pattern that it cannot take, or
 * might read in another way, is looked for by the words that it needs.
 */
#include <hs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "literal.h"
#include "portable.h"
#include "prefilter.h"

const char prefilter_kind[] = "Hyperscan";

struct prefilter {
	/* Mostly one; patterns that are too many for one have several. */
	hs_database_t **databases;
	size_t ndatabases;
	uint32_t *ids;
	size_t nids;
	pthread_mutex_t lock; /* guards what threads have left for others */
	hs_scratch_t **scratch;
	size_t nscratch, room;
};

/* What is to be compiled, item by item. */
struct expressions {
	char **texts;
	unsigned *flags, *ids;
	struct prefilter_entry **entries;
	size_t count;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* --- patterns to expressions --- */

static unsigned
flags_of(const struct regex_text *t)
{
	return HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY |
	       (t->caseless ? HS_FLAG_CASELESS : 0) |
	       (t->multiline ? HS_FLAG_MULTILINE : 0) |
	       (t->dotall ? HS_FLAG_DOTALL : 0);
}

static bool
is_taken(const char *text, unsigned flags)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	bool ok = hs_expression_info(text, flags, &info, &error) == HS_SUCCESS;

	free(info);
	hs_free_compile_error(error);
	return ok;
}

/* "\x66\x72\x65\x65|..." */
static char *
alternatives(const struct literals *l)
{
	static const char digits[] = "0123456789abcdef";
	char *text = must(malloc(l->count * (4 * LITERAL_LONGEST + 1) + 1));
	char *p = text;

	for (size_t i = 0; i < l->count; i++) {
		if (i > 0)
			*p++ = '|';
		for (size_t k = 0; k < l->items[i].n; k++) {
			unsigned char c = (unsigned char)l->items[i].text[k];

			*p++ = '\\';
			*p++ = 'x';
			*p++ = digits[c >> 4];
			*p++ = digits[c & 15];
		}
	}
	*p = '\0';
	return text;
}

/* NULL: nothing can be told of it. */
static char *
express(const struct regex *regex, unsigned *flags)
{
	const struct regex_text *t = regex_text(regex);
	struct literals l[LITERAL_SETS];

	*flags = flags_of(t);
	if (!t->utf && !t->extended && portable_pattern(t->p, t->n) &&
	    is_taken(t->p, *flags))
		return must(strdup(t->p));
	*flags = HS_FLAG_SINGLEMATCH | HS_FLAG_CASELESS;
	return regex_literals(regex, l) ? alternatives(&l[0]) : NULL;
}

static void
add(struct expressions *e, struct prefilter_entry *entry)
{
	char *text = express(entry->regex, &e->flags[e->count]);

	entry->always = text == NULL;
	if (text == NULL)
		return;
	e->texts[e->count] = text;
	e->ids[e->count] = entry->id;
	e->entries[e->count++] = entry;
}

static void
expressions_init(struct expressions *e, size_t most)
{
	e->texts = must(calloc(most, sizeof(*e->texts)));
	e->flags = must(calloc(most, sizeof(*e->flags)));
	e->ids = must(calloc(most, sizeof(*e->ids)));
	e->entries = must(calloc(most, sizeof(*e->entries)));
	e->count = 0;
}

static void
expressions_finish(struct expressions *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->texts[i]);
	free(e->texts);
	free(e->flags);
	free(e->ids);
	free(e->entries);
}

/* --- expressions to databases --- */

static void
keep(struct prefilter *f, hs_database_t *database)
{
	f->databases = must(reallocarray(
	    f->databases, f->ndatabases + 1, sizeof(*f->databases)));
	f->databases[f->ndatabases++] = database;
}

/* False and *fault: the expression that is to blame; -1: no single one. */
static bool
compile(struct prefilter *f, const struct expressions *e, size_t from, size_t n,
    int *fault)
{
	hs_database_t *database = NULL;
	hs_compile_error_t *error = NULL;

	if (hs_compile_multi((const char *const *)e->texts + from,
		e->flags + from, e->ids + from, (unsigned)n, HS_MODE_BLOCK,
		NULL, &database, &error) == HS_SUCCESS) {
		keep(f, database);
		return true;
	}
	/* A processor that Hyperscan does not run on has no such error. */
	*fault = error != NULL ? error->expression : -1;
	hs_free_compile_error(error);
	return false;
}

static void
exchange(struct expressions *e, size_t a, size_t b)
{
	char *text = e->texts[a];
	unsigned flags = e->flags[a], id = e->ids[a];
	struct prefilter_entry *entry = e->entries[a];

	e->texts[a] = e->texts[b];
	e->flags[a] = e->flags[b];
	e->ids[a] = e->ids[b];
	e->entries[a] = e->entries[b];
	e->texts[b] = text;
	e->flags[b] = flags;
	e->ids[b] = id;
	e->entries[b] = entry;
}

/* One at fault is left out; too many of them are halved. */
static void
compile_all(struct prefilter *f, struct expressions *e, size_t from, size_t n)
{
	int fault;

	while (n > 0 && !compile(f, e, from, n, &fault)) {
		if (fault < 0 && n > 1) {
			compile_all(f, e, from, n / 2);
			compile_all(f, e, from + n / 2, n - n / 2);
			return;
		}
		n--;
		exchange(e, from + n, from + (fault < 0 ? 0 : (size_t)fault));
		e->entries[from + n]->always = true;
	}
}

static void
know(struct prefilter *f, const struct prefilter_entry *entries, size_t count)
{
	f->ids = must(calloc(count, sizeof(*f->ids)));
	for (size_t i = 0; i < count; i++)
		if (!entries[i].always)
			f->ids[f->nids++] = entries[i].id;
}

struct prefilter *
prefilter_create(struct prefilter_entry *entries, size_t count)
{
	struct prefilter *f = must(calloc(1, sizeof(*f)));
	struct expressions e;

	pthread_mutex_init(&f->lock, NULL);
	expressions_init(&e, count);
	for (size_t i = 0; i < count; i++)
		add(&e, &entries[i]);
	compile_all(f, &e, 0, e.count);
	expressions_finish(&e);
	know(f, entries, count);
	if (f->nids == 0)
		prefilter_destroy(&f);
	return f;
}

void
prefilter_destroy(struct prefilter **prefilter)
{
	struct prefilter *f = *prefilter;

	if (f == NULL)
		return;
	for (size_t i = 0; i < f->nscratch; i++)
		hs_free_scratch(f->scratch[i]);
	for (size_t i = 0; i < f->ndatabases; i++)
		hs_free_database(f->databases[i]);
	pthread_mutex_destroy(&f->lock);
	free(f->scratch);
	free(f->databases);
	free(f->ids);
	free(f);
	*prefilter = NULL;
}

/* --- scans --- */

static hs_scratch_t *
take_scratch(struct prefilter *f)
{
	hs_scratch_t *s = NULL;
	bool taken;

	pthread_mutex_lock(&f->lock);
	if ((taken = f->nscratch > 0))
		s = f->scratch[--f->nscratch];
	pthread_mutex_unlock(&f->lock);
	/* As many as there are threads, each large enough for all. */
	for (size_t i = 0; !taken && i < f->ndatabases; i++)
		if (hs_alloc_scratch(f->databases[i], &s) != HS_SUCCESS)
			abort();
	return s;
}

static void
leave_scratch(struct prefilter *f, hs_scratch_t *s)
{
	pthread_mutex_lock(&f->lock);
	if (f->nscratch == f->room) {
		f->room = 2 * f->room + 4;
		f->scratch = must(
		    reallocarray(f->scratch, f->room, sizeof(*f->scratch)));
	}
	f->scratch[f->nscratch++] = s;
	pthread_mutex_unlock(&f->lock);
}

static int
on_match(unsigned id, unsigned long long from, unsigned long long to,
    unsigned flags, void *arg)
{
	bool *seen = arg;

	(void)from;
	(void)to;
	(void)flags;
	seen[id] = true;
	return 0;
}

void
prefilter_scan(struct prefilter *f, const char *text, size_t n, bool *seen)
{
	hs_scratch_t *s = take_scratch(f);
	bool ok = n > 0 && n <= UINT32_MAX;

	for (size_t i = 0; ok && i < f->ndatabases; i++)
		ok = hs_scan(f->databases[i], text, (unsigned)n, 0, s, on_match,
			 seen) == HS_SUCCESS;
	leave_scratch(f, s);
	/* What was not looked for is tried. */
	for (size_t i = 0; !ok && i < f->nids; i++)
		seen[f->ids[i]] = true;
}
