/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of the services: counted in each worker, shown by `millrace
 * status`.  All workers of a generation count in one place.
 */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* One row each in metrics.c, those of a service together. */
enum metric {
	METRIC_DNS_QUERIES,
	METRIC_DNS_HITS,
	METRIC_DNS_PREFETCHES,
	METRIC_DNS_SENT,
	METRIC_DNS_FAILURES,
	METRIC_DNS_TIMEOUTS,
	METRIC_DNS_LIMITED,
	METRIC_DNS_WAITED_US,
	METRICS
};

struct metrics {
	_Atomic uint64_t values[METRICS];
};

/*
 * [main] Count there from now on, memory that processes share.  Before that
 * (in a command) figures are counted and shown nowhere.
 */
void metrics_attach(struct metrics *);
/* [any] */
void metrics_add(enum metric, uint64_t);

/* "dns" and "queries". */
const char *metrics_service(enum metric);
const char *metrics_name(enum metric);

#endif
