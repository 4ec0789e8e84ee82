/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* bits 128 and the mapped form stay as written; address_parse settles it. */
static bool
parse_text(struct span s, struct address *a)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = { 0 };
	bool six = s.n > 0 && memchr(s.p, ':', s.n) != NULL;

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1)
		return false;
	a->bits = six ? 128 : 32;
	memcpy(a->bytes, bytes, sizeof(bytes));
	return true;
}

/* Take "[...]" and "IPv6:" off, as they stand in HELO and in macros. */
static bool
parse_dressed(struct span s, struct address *a)
{
	static const struct span tag = { "IPv6:", 5 };
	struct address found;
	bool tagged = false;

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct span){ s.p + 1, s.n - 2 };
	if (s.n > tag.n &&
	    span_equal_nocase((struct span){ s.p, tag.n }, tag)) {
		s = (struct span){ s.p + tag.n, s.n - tag.n };
		tagged = true;
	}
	if (!parse_text(s, &found) || (tagged && found.bits != 128))
		return false;
	*a = found;
	return true;
}

static bool
is_mapped(const struct address *a)
{
	return a->bits == 128 && memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

static void
unmap(struct address *a)
{
	a->bits = 32;
	memmove(a->bytes, a->bytes + sizeof(mapped), 4);
	memset(a->bytes + 4, 0, sizeof(a->bytes) - 4);
}

bool
address_parse(struct span s, struct address *a)
{
	if (!parse_dressed(s, a))
		return false;
	if (is_mapped(a))
		unmap(a);
	return true;
}

static bool
parse_prefix(struct span s, unsigned most, unsigned *prefix)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	*prefix = v;
	return v <= most;
}

/* The prefix is as written and host bits are left in. */
static bool
parse_network(struct span s, struct network *n)
{
	struct span text = span_cut(&s, '/');
	bool slash = text.p + text.n != s.p;
	struct address a;
	unsigned prefix;

	if (!parse_dressed(text, &a))
		return false;
	prefix = a.bits;
	if (slash && !parse_prefix(s, a.bits, &prefix))
		return false;
	/* A shorter one than the mapping's own holds more than IPv4. */
	if (is_mapped(&a) && prefix >= 96) {
		unmap(&a);
		prefix -= 96;
	}
	n->address = a;
	n->prefix = (uint8_t)prefix;
	return true;
}

bool
network_parse_loose(struct span s, struct network *n)
{
	if (!parse_network(s, n))
		return false;
	n->address = address_mask(&n->address, n->prefix);
	return true;
}

bool
network_parse(struct span s, struct network *n)
{
	struct network found;
	struct address kept;

	if (!parse_network(s, &found))
		return false;
	kept = address_mask(&found.address, found.prefix);
	if (memcmp(kept.bytes, found.address.bytes, sizeof(kept.bytes)) != 0)
		return false;
	*n = found;
	return true;
}

bool
network_holds(const struct network *n, const struct address *a)
{
	struct address kept = address_mask(a, n->prefix);

	return a->bits != 0 && a->bits == n->address.bits &&
	       memcmp(kept.bytes, n->address.bytes, sizeof(kept.bytes)) == 0;
}

struct address
address_mask(const struct address *a, unsigned prefix)
{
	struct address kept = { .bits = a->bits };
	unsigned most = prefix < a->bits ? prefix : a->bits;

	memcpy(kept.bytes, a->bytes, most / 8);
	if (most % 8 != 0)
		kept.bytes[most / 8] =
		    (uint8_t)(a->bytes[most / 8] & (0xff00u >> most % 8));
	return kept;
}

void
address_format(const struct address *a, char *text)
{
	text[0] = '\0';
	if (a->bits != 0)
		inet_ntop(a->bits == 32 ? AF_INET : AF_INET6, a->bytes, text,
		    INET6_ADDRSTRLEN);
}
