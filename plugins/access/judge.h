/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which list holds what a message shows.  Decides nothing about replies.
 *
 * Keeps no state between stages: each question is answered from what the
 * daemon knows now, so an instance that is asked late (because it applies
 * to some recipients only) says the same as one that is asked early.
 */
#ifndef ACCESS_JUDGE_H
#define ACCESS_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <millrace/address.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

enum action { ALLOW, DENY, TAG, ACTIONS };
enum kind {
	CLIENTS,
	NAMES,
	HELOS,
	SENDERS,
	RECIPIENTS,
	HEADERS,
	LOGINS,
	KINDS
};

/* What is known of each kind: the stage that brings its fact. */
extern const uint32_t judge_stage_of[KINDS];

struct judge {
	const struct mr_map_service *map;
	const struct mr_address_service *address;
	const struct mr_map *const (*lists)[KINDS]; /* [ACTIONS], from conf */
};

/* A list that matched. */
struct finding {
	enum action action;
	enum kind kind;
	const char *key;   /* what was looked up */
	const char *value; /* of the entry; "" if it has none */
};

/*
 * Who wins at this stage (one MR_STAGE_* bit): the first list that matches,
 * in the order of the stages and at one stage allow before deny.  rcpt is
 * the recipient at rcpt, else NULL: then every accepted one must be allowed.
 * After rcpt only the header lists deny.  False: no list has an opinion.
 */
bool judge_find(const struct judge *, struct mr_ctx *, uint32_t stage,
    const char *rcpt, struct finding *);

/* Does the tag list of that kind match the whole message?  At eom. */
bool judge_tag(
    const struct judge *, struct mr_ctx *, enum kind, struct finding *);

/* "deny-clients" */
const char *judge_list_name(enum action, enum kind);

#endif
