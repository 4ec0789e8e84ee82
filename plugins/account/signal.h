/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs that an account is in foreign hands: what is counted, when it is too
 * much, what it weighs.  Pure: numbers come from the caller.
 */
#ifndef ACCOUNT_SIGNAL_H
#define ACCOUNT_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum signal_kind {
	/* Different ones in the period. */
	SIGNAL_NETWORKS,
	SIGNAL_COUNTRIES,
	SIGNAL_ASNS,
	/* How often in the period. */
	SIGNAL_UNKNOWN, /* recipients that do not exist */
	SIGNAL_FOREIGN, /* From is not the login's */
	SIGNAL_OVER,    /* messages over a limit */
	SIGNAL_SPAM,
	/* More messages than ever, and than the threshold. */
	SIGNAL_RISE,
	SIGNAL_KINDS,
};

/* A set in the store holds no more. */
enum { SIGNAL_DISTINCT_MOST = 255 };

struct signal {
	bool watched;
	int64_t threshold; /* more is a sign */
	int64_t period_ms;
	int64_t factor; /* RISE: times the highest of 28 days */
	int64_t weight;
};

/*
 * "networks 10 / 1h weight 3", "rise 50 / 1h factor 4 weight 3".  Returns
 * NULL, or what is wrong and how to mend it.
 */
const char *signal_parse(const char *text, enum signal_kind *, struct signal *);

const char *signal_name(enum signal_kind);
bool signal_is_distinct(enum signal_kind);
/* What is watched if nothing is said. */
void signal_defaults(struct signal[SIGNAL_KINDS]);

/* Is this much a sign?  baseline: the highest of 28 days, for RISE. */
bool signal_raised(
    enum signal_kind, const struct signal *, int64_t value, int64_t baseline);

/* The sum of the weights of those raised. */
int64_t signal_sum(const struct signal[SIGNAL_KINDS],
    const int64_t values[SIGNAL_KINDS], int64_t baseline);

#endif
