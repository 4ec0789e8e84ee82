/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses and networks.  IPv4-mapped IPv6 addresses are IPv4. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct address {
	uint8_t bits; /* 32, 128; 0: none */
	uint8_t bytes[16];
};

struct network {
	struct address address; /* host bits are 0 */
	uint8_t prefix;
};

/* "192.0.2.1", "2001:db8::1", also "IPv6:..." and within brackets. */
bool address_parse(struct span, struct address *);
/* An address or "192.0.2.0/24"; host bits set are an error. */
bool network_parse(struct span, struct network *);
bool network_holds(const struct network *, const struct address *);
/* Keep the first prefix bits (at most address->bits). */
struct address address_mask(const struct address *, unsigned prefix);
/* text: at least 46 bytes. */
void address_format(const struct address *, char *text);
/* As network_parse, but host bits are taken off: what somebody meant. */
bool network_parse_loose(struct span, struct network *);

#endif
