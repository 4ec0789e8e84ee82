/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <millrace/spell.h>

void
entry_spell(char out[ENTRY_PART_BYTES + 1], const char *text)
{
	mr_spell(out, ENTRY_PART_BYTES + 1, text, true);
}

void
entry_network(char out[ENTRY_PART_BYTES + 1], const char *addr, unsigned bits4,
    unsigned bits6)
{
	unsigned char bytes[16] = { 0 };
	int family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned bits = family == AF_INET6 ? bits6 : bits4;
	unsigned size = family == AF_INET6 ? 16 : 4;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(family, addr, bytes) != 1) {
		entry_spell(out, addr[0] != '\0' ? addr : "unknown");
		return;
	}
	for (unsigned i = 0; i < size; i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			bytes[i] &= (unsigned char)(0xff00 >> kept);
	}
	inet_ntop(family, bytes, text, sizeof(text));
	snprintf(out, ENTRY_PART_BYTES + 1, "%s/%u", text, bits);
}

size_t
entry_name(char out[ENTRY_NAME_BYTES], const char *origin, const char *domain,
    const char *recipient)
{
	int n = snprintf(out, ENTRY_NAME_BYTES, "g %.*s %.*s %.*s",
	    ENTRY_PART_BYTES, origin, ENTRY_PART_BYTES, domain,
	    ENTRY_PART_BYTES, recipient);

	return (size_t)n;
}

size_t
entry_pool_name(char out[ENTRY_NAME_BYTES], const char *origin)
{
	return (size_t)snprintf(
	    out, ENTRY_NAME_BYTES, "p %.*s", ENTRY_PART_BYTES, origin);
}

/* The next word of a name. */
static bool
take_part(const char **at, const char *end, char out[ENTRY_PART_BYTES + 1])
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t n = (size_t)((blank != NULL ? blank : end) - *at);

	if (n == 0 || n > ENTRY_PART_BYTES)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + (blank != NULL);
	return true;
}

bool
entry_name_parse(const char *name, size_t n, struct entry_parts *out)
{
	const char *at = name + 2, *end = name + n;
	struct entry_parts parts;

	if (n < 3 || name[0] != 'g' || name[1] != ' ' || end[-1] == ' ' ||
	    memchr(name, '\0', n) != NULL)
		return false;
	if (!take_part(&at, end, parts.origin) ||
	    !take_part(&at, end, parts.domain) ||
	    !take_part(&at, end, parts.recipient) || at != end)
		return false;
	*out = parts;
	return true;
}

size_t
entry_print(char out[ENTRY_VALUE_BYTES], const struct entry *e)
{
	return (size_t)snprintf(out, ENTRY_VALUE_BYTES, "%c %lld",
	    e->state == ENTRY_PASSED ? 'P' : 'W', (long long)e->since_ms);
}

bool
entry_parse(const char *text, size_t n, struct entry *out)
{
	int64_t ms = 0;

	if (n < 3 || n > 20 || (text[0] != 'P' && text[0] != 'W') ||
	    text[1] != ' ')
		return false;
	for (size_t i = 2; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		ms = ms * 10 + (text[i] - '0');
	}
	out->state = text[0] == 'P' ? ENTRY_PASSED : ENTRY_WAITS;
	out->since_ms = ms;
	return true;
}
