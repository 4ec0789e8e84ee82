/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one configured instance is: its options made into keys, limits and
 * sources of overrides.  The command makes it too, from the same options.
 */
#ifndef RATELIMIT_INSTANCE_H
#define RATELIMIT_INSTANCE_H

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "charge.h"
#include "key.h"
#include "sql.h"
#include "stored.h"

enum over { OVER_TEMPFAIL, OVER_REJECT, OVER_HOLD };
enum count_at { COUNT_AT_RCPT, COUNT_AT_EOM };
enum null_sender { NULL_UNAUTHENTICATED, NULL_YES, NULL_NO };
enum store_down { DOWN_SHARE, DOWN_TEMPFAIL, DOWN_OPEN };

struct ratelimit_conf {
	const struct mr_list *key, *limits, *count_rejected;
	const struct mr_map *tenants, *plans, *map, *overrides;
	const struct mr_map *exempt, *exempt_recipients;
	const char *overrides_sql, *overrides_query;
	const char *reply, *blocked_reply, *group;
	int64_t overrides_refresh, hold_margin;
	int64_t over, count_at, exempt_null_sender, when_store_down;
	bool partial;
};

struct ratelimit {
	const struct ratelimit_conf *conf;
	const struct mr_host *host;
	const struct mr_map_service *map;
	const struct mr_store_service *store;
	uint32_t nkeys;
	struct key keys[RULES_KEYS];
	char names[RULES_KEYS][RULES_NAME_BYTES + 1];
	bool by_recipient[RULES_KEYS]; /* its key names the recipient */
	struct rule defaults[RULES_MOST];
	uint32_t ndefaults;
	bool some_by_recipient, measures; /* measures: counts bytes */
	uint32_t identity; /* the same for the same configuration */
	struct stored *stored;
	struct sql *sql;
};

/* The keys and limits alone, as plan() and open() need them. */
struct ratelimit_fault {
	const char *option;
	char text[600];
};
typedef void ratelimit_complain(void *arg, const struct ratelimit_fault *);
bool instance_parse(struct ratelimit *, const struct ratelimit_conf *,
    ratelimit_complain *, void *arg);

/*
 * All of it; threads: keep the copy of overrides fresh.  False after
 * host->config_error().
 */
bool instance_init(struct ratelimit *, const struct mr_host *,
    const struct ratelimit_conf *, bool threads);
void instance_finish(struct ratelimit *);

/*
 * What overrides say of the keys that have a value, the most exact key first
 * and for each the store before the file before SQL.  Returns how many; out
 * has INSTANCE_OVERRIDES.
 */
enum { INSTANCE_OVERRIDES = 4 * RULES_KEYS };
uint32_t instance_overrides(struct ratelimit *, struct mr_ctx *,
    const struct rules_key *, struct rules_override *out);

/* An entry of a table of the operator's: an address, a network, a text. */
const char *instance_look_up(const struct ratelimit *, struct mr_ctx *,
    const struct mr_map *, const char *text);

#endif
