/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages, the state in the store and the command share. */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include <millrace/address.h>
#include <millrace/map.h>
#include <millrace/plugin.h>
#include <millrace/store.h>

#include "alert.h"
#include "geo.h"
#include "signal.h"

enum step { STEP_NONE, STEP_ALERT, STEP_SQUEEZE, STEP_BLOCK, STEPS };

struct account_conf {
	const struct mr_list *signals, *spam_notes, *ignore_asns;
	const struct mr_list *alert_command;
	const struct mr_map *owners, *exempt, *ignore_clients;
	const char *country_database, *asn_database;
	const char *blocked_reply, *group, *hold_command;
	int64_t alert_at, squeeze_at, block_at, squeeze_by;
	int64_t squeeze_for, block_for, alert_window;
	bool keep_queue_ids;
};

struct account {
	const struct account_conf *conf;
	const struct mr_host *host;
	const struct mr_map_service *map;
	const struct mr_store_service *store;
	const struct mr_address_service *address; /* NULL: it is not here */
	struct signal signals[SIGNAL_KINDS];
	struct geo *countries, *asns;
	struct alert *alert;
};

/* threads: a command for alerts may be run.  False after config_error(). */
bool account_init(struct account *, const struct mr_host *,
    const struct account_conf *, bool threads);
void account_finish(struct account *);
/* The options alone. */
bool account_signals(const struct account_conf *, const struct mr_host *,
    struct signal[SIGNAL_KINDS]);

extern const struct mr_command tool_commands[];

#endif
