/* SPDX-License-Identifier: Apache-2.0 */
/* A name server to ask, as text: "192.0.2.1", "[2001:db8::1]@5353". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "config/config.h"

enum { DNS_PORT = 53, SCOPE = 32 };

static bool
parse_port(struct span text, uint16_t *port)
{
	unsigned value = 0;

	if (text.n == 0 || text.n > 5)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text.p[i] - '0');
	}
	*port = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

/* The interface of a link-local address: "%eth0" (RFC 4007, 11). */
static bool
cut_scope(struct span *address, char scope[SCOPE])
{
	const char *percent = memchr(address->p, '%', address->n);
	struct span name;

	scope[0] = '\0';
	if (percent == NULL)
		return true;
	name = (struct span){ percent,
		address->n - (size_t)(percent - address->p) };
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '"')
			return false;
	if (name.n < 2 || name.n >= SCOPE)
		return false;
	memcpy(scope, name.p, name.n);
	scope[name.n] = '\0';
	address->n -= name.n;
	return true;
}

bool
config_dns_server_parse(
    const char *text, char out[CONFIG_DNS_SERVER], char **why)
{
	struct span left = span_of(text), address;
	const char *at = strrchr(text, '@');
	char scope[SCOPE], plain[46];
	struct address a;
	uint16_t port = DNS_PORT;

	address =
	    at != NULL ? (struct span){ text, (size_t)(at - text) } : left;
	if (at != NULL && !parse_port(span_of(at + 1), &port)) {
		*why = memory_printf(
		    "\"%s\": a port is a number from 1 to 65535", text);
		return false;
	}
	if (address.n > 1 && address.p[0] == '[' &&
	    address.p[address.n - 1] == ']')
		address = (struct span){ address.p + 1, address.n - 2 };
	if (!cut_scope(&address, scope) || !address_parse(address, &a)) {
		*why = memory_printf("\"%s\" is no name server: write its IP "
				     "address, 192.0.2.1 or 2001:db8::1, and "
				     "@5353 behind it if its port is not 53",
		    text);
		return false;
	}
	address_format(&a, plain);
	snprintf(out, CONFIG_DNS_SERVER, "%s%s@%u", plain, scope, port);
	return true;
}
