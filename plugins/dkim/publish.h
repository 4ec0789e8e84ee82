/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS says of a key, and since when. */
#ifndef DKIM_PUBLISH_H
#define DKIM_PUBLISH_H

#include <stdatomic.h>

#include <millrace/dns.h>
#include <millrace/store.h>

#include "key.h"
#include "rotate.h"

enum { PUBLISH_NAME_BYTES = 600 };

/* "selector._domainkey.domain" */
void publish_name(
    char out[PUBLISH_NAME_BYTES], struct span selector, struct span domain);

/*
 * The one record of an answer that is meant to be a key.  NULL, and *why:
 * there is none, or there are several.
 */
const struct mr_dns_record *publish_pick(
    const struct mr_dns_answer *, const char **why);

enum publish_state {
	PUBLISH_FITS,
	PUBLISH_ABSENT,
	PUBLISH_WRONG,   /* there is something else than our key */
	PUBLISH_UNKNOWN, /* the DNS did not answer */
};

struct publish {
	enum publish_state state;
	const char *why; /* in words, if it does not fit */
	uint32_t ttl;
	bool test; /* t=y */
};

/* [session] Ask the DNS whether that key is there; limit_ms as in dns.h. */
struct publish publish_look(struct mr_ctx *, const struct mr_dns_service *,
    const char *name, const struct key *, int64_t limit_ms);

/*
 * [session] Since when has it been seen?  A first sight is written down, for
 * all workers and hosts that share the store; memory is used without a store
 * (NULL), or if it is down.
 */
struct rotate_key publish_remember(struct mr_ctx *,
    const struct mr_store_service *, const char *name, const struct key *,
    const struct publish *, int64_t now, _Atomic int64_t *memory);

#endif
