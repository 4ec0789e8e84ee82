/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

#define NEAREST_MAX 48 /* longer names are not compared */

static char
lower(char c)
{
	if (c == '_')
		return '-';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters were added, left out, changed, or swapped with the next
 * one.  Both names are shorter than NEAREST_MAX.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *older = rows[0], *old = rows[1], *new = rows[2];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		old[j] = older[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = older;

		new[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			char ca = lower(a[i - 1]), cb = lower(b[j - 1]);

			new[j] = least(old[j - 1] + (ca != cb),
			    least(old[j], new[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) &&
			    cb == lower(a[i - 2]))
				new[j] = least(new[j], older[j - 2] + 1);
		}
		older = old;
		old = new;
		new = spare;
	}
	return old[nb];
}

void
nearest_offer(struct nearest *n, const char *name)
{
	size_t length = strlen(n->wrong);
	size_t d;

	if (length == 0 || length >= NEAREST_MAX || strlen(name) >= NEAREST_MAX)
		return;
	d = distance(n->wrong, name);
	/* A third of the letters wrong: then it is another word. */
	if (d > (length + 2) / 3 || d >= length)
		return;
	if (n->best == NULL || d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}
