/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the names of signatures mean here: "Heuristics.* score 5".  Pure.
 */
#ifndef CLAMAV_RULE_H
#define CLAMAV_RULE_H

#include <stdbool.h>
#include <stdint.h>

#define RULE_ACTIONS "accept|score|quarantine|discard|tempfail|reject"

enum rule_action {
	RULE_ACCEPT,
	RULE_SCORE,
	RULE_QUARANTINE,
	RULE_DISCARD,
	RULE_TEMPFAIL,
	RULE_REJECT,
};

enum { RULE_PATTERN = 128 };

struct rule {
	char pattern[RULE_PATTERN + 1]; /* glob, any case */
	enum rule_action action;
	bool scored; /* it says so itself */
	double score;
};

/* False and *why, constant text: it is none. */
bool rule_parse(const char *text, struct rule *, const char **why);
bool rule_matches(const struct rule *, const char *name);

#endif
