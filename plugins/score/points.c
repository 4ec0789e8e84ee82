/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <stdlib.h>
#include <string.h>

#include <millrace/glob.h>

static bool
number(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && (*end == '\0' || *end == ' ' || *end == '\t') &&
	       *value >= -POINTS_MOST && *value <= POINTS_MOST;
}

const char *
points_parse_weight(const char *text, struct weight *w)
{
	size_t n = strcspn(text, " \t");
	const char *value = text + n + strspn(text + n, " \t");
	struct weight read = { .pattern = text, .n = n };

	read.factor = *value == 'x';
	value += read.factor;
	if (n == 0 || !number(value, &read.value) ||
	    value[strcspn(value, " \t")] != '\0')
		return "is not a finding and its points, as in "
		       "\"SPF_FAIL 2.5\" or \"DNSBL_* x0.5\"";
	*w = read;
	return NULL;
}

const char *
points_parse_group(const char *text, struct group *g)
{
	size_t n = strcspn(text, " \t");
	const char *cap = text + n + strspn(text + n, " \t");
	const char *patterns = cap + strcspn(cap, " \t");
	struct group read = { .name = text, .name_n = n };

	read.patterns = patterns + strspn(patterns, " \t");
	if (n == 0 || !number(cap, &read.cap) || read.cap < 0 ||
	    *read.patterns == '\0')
		return "is not a name, the most points and the findings, as "
		       "in \"lists 6 DNSBL_* URIBL_*\"";
	*g = read;
	return NULL;
}

double
points_of(const struct points_rules *r, const char *name, double score)
{
	for (size_t i = 0; i < r->nweights; i++) {
		const struct weight *w = &r->weights[i];

		if (mr_glob(w->pattern, w->n, name, strlen(name)))
			return w->factor ? w->value * score : w->value;
	}
	return score;
}

static bool
is_in(const struct group *g, const char *name)
{
	const char *p = g->patterns;

	while (*p != '\0') {
		size_t n = strcspn(p, " \t");

		if (mr_glob(p, n, name, strlen(name)))
			return true;
		p += n;
		p += strspn(p, " \t");
	}
	return false;
}

double
points_add(const struct points_rules *r, struct points *p, const char *name,
    double points)
{
	for (size_t i = 0; points > 0 && i < r->ngroups; i++) {
		double room;

		if (!is_in(&r->groups[i], name))
			continue;
		room = r->groups[i].cap - p->positive[i];
		if (points > room)
			points = room > 0 ? room : 0;
		p->positive[i] += points;
		break;
	}
	p->total += points;
	return points;
}
