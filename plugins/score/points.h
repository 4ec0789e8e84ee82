/* SPDX-License-Identifier: Apache-2.0 */
/* From findings to points: weights, and groups that count up to a cap.  Pure.
 */
#ifndef SCORE_POINTS_H
#define SCORE_POINTS_H

#include <stdbool.h>
#include <stddef.h>

enum { POINTS_MOST = 1000, POINTS_GROUPS = 32 };

/* "PATTERN 2.5", or "PATTERN x0.5": times what the instance gave. */
struct weight {
	const char *pattern;
	size_t n;
	double value;
	bool factor;
};

/* "NAME CAP PATTERN ...": together they add at most CAP. */
struct group {
	const char *name;
	size_t name_n;
	double cap;
	const char *patterns; /* apart by blanks */
};

struct points_rules {
	struct weight *weights;
	size_t nweights;
	struct group *groups;
	size_t ngroups;
};

/* NULL, or what is wrong and how to mend it. */
const char *points_parse_weight(const char *text, struct weight *);
const char *points_parse_group(const char *text, struct group *);

/* The points of one finding; the first weight whose pattern fits counts. */
double points_of(const struct points_rules *, const char *name, double score);

struct points {
	double total;
	double positive[POINTS_GROUPS]; /* so far, of each group */
};

/*
 * Add a finding.  Returns what it adds to the total: less than its points, if
 * its group is full.  The first group that has it counts.
 */
double points_add(const struct points_rules *, struct points *,
    const char *name, double points);

#endif
