/* SPDX-License-Identifier: Apache-2.0 */
#include "service/metrics.h"

static const struct {
	const char *service, *name;
} rows[METRICS] = {
	[METRIC_DNS_QUERIES] = { "dns", "queries" },
	[METRIC_DNS_HITS] = { "dns", "hits" },
	[METRIC_DNS_PREFETCHES] = { "dns", "prefetches" },
	[METRIC_DNS_SENT] = { "dns", "sent" },
	[METRIC_DNS_FAILURES] = { "dns", "failures" },
	[METRIC_DNS_TIMEOUTS] = { "dns", "timeouts" },
	[METRIC_DNS_LIMITED] = { "dns", "limited" },
	[METRIC_DNS_WAITED_US] = { "dns", "waited_us" },
};

static struct metrics unseen;
static struct metrics *attached = &unseen;

void
metrics_attach(struct metrics *m)
{
	attached = m;
}

void
metrics_add(enum metric which, uint64_t n)
{
	atomic_fetch_add_explicit(
	    &attached->values[which], n, memory_order_relaxed);
}

const char *
metrics_service(enum metric which)
{
	return rows[which].service;
}

const char *
metrics_name(enum metric which)
{
	return rows[which].name;
}
