/* SPDX-License-Identifier: Apache-2.0 */
#include "process/journal_shorten.h"

#include <string.h>

#include "millrace/plugin.h"

static const struct limits {
	size_t items; /* of each list */
	size_t lists; /* 0: also drop edits, results and remarks */
	size_t text;  /* bytes */
} limits[JOURNAL_SHORTEN_STEPS] = {
	{ 256, 64, 2048 },
	{ 64, 16, 512 },
	{ 16, 4, 128 },
	{ 0, 0, 64 },
};

struct shorten {
	struct arena *arena;
	const struct limits *limits;
};

static const char *
text(const struct shorten *s, const char *t)
{
	size_t n = t != NULL ? strnlen(t, s->limits->text) : 0;

	if (t == NULL || t[n] == '\0')
		return t;
	return arena_copy_span(s->arena, (struct span){ t, n });
}

/* What decided, or would have, counts more than "continue". */
static bool
is_telling(const struct record_step *s)
{
	return s->verdict != MR_CONTINUE && s->verdict != MR_SKIP;
}

static const struct record_step *
steps(const struct shorten *s, const struct record_step *in)
{
	struct record_step *first = NULL, **end = &first;
	size_t plain = 0, telling = 0;

	for (; in != NULL; in = in->next) {
		size_t *count = is_telling(in) ? &telling : &plain;

		if ((*count)++ >= s->limits->items)
			continue;
		*end = arena_alloc(s->arena, sizeof(**end));
		**end = *in;
		(*end)->detail = text(s, in->detail);
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return first;
}

static const struct record_recipient *
recipients(const struct shorten *s, const struct record_recipient *in)
{
	struct record_recipient *first = NULL, **end = &first;

	for (size_t n = 0; in != NULL && n < s->limits->items; n++) {
		*end = arena_alloc(s->arena, sizeof(**end));
		**end = *in;
		(*end)->address = text(s, in->address);
		(*end)->reply.text = text(s, in->reply.text);
		(*end)->next = NULL;
		end = &(*end)->next;
		in = in->next;
	}
	return first;
}

static const struct record_symbol *
symbols(const struct shorten *s, const struct record_symbol *in)
{
	struct record_symbol *first = NULL, **end = &first;

	for (size_t n = 0; in != NULL && n < s->limits->items; n++) {
		*end = arena_alloc(s->arena, sizeof(**end));
		**end = *in;
		(*end)->name = text(s, in->name);
		(*end)->detail = text(s, in->detail);
		(*end)->next = NULL;
		end = &(*end)->next;
		in = in->next;
	}
	return first;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const struct edit *
edits(const struct shorten *s, const struct edit *in, size_t n)
{
	struct edit *out = arena_alloc(s->arena, (n + 1) * sizeof(*out));

	for (size_t i = 0; i < n; i++) {
		out[i] = in[i];
		out[i].name = text(s, in[i].name);
		out[i].value = text(s, in[i].value);
	}
	return out;
}

static const char *const *
lines(const struct shorten *s, const char *const *in, size_t n)
{
	const char **out = arena_alloc(s->arena, (n + 1) * sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = text(s, in[i]);
	return out;
}

static void
shorten_texts(const struct shorten *s, struct record *r)
{
	const char **const all[] = { &r->id, &r->queue_id, &r->listener,
		&r->client_addr, &r->client_name, &r->helo, &r->login, &r->tls,
		&r->sender, &r->header_from, &r->message_id, &r->by,
		&r->reply.text };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		*all[i] = text(s, *all[i]);
}

const struct record *
journal_shorten(struct arena *arena, const struct record *in, unsigned strength)
{
	const struct shorten s = { arena, &limits[strength] };
	struct record *r = arena_alloc(arena, sizeof(*r));

	*r = *in;
	shorten_texts(&s, r);
	r->steps = steps(&s, in->steps);
	r->recipients = recipients(&s, in->recipients);
	r->symbols = symbols(&s, in->symbols);
	r->nedits = least(in->nedits, s.limits->lists);
	r->edits = edits(&s, in->edits, r->nedits);
	r->nobserved = least(in->nobserved, s.limits->lists);
	r->observed_edits = lines(&s, in->observed_edits, r->nobserved);
	r->nconflicts = least(in->nconflicts, s.limits->lists);
	r->conflicts = lines(&s, in->conflicts, r->nconflicts);
	r->nauth = least(in->nauth, s.limits->lists);
	return r;
}
