/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the store; what it says is shown in header fields X-Keep. */
#ifndef ACTOR_KEEP_H
#define ACTOR_KEEP_H

#include "rule.h"

mr_verdict keep_take(const struct act *);  /* KEY AMOUNT PERIOD_MS [share] */
mr_verdict keep_count(const struct act *); /* KEY */

#endif
