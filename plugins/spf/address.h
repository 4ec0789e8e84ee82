/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of clients and networks (RFC 7208, 5.6).  Pure. */
#ifndef SPF_ADDRESS_H
#define SPF_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum { ADDRESS_TEXT = 64 }; /* holds all that the functions here write */

struct address {
	uint8_t bits;      /* 32: IPv4, 128: IPv6 */
	uint8_t bytes[16]; /* in network order; of IPv4 the first four */
};

/*
 * An address in text form, nothing around it.  An IPv4 one that is mapped
 * into IPv6 is the IPv4 one (RFC 7208, 5).
 */
bool address_parse(struct span, struct address *);

/* ip4-network and ip6-network: of one family, as written. */
bool address_parse_ip4(struct span, struct address *);
bool address_parse_ip6(struct span, struct address *);

/* Is the address of the network's family, and equal in the first bits? */
bool address_in(
    const struct address *, const struct address *network, uint8_t bits);

/* %{c}: "192.0.2.7", "2001:db8::7" */
void address_print(const struct address *, struct text *);
/* %{i}: "192.0.2.7", "2.0.0.1.0.D.B.8. ... .7" */
void address_print_dotted(const struct address *, struct text *);

#endif
