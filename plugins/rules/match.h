/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against one message. */
#ifndef RULES_MATCH_H
#define RULES_MATCH_H

#include "view.h"

struct match_limits {
	uint32_t steps;  /* of a pattern, from one place of a text */
	int64_t time_ms; /* of all patterns */
};

/* What came out for one rule. */
struct match {
	enum { MATCH_OPEN, MATCH_NO, MATCH_YES } state;
	const char *detail; /* or NULL */
};

struct matches {
	struct match *items; /* by index of the rule */
	/* Rules whose pattern was stopped; the first is named. */
	size_t stopped;
	const char *first_stopped;
	bool late; /* there was no time for the rest */
};

/* All rules that are not off. */
void match_all(const struct rules *, struct view *, const struct match_limits *,
    struct matches *out);
/* Only this rule, and those that it refers to. */
bool match_one(const struct rules *, struct view *, const struct match_limits *,
    uint32_t rule);

#endif
