/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMED = 4, BEST = 2 * NAMED, LONGEST = 32 };

struct weighed {
	const struct unit *unit;
	double weight;
};

/* What speaks most for one side, the most first. */
struct side {
	int sign; /* of its weights */
	struct weighed best[BEST];
	size_t n;
};

static void __attribute__((format(printf, 4, 5)))
put(char *out, size_t size, size_t *n, const char *format, ...)
{
	va_list ap;
	int written;

	if (*n + 1 >= size)
		return;
	va_start(ap, format);
	written = vsnprintf(out + *n, size - *n, format, ap);
	va_end(ap);
	*n += written > 0 ? (size_t)written : 0;
	if (*n >= size)
		*n = size - 1;
}

static bool
is_same(const struct unit *a, const struct unit *b)
{
	return a->kind == b->kind && a->length == b->length &&
	       strncasecmp(a->text, b->text, a->length) == 0;
}

/* Where the unit's text is already, or the end. */
static size_t
place_of(const struct side *s, const struct unit *unit)
{
	size_t i = 0;

	while (i < s->n && !is_same(s->best[i].unit, unit))
		i++;
	return i;
}

/*
 * The same word twice is one reason; what it weighs is nearly all with the
 * first, to which its features were counted.
 */
static void
offer(struct side *s, struct weighed w)
{
	size_t i;

	if (w.weight * s->sign <= 0 ||
	    (s->n == BEST &&
		w.weight * s->sign <= s->best[BEST - 1].weight * s->sign))
		return;
	i = place_of(s, w.unit);
	if (i < s->n)
		w.weight += s->best[i].weight;
	else if (s->n < BEST)
		s->n++;
	else
		i = BEST - 1;
	for (; i > 0 && s->best[i - 1].weight * s->sign < w.weight * s->sign;
	     i--)
		s->best[i] = s->best[i - 1];
	s->best[i] = w;
}

/* What each unit weighs: as many as there are units, in w. */
static void
weigh(const struct model *m, const struct features *f, double *w)
{
	double values[UNIT_KINDS];

	for (int kind = 0; kind < UNIT_KINDS; kind++)
		values[kind] = model_value(f, (enum unit_kind)kind);
	for (uint32_t i = 0; i < f->count; i++)
		w[f->origins[i]] += values[f->units[f->origins[i]].kind] *
				    (double)m->weights[f->numbers[i]];
}

static void
put_unit(char *out, size_t size, size_t *n, const struct weighed *w)
{
	char name[LONGEST + 1];
	uint32_t length = w->unit->length;

	if (length > LONGEST)
		length = LONGEST;
	for (uint32_t i = 0; i < length; i++) {
		char c = w->unit->text[i];

		name[i] = c > ' ' && c <= '~' && c != ',' && c != ';' ? c : '?';
	}
	name[length] = '\0';
	put(out, size, n, "%s%s %+.2f",
	    w->unit->kind == UNIT_FIELD ? "header " : "", name, w->weight);
}

static void
put_side(
    char *out, size_t size, size_t *n, const char *title, const struct side *s)
{
	for (size_t i = 0; i < s->n && i < NAMED; i++) {
		if (s->best[i].weight * s->sign < 0.01)
			break;
		put(out, size, n, "%s", i == 0 ? title : ", ");
		put_unit(out, size, n, &s->best[i]);
	}
}

void
explain(const struct model *m, const struct features *f, double log_odds,
    char *out, size_t size)
{
	double *w = calloc(f->nunits + 1, sizeof(*w));
	struct side spam = { .sign = 1 }, ham = { .sign = -1 };
	size_t n = 0;

	put(out, size, &n, "p=%.3f", 1 / (1 + exp(-log_odds)));
	if (w == NULL)
		return;
	weigh(m, f, w);
	for (uint32_t i = 0; i < f->nunits; i++) {
		if (f->units[i].length == 0)
			continue; /* raw bytes have no name */
		offer(&spam, (struct weighed){ &f->units[i], w[i] });
		offer(&ham, (struct weighed){ &f->units[i], w[i] });
	}
	put_side(out, size, &n, "; spam: ", &spam);
	put_side(out, size, &n, "; ham: ", &ham);
	free(w);
}
