/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of domains: what may be asked, and how it is written for dns/1.
 * Pure.
 */
#ifndef SPF_DOMAIN_H
#define SPF_DOMAIN_H

#include <stdbool.h>

#include "text.h"

enum {
	DOMAIN_BYTES = 253,    /* of a name (RFC 7208, 7.3) */
	DOMAIN_NAME = 4 * 256, /* of one as domain_name() writes it */
	DOMAIN_LABEL_BYTES = 63
};

/*
 * May check_host() begin with it (RFC 7208, 4.3)?  Two labels or more, none
 * empty or too long, no address literal, printable ASCII.  A dot at the end
 * is ignored.
 */
bool domain_is_complete(struct span);

/*
 * The last 253 bytes of an expanded domain-spec, cut between labels, without
 * a dot at the end (RFC 7208, 7.3).
 */
struct span domain_shorten(struct span);

/*
 * As dns/1 takes and writes names: lower case, bytes that are no letter,
 * digit, "-" or "_" as \DDD.  out has DOMAIN_NAME bytes.  False if the DNS
 * has no such name: an empty label, one that is too long, or a byte that is
 * no printable ASCII.
 */
bool domain_name(struct span, char *out);

/* Is name equal to domain or below it?  Both as domain_name() writes them. */
bool domain_is_within(const char *name, const char *domain);

#endif
