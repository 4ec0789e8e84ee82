/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an evaluation to what happens: the operator's actions, and who is let
 * off.  Asks lists, and does nothing to the message.
 */
#ifndef DMARC_DECIDE_H
#define DMARC_DECIDE_H

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "evaluate.h"
#include "evidence.h"

/* In the order of the words in conf.c. */
enum action {
	ACTION_ACCEPT,
	ACTION_SCORE,
	ACTION_TEMPFAIL,
	ACTION_REJECT,
	ACTION_QUARANTINE,
	ACTION_ERROR, /* on-error decides */
	ACTIONS
};

/* What an action and a score are configured for.  The first three are
 * enum policy. */
enum decide_case {
	CASE_NONE,
	CASE_QUARANTINE,
	CASE_REJECT,
	CASE_TEMPERROR,
	CASE_PERMERROR,
	CASE_NO_DOMAIN,
	CASES
};

enum { DECIDE_REPLY_BYTES = 600 };

struct dmarc_conf;

struct decision {
	enum action action;
	double score; /* of the symbol */
	/* What is reported: "pass", "none", "quarantine", "reject". */
	const char *disposition;
	struct evidence_reason reasons[EVIDENCE_REASONS];
	size_t nreasons;
};

/* The value of a list: "[ACTION [SCORE]]"; "" is accept. */
struct entry {
	enum action action;
	bool has_score;
	double score;
};
/* NULL, or what is wrong with it. */
const char *decide_entry(const char *value, struct entry *);

struct decision decide(struct mr_ctx *, const struct dmarc_conf *,
    const struct mr_map_service *, const struct evaluation *,
    const struct identifier *ids, size_t count);

/* Without an evaluation. */
struct decision decide_case(const struct dmarc_conf *, enum decide_case);

/* Does a outrank b, if one message has both? */
bool decide_graver(enum action a, enum action b);

#endif
