/* SPDX-License-Identifier: Apache-2.0 */
/* Option negotiation: what Postfix offers, and what the filter made of it. */
#ifndef BENCH_NEGOTIATE_H
#define BENCH_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dial.h"
#include "packet.h"

enum { MACRO_STAGES = 7 }; /* SMFIM_CONNECT to SMFIM_EOH */

struct negotiated {
	struct buffer raw; /* the answer; the lists point into it */
	uint32_t version, actions, protocol;
	const char *macros[MACRO_STAGES]; /* NULL: the MTA's defaults */
};

/* SETSYMLIST's names of the stages: "connect", "helo", ... */
extern const char *const negotiate_stages[MACRO_STAGES];

/* Append the offer. */
void negotiate_offer(struct buffer *);

/* Take an answer; false if it is malformed.  The bytes are copied. */
bool negotiate_parse(struct negotiated *, const char *data, size_t n);

/* Ask the filter at this address in a connection of its own. */
bool negotiate_ask(
    const struct dial *, unsigned timeout_s, struct negotiated *);

void negotiate_print(const struct negotiated *, FILE *);

#endif
