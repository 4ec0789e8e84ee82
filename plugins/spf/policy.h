/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a result leads to: from the options, changed for a domain by the value
 * of an entry, "softfail=reject helo-none=score:2.5".  Pure.
 */
#ifndef SPF_POLICY_H
#define SPF_POLICY_H

#include <stdbool.h>

#include "result.h"

/* In the order of the choices of the options. */
enum action {
	ACTION_ACCEPT,
	ACTION_SCORE,
	ACTION_TEMPFAIL,
	ACTION_REJECT,
	ACTION_QUARANTINE,
	ACTION_ERROR, /* of a temperror only */
	ACTIONS
};

struct policy {
	enum action actions[IDENTITIES][RESULTS];
	double scores[RESULTS];
};

/*
 * Change a policy as the value of an entry says.  Returns NULL, or what is
 * wrong and how to mend it; the policy is then untouched.
 */
const char *policy_parse(const char *value, struct policy *);

/* The symbol's score: there is one where the action is to score. */
double policy_score(const struct policy *, enum identity, enum result);

/* The graver of two: reject, tempfail, error, quarantine, the rest. */
enum action policy_graver(enum action, enum action);

#endif
