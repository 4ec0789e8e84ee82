/* SPDX-License-Identifier: Apache-2.0 */
/* Which slot a key has, and what a redirection says (cluster specification). */
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "service/redis_private.h"

/* CRC16 with the polynomial 0x1021 and 0 at first (XMODEM). */
static uint16_t
crc16(const unsigned char *p, size_t n)
{
	uint16_t crc = 0;

	while (n-- > 0) {
		crc ^= (uint16_t)(*p++ << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021
						      : crc << 1);
	}
	return crc;
}

uint16_t
redis_slot(struct mr_bytes key)
{
	const unsigned char *p = key.p, *open, *close;

	open = memchr(p, '{', key.n);
	if (open == NULL)
		return crc16(p, key.n) % REDIS_SLOTS;
	open++;
	close = memchr(open, '}', (size_t)(p + key.n - open));
	if (close == NULL || close == open)
		return crc16(p, key.n) % REDIS_SLOTS;
	return crc16(open, (size_t)(close - open)) % REDIS_SLOTS;
}

static bool
number(struct span s, unsigned long most, unsigned long *out)
{
	*out = 0;
	if (s.n == 0 || s.n > 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = *out * 10 + (unsigned long)(s.p[i] - '0');
	}
	return *out <= most;
}

bool
redis_redirection(const char *error, bool *ask, uint16_t *slot,
    char host[DATABASE_TEXT], uint16_t *port)
{
	struct span rest = span_of(error), word = span_cut(&rest, ' ');
	struct span at = span_cut(&rest, ' ');
	unsigned long slot_number, port_number;
	const char *colon = NULL;

	*ask = span_equal(word, span_of("ASK"));
	if ((!*ask && !span_equal(word, span_of("MOVED"))) ||
	    !number(at, REDIS_SLOTS - 1, &slot_number))
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == ':')
			colon = rest.p + i; /* an IPv6 address has more */
	if (colon == NULL || colon - rest.p >= DATABASE_TEXT ||
	    !number((struct span){ colon + 1,
			(size_t)(rest.p + rest.n - colon - 1) },
		UINT16_MAX, &port_number) ||
	    port_number == 0)
		return false;
	memcpy(host, rest.p, (size_t)(colon - rest.p));
	host[colon - rest.p] = '\0';
	*slot = (uint16_t)slot_number;
	*port = (uint16_t)port_number;
	return true;
}
