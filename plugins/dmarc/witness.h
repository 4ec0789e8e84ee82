/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an evaluation leaves behind: a result for Authentication-Results, a
 * symbol with all that a report needs, notes for later plugins.
 */
#ifndef DMARC_WITNESS_H
#define DMARC_WITNESS_H

#include <millrace/plugin.h>

#include "decide.h"
#include "gather.h"

/* The symbol and the result; psl: how the domain was found. */
void witness(struct mr_ctx *, const struct evaluation *,
    const struct decision *, const struct gathered *, bool psl);

/* Of a message that nothing could be found out about. */
void witness_error(
    struct mr_ctx *, const char *symbol, double score, const char *why);

/* Does (e, d) say worse of the message than what is known? */
bool witness_is_worse(const struct evaluation *e, const struct decision *d,
    const struct evaluation *known, const struct decision *known_decision);

void witness_notes(
    struct mr_ctx *, const struct evaluation *, const struct decision *);

#endif
