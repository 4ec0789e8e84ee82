/* SPDX-License-Identifier: Apache-2.0 */
/* What a limit makes known: replies, symbols, notes, the count of refusals. */
#ifndef RATELIMIT_TELL_H
#define RATELIMIT_TELL_H

#include "story.h"

/* The note ratelimit.result. */
void tell_result(struct mr_ctx *, const char *result);

/* What is answered; the verdict goes with the reply. */
mr_verdict tell_down(struct mr_ctx *);
mr_verdict tell_over(struct mr_ctx *, enum charge_result,
    const struct charge_refusal *, const struct rules_key *);
mr_verdict tell_blocked(struct mr_ctx *);

#endif
