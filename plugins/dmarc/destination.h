/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reports about a domain may be sent: the URIs of its record, and
 * whether those outside of it want them (RFC 9990, 4).
 */
#ifndef DMARC_DESTINATION_H
#define DMARC_DESTINATION_H

#include "lookup.h"

enum destination_state {
	DESTINATION_OK,
	DESTINATION_REFUSED, /* see why; for good */
	DESTINATION_LATER,   /* the DNS failed */
};

enum { DESTINATIONS = 8, DESTINATION_URI = 200 };

struct destination {
	struct uri uri;
	char text[DESTINATION_URI]; /* as in the record, cut */
	enum destination_state state;
	const char *why;
	bool external; /* its consent was asked for */
};

/* domain: where the record is.  Returns how many are in out. */
size_t destination_find(struct lookup *, bool psl, const char *domain,
    const struct record *, struct destination out[DESTINATIONS]);

#endif
