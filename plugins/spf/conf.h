/* SPDX-License-Identifier: Apache-2.0 */
/* The options: their table, what they need, what is wrong with them. */
#ifndef SPF_CONF_H
#define SPF_CONF_H

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "policy.h"

enum helo_stage { HELO_AT_MAIL, HELO_AT_HELO };

struct spf_conf {
	bool check_helo;
	int64_t helo_stage;                   /* enum above */
	int64_t actions[IDENTITIES][RESULTS]; /* enum action */
	double scores[RESULTS];
	const struct mr_map *policies, *records;
	const struct mr_map *forwarders;
	const struct mr_list *forwarder_domains;
	const struct mr_map *relays;
	int64_t relay_hops;
	bool skip_authenticated;
	const struct mr_map *skip_clients;
	int64_t timeout, max_terms, max_voids, max_mx, max_ptr;
	bool explanation;
	const char *reply;
	bool received_spf;
	const char *best_guess;
};

extern const struct mr_option conf_options[];

/* [main] As mr_plugin.plan; conf is a struct spf_conf. */
void conf_plan(const void *conf, struct mr_plan *);

/* [main] False, after a config_error() for each fault. */
bool conf_check(const struct spf_conf *, const struct mr_map_service *,
    const struct mr_host *);

#endif
