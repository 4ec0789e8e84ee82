/* SPDX-License-Identifier: Apache-2.0 */
/* What a key's expression asks for, answered from the message. */
#ifndef RATELIMIT_FACTS_H
#define RATELIMIT_FACTS_H

#include "instance.h"

struct facts {
	const struct ratelimit *instance;
	struct mr_ctx *ctx;
	const char *recipient; /* NULL outside rcpt */
	bool complete;         /* at eom: what is missing now stays so */
};

/* *value as key_spell() writes it; lives as long as the message. */
enum key_state facts_key(
    const struct facts *, uint32_t key, const char **value);

/* Ask for the macros and headers that a key needs. */
void facts_plan(struct mr_plan *, const struct key *);

#endif
