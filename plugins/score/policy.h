/* SPDX-License-Identifier: Apache-2.0 */
/* From points to what happens.  Pure. */
#ifndef SCORE_POLICY_H
#define SCORE_POLICY_H

#include <stdbool.h>

/* The later, the stricter. */
enum action {
	ACTION_NONE,
	ACTION_HEADER,
	ACTION_SUBJECT,
	ACTION_GREYLIST,
	ACTION_QUARANTINE,
	ACTION_REJECT,
	ACTION_DISCARD,
	ACTIONS
};

/* Points from which on each happens; 0: never. */
struct policy {
	double at[ACTIONS];
};

/* "reject" */
const char *policy_name(enum action);

/*
 * Change a policy as the text says: "reject=10 quarantine=never".  NULL, or
 * what is wrong and how to mend it; *p is then untouched.
 */
const char *policy_parse(const char *text, struct policy *p);

bool policy_reaches(const struct policy *, enum action, double points);
/* The strictest that is reached. */
enum action policy_action(const struct policy *, double points);

#endif
