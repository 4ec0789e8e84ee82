/* SPDX-License-Identifier: Apache-2.0 */
#include "service/dns_name.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"

enum {
	LABEL_MAX = 63, /* RFC 1035, 2.3.4 */
	WIRE_MAX = 255,
	POINTER = 0xc0,
};

/* Where a byte goes in text form; returns how long that is. */
static size_t
spell(unsigned char byte, char out[5])
{
	bool plain =
	    byte < 128 && (isalnum(byte) || byte == '-' || byte == '_');

	if (plain)
		return (size_t)snprintf(out, 5, "%c", tolower(byte));
	return (size_t)snprintf(out, 5, "\\%03u", byte);
}

/* One byte of a label, escapes undone; moves *text behind it. */
static bool
read_byte(const char **text, unsigned char *byte)
{
	const char *p = *text;
	unsigned value;

	if (*p != '\\') {
		*byte = (unsigned char)*p;
		*text = p + 1;
		return true;
	}
	p++;
	if (!isdigit((unsigned char)*p)) {
		*byte = (unsigned char)*p;
		*text = p + (*p != '\0');
		return *p != '\0';
	}
	if (!isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2]))
		return false;
	value = (unsigned)(p[0] - '0') * 100 + (unsigned)(p[1] - '0') * 10 +
		(unsigned)(p[2] - '0');
	*byte = (unsigned char)value;
	*text = p + 3;
	return value <= UINT8_MAX;
}

bool
dns_name_fold(const char *text, char out[DNS_NAME])
{
	size_t n = 0, label = 0, wire = 1;
	unsigned char byte;

	while (*text != '\0') {
		if (*text == '.') {
			if (label == 0)
				return false;
			if (*++text == '\0')
				break;
			out[n++] = '.';
			label = 0;
			continue;
		}
		if (!read_byte(&text, &byte) || ++label > LABEL_MAX)
			return false;
		wire += label == 1 ? 2 : 1;
		if (wire > WIRE_MAX)
			return false;
		n += spell(byte, out + n);
	}
	out[n] = '\0';
	return label > 0;
}

bool
dns_name_text(struct span *in, struct buf *out)
{
	size_t at = 0, start = out->n;
	char text[5];

	for (;;) {
		size_t label;

		if (at >= in->n || at >= WIRE_MAX)
			return false;
		label = (unsigned char)in->p[at++];
		if (label == 0)
			break;
		if ((label & POINTER) != 0 || label > in->n - at)
			return false;
		if (out->n > start)
			buf_char(out, '.');
		for (; label > 0; label--)
			buf_put(
			    out, text, spell((unsigned char)in->p[at++], text));
	}
	in->p += at;
	in->n -= at;
	return true;
}

bool
dns_name_reverse(const char *addr, const char *zone, struct buf *out)
{
	struct address a;

	if (!address_parse(span_of(addr), &a))
		return false;
	if (a.bits == 32) {
		buf_printf(out, "%u.%u.%u.%u.", a.bytes[3], a.bytes[2],
		    a.bytes[1], a.bytes[0]);
		buf_text(out, zone != NULL ? zone : "in-addr.arpa");
		return true;
	}
	for (int i = 15; i >= 0; i--)
		buf_printf(out, "%x.%x.", a.bytes[i] & 15, a.bytes[i] >> 4);
	buf_text(out, zone != NULL ? zone : "ip6.arpa");
	return true;
}
