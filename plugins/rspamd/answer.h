/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rspamd says of a message: the JSON of /checkv2, as far as it matters
 * here, made harmless.  Pure.
 */
#ifndef RSPAMD_ANSWER_H
#define RSPAMD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ANSWER_SYMBOLS = 200, /* more are passed over */
	ANSWER_NAME = 64,
	ANSWER_DETAIL = 160,
	ANSWER_TEXT = 200,
	ANSWER_SCORE = 10000, /* no score counts for more */
};

/* In the order of the table in answer.c. */
enum answer_action {
	ACTION_NONE,
	ACTION_GREYLIST,
	ACTION_ADD_HEADER,
	ACTION_REWRITE_SUBJECT,
	ACTION_SOFT_REJECT,
	ACTION_REJECT,
	ACTION_QUARANTINE,
	ACTION_DISCARD,
	ACTION_OTHER, /* one that the operator of rspamd has made up */
};

struct answer_symbol {
	char name[ANSWER_NAME + 1];     /* A-Z, 0-9 and "_" */
	char detail[ANSWER_DETAIL + 1]; /* its options; "" for none */
	double score;
};

struct answer {
	bool skipped; /* rspamd has not looked at it */
	enum answer_action action;
	double score, threshold;       /* of rejecting */
	char message[ANSWER_TEXT + 1]; /* for the SMTP client, or "" */
	uint32_t count;
	struct answer_symbol symbols[ANSWER_SYMBOLS];
};

/* False: it is no such answer; *a is in no particular state. */
bool answer_parse(const char *json, size_t n, struct answer *a);

/* rspamd's word for it; NULL for ACTION_OTHER. */
const char *answer_action_name(enum answer_action);
/* ACTION_OTHER if rspamd has no such word. */
enum answer_action answer_action_of(const char *name);

#endif
