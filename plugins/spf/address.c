/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/* inet_pton() wants a string, and no NUL before its end. */
static bool
parse(int family, struct span s, void *bytes)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, bytes) == 1;
}

bool
address_parse_ip4(struct span s, struct address *a)
{
	struct address parsed = { .bits = 32 };

	if (!parse(AF_INET, s, parsed.bytes))
		return false;
	*a = parsed;
	return true;
}

bool
address_parse_ip6(struct span s, struct address *a)
{
	struct address parsed = { .bits = 128 };

	if (!parse(AF_INET6, s, parsed.bytes))
		return false;
	*a = parsed;
	return true;
}

bool
address_parse(struct span s, struct address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address six;

	if (address_parse_ip4(s, a))
		return true;
	if (!address_parse_ip6(s, &six))
		return false;
	if (memcmp(six.bytes, mapped, sizeof(mapped)) == 0) {
		*a = (struct address){ .bits = 32 };
		memcpy(a->bytes, six.bytes + sizeof(mapped), 4);
	} else {
		*a = six;
	}
	return true;
}

bool
address_in(const struct address *a, const struct address *network, uint8_t bits)
{
	size_t whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	if (a->bits != network->bits || bits > a->bits)
		return false;
	if (memcmp(a->bytes, network->bytes, whole) != 0)
		return false;
	return bits % 8 == 0 ||
	       ((a->bytes[whole] ^ network->bytes[whole]) & mask) == 0;
}

void
address_print(const struct address *a, struct text *t)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(a->bits == 32 ? AF_INET : AF_INET6, a->bytes, text,
		sizeof(text)) != NULL)
		text_string(t, text);
}

void
address_print_dotted(const struct address *a, struct text *t)
{
	static const char hex[] = "0123456789ABCDEF";

	if (a->bits == 32) {
		address_print(a, t);
		return;
	}
	for (size_t i = 0; i < 32; i++) {
		uint8_t byte = a->bytes[i / 2];

		if (i > 0)
			text_char(t, '.');
		text_char(t, hex[i % 2 == 0 ? byte >> 4 : byte & 15]);
	}
}
