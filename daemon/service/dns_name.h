/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the DNS, between text and bytes.  The one text form, which
 * <millrace/dns.h> promises to plugins and which keys the cache: lower case,
 * no dot at the end, and what is no letter, digit, "-" or "_" as \DDD.
 */
#ifndef SERVICE_DNS_NAME_H
#define SERVICE_DNS_NAME_H

#include "base/buf.h"
#include "base/span.h"

/* Of a text form with its NUL: 253 bytes, each at most four characters. */
enum { DNS_NAME = 253 * 4 + 1 };

/*
 * The text form of what somebody wrote; \DDD and a backslash before any other
 * byte are understood (RFC 1035, 5.1).  False: the DNS can hold no such name
 * (an empty label, one of over 63 bytes, over 253 bytes in all).
 */
bool dns_name_fold(const char *text, char out[DNS_NAME]);

/*
 * Append the text form of an uncompressed name that in begins with; what is
 * behind it stays in *in.  False: it is none.
 */
bool dns_name_text(struct span *in, struct buf *out);

/*
 * The name of an address's PTR record, or of its entry in a list (RFC 5782):
 * zone NULL is in-addr.arpa or ip6.arpa.  False: addr is no address.
 */
bool dns_name_reverse(const char *addr, const char *zone, struct buf *out);

#endif
