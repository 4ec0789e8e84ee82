/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins may ask for by name.  A service that changes gets a new id
 * ("map/2"); the old one stays as long as the major of the contract.
 *
 * Services belong to the process: one resolver, one store for all sessions
 * of a worker.  One that has a state is started when it is first asked for,
 * so that a chain which needs no DNS has no resolver.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "config/config.h"
#include "millrace/address.h"
#include "millrace/dns.h"
#include "millrace/map.h"
#include "millrace/stream.h"

/*
 * [main] What services that start from now on are to work with.  config
 * must outlive service_finish().  dry_run: `millraced -t` and `millrace
 * check` without --commit; nothing may be created or changed.
 */
void service_prepare(const struct config *config, bool dry_run);
/* [main] End those that were started; nobody may be inside one. */
void service_finish(void);

/*
 * [any] The table behind an id, or NULL: there is no such service, or it
 * could not be started, and the log says why.
 */
const void *service_find(const char *id);

/* One row a service; its file is named after it. */
struct service {
	const char *id;
	const void *table;
	/*
	 * NULL: it has no state.  False and *why (the caller frees it): it
	 * does not work, and nothing is left open.
	 */
	bool (*start)(const struct config *, bool dry_run, char **why);
	void (*stop)(void);
};

extern const struct service address_service;
extern const struct service dns_service;
extern const struct service map_service;
extern const struct service content_service;
extern const struct service store_service;
extern const struct service stream_service;

#endif
