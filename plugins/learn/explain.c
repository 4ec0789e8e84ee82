/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMED = 4, LONGEST = 32 };

/* A unit, with all that others of the same text weigh. */
struct weighed {
	const struct unit *unit;
	double weight;
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

/* The texts last: most differ in their lengths. */
static int
by_text(const void *a, const void *b)
{
	const struct unit *x = ((const struct weighed *)a)->unit;
	const struct unit *y = ((const struct weighed *)b)->unit;
	int order = (int)x->kind - (int)y->kind;

	if (order == 0)
		order = (x->length > y->length) - (x->length < y->length);
	if (order == 0)
		order = strncasecmp(x->text, y->text, x->length);
	return order;
}

static int
by_weight(const void *a, const void *b)
{
	double x = ((const struct weighed *)a)->weight;
	double y = ((const struct weighed *)b)->weight;

	return (x < y) - (x > y);
}

/* The same word twice is one reason. */
static size_t
merge(struct weighed *w, size_t n)
{
	size_t kept = 0;

	qsort(w, n, sizeof(*w), by_text);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && by_text(&w[kept - 1], &w[i]) == 0)
			w[kept - 1].weight += w[i].weight;
		else
			w[kept++] = w[i];
	}
	return kept;
}

static size_t
weigh(const struct model *m, const struct features *f, struct weighed *w)
{
	double values[UNIT_KINDS];
	size_t n = 0;

	for (int kind = 0; kind < UNIT_KINDS; kind++)
		values[kind] = model_value(f, (enum unit_kind)kind);
	for (uint32_t i = 0; i < f->nunits; i++)
		w[i] = (struct weighed){ &f->units[i], 0 };
	for (uint32_t i = 0; i < f->count; i++)
		w[f->origins[i]].weight +=
		    values[f->units[f->origins[i]].kind] *
		    (double)m->weights[f->numbers[i]];
	/* Raw bytes have no name. */
	for (uint32_t i = 0; i < f->nunits; i++)
		if (w[i].unit->length > 0)
			w[n++] = w[i];
	return merge(w, n);
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
put_side(char *out, size_t size, size_t *n, const char *title,
    const struct weighed *w, size_t count, int direction)
{
	for (size_t i = 0; i < count && i < NAMED; i++) {
		const struct weighed *one =
		    direction > 0 ? &w[i] : &w[count - 1 - i];

		if (one->weight * direction < 0.01)
			break;
		put(out, size, n, "%s", i == 0 ? title : ", ");
		put_unit(out, size, n, one);
	}
}

void
explain(const struct model *m, const struct features *f, double log_odds,
    char *out, size_t size)
{
	struct weighed *w = calloc(f->nunits + 1, sizeof(*w));
	size_t n = 0, count;

	put(out, size, &n, "p=%.3f", 1 / (1 + exp(-log_odds)));
	if (w == NULL)
		return;
	count = weigh(m, f, w);
	qsort(w, count, sizeof(*w), by_weight);
	put_side(out, size, &n, "; spam: ", w, count, 1);
	put_side(out, size, &n, "; ham: ", w, count, -1);
	free(w);
}
