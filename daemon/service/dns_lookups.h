/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups: those under way, which all who ask the same share, and those
 * that are done, which are the cache.  Knows no session.
 */
#ifndef SERVICE_DNS_LOOKUPS_H
#define SERVICE_DNS_LOOKUPS_H

#include "service/dns_resolver.h"

struct lookups;

/*
 * Ask: dns_resolver_ask or, in a test, who plays it.  size: bytes that done
 * ones may take; timeout_us: how long one may take if nobody asks for more.
 */
struct lookups_settings {
	struct dns_resolver *resolver;
	bool (*ask)(
	    struct dns_resolver *, const char *name, struct dns_question *);
	size_t size;
	int64_t timeout_us;
};

struct lookups *lookups_create(const struct lookups_settings *);
/* Nobody may be waiting, and the resolver must be gone. */
void lookups_destroy(struct lookups **);

/* How a look-up went, besides its answer. */
enum lookup_way {
	LOOKUP_HIT,    /* it was there */
	LOOKUP_JOINED, /* somebody else's was waited for */
	LOOKUP_SENT    /* it was sent for this one */
};

/*
 * [any] The answer, which the caller drops; ttl is what is left of it.  Waits
 * until until_us (steady clock) or, if that is 0, as long as a look-up may
 * take; in no case beyond never_us.  name in the form of dns_name.h.
 */
struct lookups_wait {
	int64_t until_us, never_us;
	/* Out: how it went; what is left of the TTL. */
	enum lookup_way way;
	bool timed_out;
	uint32_t ttl;
};
struct dns_answer *lookups_get(
    struct lookups *, const char *name, mr_dns_type, struct lookups_wait *);

/* [any] Begin it, if it is not there.  True: it was sent. */
bool lookups_begin(struct lookups *, const char *name, mr_dns_type);

/* [any] Whether lookups_get would find it there. */
bool lookups_done(struct lookups *, const char *name, mr_dns_type);

#endif
