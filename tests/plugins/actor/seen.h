/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin was handed, shown in header fields X-Echo-... */
#ifndef ACTOR_SEEN_H
#define ACTOR_SEEN_H

#include "rule.h"

/* State of a message: of what its callbacks saw. */
struct seen {
	uint64_t bytes;
	uint32_t chunks, headers, checksum; /* of the chunks' bytes */
};

/* FNV-1a, going on from sum; begin with 0. */
uint32_t seen_checksum(uint32_t sum, const void *bytes, size_t len);

mr_verdict seen_echo(const struct act *);
mr_verdict seen_echo_macro(const struct act *);  /* NAME */
mr_verdict seen_echo_header(const struct act *); /* NAME NTH */
mr_verdict seen_echo_fields(const struct act *);
mr_verdict seen_echo_note(const struct act *); /* KEY */
mr_verdict seen_echo_body(const struct act *);

#endif
