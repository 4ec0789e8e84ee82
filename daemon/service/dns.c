/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "dns/1": what a session may ask and how long it may wait; the
 * look-ups themselves are dns_lookups.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/keep.h"
#include "service/dns_lookups.h"
#include "service/dns_name.h"
#include "service/metrics.h"
#include "service/service.h"

/* Time that a callback has left for itself after the last wait. */
enum { MARGIN_MS = 100, MESSAGE_ID = 64 };

static struct {
	struct dns_resolver *resolver;
	struct lookups *lookups;
	int64_t time_us, queries; /* of a session, for each message */
} dns;

/* What a session has used, since the message in it changed. */
struct used {
	char message_id[MESSAGE_ID];
	int64_t waited_us, queries, prefetches;
};

static bool
start(const struct config *config, bool dry_run, char **why)
{
	const struct config_globals *g = &config->globals;
	struct lookups_settings s = { .ask = dns_resolver_ask,
		.size = (size_t)g->dns_cache_size,
		.timeout_us = g->dns_timeout * 1000 };

	(void)dry_run; /* to ask leaves no trace */
	if ((dns.resolver = dns_resolver_create(g, why)) == NULL)
		return false;
	s.resolver = dns.resolver;
	dns.lookups = lookups_create(&s);
	dns.time_us = g->dns_session_time * 1000;
	dns.queries = g->dns_session_queries;
	return true;
}

static void
stop(void)
{
	dns_resolver_destroy(&dns.resolver);
	lookups_destroy(&dns.lookups);
}

static struct used *
used_by(struct mr_ctx *c)
{
	struct used *u = session_keep(c, KEEP_DNS, sizeof(*u));
	const char *id = c->message_id != NULL ? c->message_id : "";

	if (strncmp(u->message_id, id, MESSAGE_ID - 1) != 0) {
		memset(u, 0, sizeof(*u));
		snprintf(u->message_id, MESSAGE_ID, "%s", id);
	}
	return u;
}

/* Hand it over: a copy that lives as long as the message. */
static const struct mr_dns_answer *
give(struct mr_ctx *c, struct dns_answer *a, uint32_t ttl)
{
	struct mr_dns_answer *out =
	    dns_answer_copy(a, c->host->alloc(c, a->bytes));

	if (out->status == MR_DNS_TEMPFAIL)
		metrics_add(METRIC_DNS_FAILURES, 1);
	out->ttl = out->status == MR_DNS_TEMPFAIL ? 0 : ttl;
	dns_answer_drop(&a);
	return out;
}

static const struct mr_dns_answer *
refuse(struct mr_ctx *c, mr_dns_status status, const char *why)
{
	return give(c, dns_answer_empty(status, why), 0);
}

/* Which limit forbids another wait; NULL: none. */
static const char *
used_up(const struct used *u)
{
	if (u->queries >= dns.queries)
		return "the session's look-ups are used up "
		       "(dns-session-queries)";
	if (u->waited_us >= dns.time_us)
		return "the session's time for the DNS is used up "
		       "(dns-session-time)";
	return NULL;
}

static int64_t
time_for(struct mr_ctx *c, const struct used *u)
{
	int64_t left = c->host->time_left(c);
	int64_t us =
	    (left > 2 * MARGIN_MS ? left - MARGIN_MS : left / 2) * 1000;

	return us < dns.time_us - u->waited_us ? us
					       : dns.time_us - u->waited_us;
}

static void
count(struct used *u, const struct lookups_wait *w, int64_t waited_us)
{
	if (w->way == LOOKUP_HIT) {
		metrics_add(METRIC_DNS_HITS, 1);
		return;
	}
	u->queries++;
	u->waited_us += waited_us;
	metrics_add(METRIC_DNS_WAITED_US, (uint64_t)waited_us);
	if (w->way == LOOKUP_SENT)
		metrics_add(METRIC_DNS_SENT, 1);
	if (w->timed_out)
		metrics_add(METRIC_DNS_TIMEOUTS, 1);
}

static const struct mr_dns_answer *
service_query(
    struct mr_ctx *c, const char *text, mr_dns_type type, int64_t limit_ms)
{
	int64_t began = clock_steady_us();
	struct used *u = used_by(c);
	struct lookups_wait w = { 0 };
	struct dns_answer *a;
	char name[DNS_NAME];
	const char *why;

	metrics_add(METRIC_DNS_QUERIES, 1);
	if (!dns_name_fold(text, name))
		return refuse(
		    c, MR_DNS_BADNAME, "the DNS can hold no such name");
	if ((why = used_up(u)) != NULL &&
	    !lookups_done(dns.lookups, name, type)) {
		metrics_add(METRIC_DNS_LIMITED, 1);
		return refuse(c, MR_DNS_TEMPFAIL, why);
	}
	w.never_us = began + time_for(c, u);
	w.until_us = limit_ms > 0 ? began + limit_ms * 1000 : 0;
	a = lookups_get(dns.lookups, name, type, &w);
	count(u, &w, clock_steady_us() - began);
	return give(c, a, w.ttl);
}

static void
service_prefetch(struct mr_ctx *c, const char *text, mr_dns_type type)
{
	struct used *u = used_by(c);
	char name[DNS_NAME];

	if (!dns_name_fold(text, name) || u->prefetches >= dns.queries)
		return;
	u->prefetches++;
	metrics_add(METRIC_DNS_PREFETCHES, 1);
	if (lookups_begin(dns.lookups, name, type))
		metrics_add(METRIC_DNS_SENT, 1);
}

static const char *
service_reverse(struct mr_ctx *c, const char *addr, const char *zone)
{
	struct buf name = { 0 };
	char *copy;

	if (!dns_name_reverse(addr, zone, &name))
		return NULL;
	copy = memcpy(c->host->alloc(c, name.n + 1), name.p, name.n + 1);
	buf_finish(&name);
	return copy;
}

static const struct mr_dns_service table = {
	.size = sizeof(struct mr_dns_service),
	.prefetch = service_prefetch,
	.query = service_query,
	.reverse = service_reverse,
};

const struct service dns_service = {
	.id = MR_DNS_SERVICE,
	.table = &table,
	.start = start,
	.stop = stop,
};
