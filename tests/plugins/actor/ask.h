/* SPDX-License-Identifier: Apache-2.0 */
/* What the service "dns/1" answers, shown in header fields X-Echo-Dns. */
#ifndef ACTOR_ASK_H
#define ACTOR_ASK_H

#include "rule.h"

/*
 * NAME TYPE [LIMIT_MS]; NAME "%" is the domain of the sender, "reverse" the
 * name of the client's PTR record, "reverse:ZONE" its name in a list.
 */
mr_verdict ask_dns(const struct act *);
mr_verdict ask_dns_log(const struct act *); /* the same in the log */
mr_verdict ask_dns_prefetch(const struct act *);
mr_verdict ask_dns_many(const struct act *); /* TIMES NAME TYPE: 0.NAME... */

#endif
