/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a result: what is left in the message, and the verdict. */
#ifndef SPF_ACT_H
#define SPF_ACT_H

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "check.h"
#include "policy.h"

struct act_conf {
	const struct mr_map_service *map;
	const struct mr_map *policies; /* of single domains; or NULL */
	struct policy policy;          /* of all others */
	const char *reply;
	bool header; /* write Received-SPF */
};

/* A result, and whose it is. */
struct finding {
	enum identity identity; /* whose options count */
	bool null_sender;       /* MAIL FROM was <>: HELO stands for it */
	const char *sender, *helo, *receiver;
	const char *client; /* its address */
	struct check check;
	struct policy policy; /* see act_policy() */
	enum action action;   /* of that policy */
};

/* Find out .policy and .action by .check. */
void act_judge(struct mr_ctx *, const struct act_conf *, struct finding *);

/* Leave symbol, notes, authentication result and field in the message. */
void act_record(
    struct mr_ctx *, const struct act_conf *, const struct finding *);

/* The verdict; with the reply, if it refuses.  log: no message is open. */
mr_verdict act_answer(
    struct mr_ctx *, const struct act_conf *, const struct finding *);

/* Does the action keep the message out, or back? */
bool act_is_grave(enum action);

#endif
