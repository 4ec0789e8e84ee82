/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks: what is taken must survive being written again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static bool
same(const struct address *a, const struct address *b)
{
	return a->bits == b->bits &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static void
check_address(struct span in)
{
	struct address a, again;
	char text[46];

	if (!address_parse(in, &a))
		return;
	must(a.bits == 32 || a.bits == 128);
	memset(text, 'x', sizeof(text));
	address_format(&a, text);
	must(memchr(text, '\0', sizeof(text)) != NULL);
	must(address_parse(span_of(text), &again) && same(&a, &again));
}

static void
check_network(struct span in)
{
	struct network strict, loose, again;
	char text[46], whole[64];

	if (!network_parse_loose(in, &loose)) {
		must(!network_parse(in, &strict));
		return;
	}
	must(loose.prefix <= loose.address.bits);
	must(network_holds(&loose, &loose.address));
	address_format(&loose.address, text);
	snprintf(whole, sizeof(whole), "%s/%u", text, (unsigned)loose.prefix);
	must(network_parse(span_of(whole), &again));
	must(same(&again.address, &loose.address));
	must(again.prefix == loose.prefix);
	if (network_parse(in, &strict))
		must(same(&strict.address, &loose.address) &&
		     strict.prefix == loose.prefix);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };

	check_address(in);
	check_network(in);
	return 0;
}
