/* SPDX-License-Identifier: Apache-2.0 */
/* What the message brings: author domains, and what SPF and DKIM left. */
#ifndef DMARC_GATHER_H
#define DMARC_GATHER_H

#include <millrace/address.h>
#include <millrace/plugin.h>

#include "evaluate.h"

enum {
	GATHER_AUTHORS = 4, /* domains that one message is checked for */
	GATHER_FIELDS = 8,  /* From fields that are read */
};

struct authors {
	const char *domains[GATHER_AUTHORS]; /* each once */
	size_t count;
	size_t more;     /* domains beyond them */
	uint32_t fields; /* From fields */
	bool broken;     /* something in them is no address */
};

/* Of all From fields; needs MR_WANT_HEADERS, from eoh on. */
struct authors gather_authors(
    struct mr_ctx *, const struct mr_address_service *);

struct gathered {
	struct identifier ids[IDENTIFIERS]; /* SPF first, if it ran */
	size_t count;
	bool any;                            /* SPF or DKIM has run */
	const char *spf_domain, *spf_result; /* as noted; or NULL */
};

/* From the notes of the plugins spf and dkim; at eom. */
void gather_identifiers(
    struct mr_ctx *, const struct mr_address_service *, struct gathered *);

#endif
