/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a message: when limits are looked at, taken, given back. */
#ifndef RATELIMIT_STORY_H
#define RATELIMIT_STORY_H

#include "facts.h"

enum { STORY_LATE = 1, STORY_KNOWN = 2 };

/* What is kept of a message. */
struct story {
	bool ready;                 /* keys and limits are known */
	bool held;                  /* over, and within the margin */
	bool told;                  /* the symbol and the note were left */
	uint8_t states[RULES_KEYS]; /* STORY_* */
	uint32_t refused;           /* recipients, by us */
	int64_t declared;           /* SIZE= of mail, at least 1 */
	int64_t size;               /* seen: body, then header too */
	int64_t squeeze;            /* limits are divided by this */
	struct rules_key keys[RULES_KEYS];
	struct rules rules; /* of the keys that are known from mail on */
	struct charges charges;
};

mr_verdict story_mail(struct mr_ctx *, const char *const *args);
mr_verdict story_rcpt(struct mr_ctx *, const char *to);
mr_verdict story_data(struct mr_ctx *);
mr_verdict story_eom(struct mr_ctx *);
void story_end(struct mr_ctx *, mr_outcome);

#endif
