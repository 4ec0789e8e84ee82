/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS as walk.h asks it: dns/1 with what this message has asked. */
#ifndef DMARC_LOOKUP_H
#define DMARC_LOOKUP_H

#include <millrace/address.h>
#include <millrace/dns.h>

#include "walk.h"

/* Look-ups that one message may cause, whatever it says. */
enum { LOOKUPS = 64 };

struct lookup_known;

struct lookup {
	struct mr_ctx *c;
	const struct mr_dns_service *dns;
	const struct mr_address_service *address;
	struct lookup_known *known; /* in memory of the message */
	size_t count;
};

/* psl: by the public suffix list.  Refers to the lookup. */
struct walk_source lookup_source(struct lookup *, bool psl);

/* Begin what a walk from the domain will ask. */
void lookup_prefetch(struct lookup *, const char *domain, bool psl);

/* The TXT record at _dmarc.<domain> as it is, or NULL: for people. */
const char *lookup_text(struct lookup *, const char *domain);

#endif
