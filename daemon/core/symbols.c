/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: of a message, and of a session for each of its messages. */
#include "core/scope.h"

void
symbols_init(struct symbols *s)
{
	s->first = NULL;
	s->end = &s->first;
}

void
symbols_add(
    struct symbols *s, struct arena *arena, const struct record_symbol *symbol)
{
	struct record_symbol *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *symbol;
	copy->next = NULL;
	*s->end = copy;
	s->end = &copy->next;
}

struct symbols *
symbols_here(struct session *s)
{
	return s->message != NULL ? &s->message->symbols : &s->symbols;
}

void
symbols_cut(struct symbols *s, enum stage stage)
{
	s->end = &s->first;
	while (*s->end != NULL && (*s->end)->stage == stage)
		s->end = &(*s->end)->next;
	*s->end = NULL;
}

double
symbols_score(const struct symbols *s, bool all)
{
	double sum = 0;

	for (const struct record_symbol *i = s->first; i != NULL; i = i->next)
		if (all || !i->observed)
			sum += i->score;
	return sum;
}
