/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <string.h>

/* RFC 9989, 4.10, step 4: from longer names the walk jumps to so many. */
enum { LABELS = WALK_QUERIES - 1 };

static size_t
count_labels(const char *domain)
{
	size_t n = 1;

	for (; *domain != '\0'; domain++)
		n += *domain == '.';
	return n;
}

static const char *
parent(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot != NULL ? dot + 1 : NULL;
}

const char *
walk_next(const char *domain)
{
	size_t n = count_labels(domain);

	do {
		domain = parent(domain);
		n--;
	} while (n > LABELS);
	return domain;
}

/* The part of start that is one label longer than domain. */
static const char *
one_below(const char *start, const char *domain)
{
	const char *p = domain - 1;

	while (p > start && p[-1] != '.')
		p--;
	return p;
}

struct step {
	const char *domain;
	struct walk_answer answer;
};

/* RFC 9989, 4.10.2.  psd=n has ended the walk, so it is the highest. */
static const char *
select_org(const char *start, const struct step *last, const char *highest)
{
	const struct record *r = last->answer.record;

	if (r != NULL && r->psd == PSD_YES && last->domain != start)
		return one_below(start, last->domain);
	return highest != NULL ? highest : start;
}

static struct walk
tree_walk(const struct walk_source *src, const char *start)
{
	struct walk w = { 0 };
	const struct record *records[WALK_QUERIES];
	const char *names[WALK_QUERIES], *highest = NULL;
	struct step step = { start, { 0 } };
	size_t n = 0;

	for (const char *d = start; d != NULL; d = walk_next(d)) {
		step = (struct step){ d, src->look(src->arg, d) };
		if (step.answer.failure != NULL) {
			w.failure = step.answer.failure;
			w.failed = d;
			break;
		}
		names[n] = d;
		records[n++] = step.answer.record;
		if (step.answer.record == NULL)
			continue;
		highest = d;
		if (step.answer.record->psd != PSD_UNKNOWN)
			break;
	}
	if (w.failure == NULL)
		w.org = select_org(start, &step, highest);
	/* 4.10.1: its own, that of its organization, of the public suffix */
	if (n > 0 && records[0] != NULL) {
		w.record = records[0];
		w.policy_domain = names[0];
		return w;
	}
	for (size_t i = 0; i < n && w.org != NULL; i++)
		if (records[i] != NULL &&
		    (names[i] == w.org || records[i]->psd == PSD_YES)) {
			w.record = records[i];
			w.policy_domain = names[i];
			break;
		}
	return w;
}

/* RFC 7489, 3.2 and 6.6.3. */
static struct walk
list_walk(const struct walk_source *src, const char *start)
{
	const char *org = src->registered(src->arg, start);
	struct walk w = { .org = org != NULL ? org : start };
	const char *ask[] = { start, w.org };

	for (size_t i = 0; i < 2; i++) {
		struct walk_answer a = src->look(src->arg, ask[i]);

		if (a.failure != NULL) {
			w.failure = a.failure;
			w.failed = ask[i];
			return w;
		}
		if (a.record != NULL) {
			w.record = a.record;
			w.policy_domain = ask[i];
			return w;
		}
		if (strcmp(start, w.org) == 0)
			break;
	}
	return w;
}

struct walk
walk_domain(const struct walk_source *src, const char *domain)
{
	return src->registered != NULL ? list_walk(src, domain)
				       : tree_walk(src, domain);
}
