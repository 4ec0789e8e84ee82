/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <stdio.h>
#include <string.h>

enum { STARS = 50, WIDTH = 70, NAME = 64 };

bool
field_name_ok(const char *name)
{
	const char *p = name;

	while (*p > ' ' && *p <= '~' && *p != ':')
		p++;
	return *p == '\0' && p > name;
}

void
field_level(double points, char out[52])
{
	int n = points < 0 ? 0 : points > STARS ? STARS : (int)points;

	memset(out, '*', (size_t)n);
	out[n] = '\0';
}

bool
field_report_add(struct report *r, const char *name, double points)
{
	char text[NAME + 32];
	bool fold;
	int n = snprintf(text, sizeof(text), "%.*s %.2f", NAME, name, points);

	for (char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (r->n + (size_t)n + 4 > r->size)
		return false;
	fold = r->column + (size_t)n + 2 > WIDTH;
	if (r->n > 0)
		r->n += (size_t)snprintf(
		    r->p + r->n, r->size - r->n, fold ? ",\n\t" : ", ");
	memcpy(r->p + r->n, text, (size_t)n + 1);
	r->n += (size_t)n;
	r->column = fold ? 8 + (size_t)n : r->column + (size_t)n + 2;
	return true;
}
