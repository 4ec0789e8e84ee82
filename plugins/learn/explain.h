/* SPDX-License-Identifier: Apache-2.0 */
/* Which header fields, words and hosts weighed most. */
#ifndef LEARN_EXPLAIN_H
#define LEARN_EXPLAIN_H

#include <stddef.h>

#include "model.h"

/*
 * "p=0.997; spam: Subject +0.8, viagra +0.5, host.example +0.3; ham: ...":
 * the heaviest of each side, what is no printable ASCII as "?".  Always
 * ends with a NUL.  Pure.
 */
void explain(const struct model *, const struct features *, double log_odds,
    char *out, size_t size);

#endif
