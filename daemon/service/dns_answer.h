/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the DNS as <millrace/dns.h> shows them, out of the bytes of
 * their records.  Pure: knows no resolver.
 */
#ifndef SERVICE_DNS_ANSWER_H
#define SERVICE_DNS_ANSWER_H

#include <stdatomic.h>

#include "base/span.h"
#include "millrace/dns.h"

/*
 * One block of memory: the answer, its records, their bytes and the reason.
 * It is not changed once it is shared.
 */
struct dns_answer {
	struct mr_dns_answer answer;
	size_t bytes; /* of the block */
	_Atomic unsigned holders;
};

/* [any] Made with one holder; the last one that drops it frees it. */
struct dns_answer *dns_answer_hold(struct dns_answer *);
void dns_answer_drop(struct dns_answer **);

/* One without records.  why: the reason of a failure, else NULL; copied. */
struct dns_answer *dns_answer_empty(mr_dns_status, const char *why);

/*
 * Decode the records' data (RFC 1035, 3.3; uncompressed).  If one is
 * malformed, or all are longer than limit, it is a TEMPFAIL that says so.
 */
struct dns_answer *dns_answer_decode(
    mr_dns_type, const struct span *rdata, uint32_t count, size_t limit);

/* The same in another place of at least from->bytes. */
struct mr_dns_answer *dns_answer_copy(
    const struct dns_answer *from, void *place);

#endif
