/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "dns/1": look-ups in the Domain Name System.
 *
 * One resolver and one cache for all sessions of a worker; forwarders,
 * validation and limits come from the daemon's configuration (dns-servers
 * and the other dns- options of millrace.conf(5)).  The same question asked
 * by many sessions is sent once.
 *
 * A look-up never fails without an answer: what cannot be found out is
 * MR_DNS_TEMPFAIL with the reason in words.
 */
#ifndef MR_DNS_H
#define MR_DNS_H

#include <millrace/plugin.h>

#define MR_DNS_SERVICE "dns/1"

/* Types of records (RFC 1035, 3.2.2; RFC 3596). */
typedef uint16_t mr_dns_type;
enum {
	MR_DNS_A = 1,
	MR_DNS_PTR = 12,
	MR_DNS_MX = 15,
	MR_DNS_TXT = 16,
	MR_DNS_AAAA = 28,
};

typedef int32_t mr_dns_status;
enum {
	MR_DNS_OK = 0,       /* one record or more */
	MR_DNS_NODATA = 1,   /* the name is there, without this type */
	MR_DNS_NXDOMAIN = 2, /* there is no such name */
	/*
	 * No answer in time, SERVFAIL, REFUSED, garbage, an answer that
	 * fails validation, or a limit of the session is used up.
	 */
	MR_DNS_TEMPFAIL = 3,
	/*
	 * No name that the DNS can hold: an empty label, one of over 63
	 * bytes, or over 253 bytes in all.  Nothing was asked.
	 */
	MR_DNS_BADNAME = 4,
};

struct mr_dns_record {
	/*
	 * A: 4 bytes, AAAA: 16, in network order.  TXT: its strings joined
	 * without anything between (RFC 7208, 3.3; RFC 6376, 3.6.2.2), raw
	 * bytes.  MX, PTR: a name as text, lower case, without the last dot,
	 * "" for the root; bytes that are no letter, digit, "-" or "_" as
	 * \DDD.  A NUL follows that len does not count.
	 */
	const char *data;
	uint32_t len;
	uint16_t preference; /* MX */
};

struct mr_dns_answer {
	mr_dns_status status;
	bool secure;  /* validated by DNSSEC, here */
	uint32_t ttl; /* seconds that it may still be kept; 0 on TEMPFAIL */
	uint32_t count;
	const struct mr_dns_record *records;
	const char *why; /* TEMPFAIL and BADNAME: in words; else NULL */
};

struct mr_dns_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [session] Begin a look-up that a query() will soon want.  Waits for
	 * nothing, and counts against no limit until the query comes.  name:
	 * text without regard to case, a dot at the end is ignored.
	 */
	void (*prefetch)(struct mr_ctx *, const char *name, mr_dns_type);

	/*
	 * [session] The answer, from the cache, from a look-up that is under
	 * way, or from a new one.  Waits at most limit_ms (0: as long as
	 * dns-timeout says), never beyond the deadline of the running
	 * callback, nor beyond what is left of dns-session-time, which like
	 * dns-session-queries begins anew with each message.  Never NULL; it
	 * lives as long as the message (the session outside one).
	 */
	const struct mr_dns_answer *(*query)(
	    struct mr_ctx *, const char *name, mr_dns_type, int64_t limit_ms);

	/*
	 * [any] The name under which the PTR record of an address is found,
	 * "1.2.0.192.in-addr.arpa"; or its labels with another zone in their
	 * place (a list of RFC 5782), "1.2.0.192.list.example".  zone NULL:
	 * in-addr.arpa or ip6.arpa.  NULL: addr is no address in text form.
	 */
	const char *(*reverse)(
	    struct mr_ctx *, const char *addr, const char *zone);
};

#endif
