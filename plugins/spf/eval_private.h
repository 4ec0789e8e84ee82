/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of an evaluation share, and nobody else needs. */
#ifndef SPF_EVAL_PRIVATE_H
#define SPF_EVAL_PRIVATE_H

#include "eval.h"

enum {
	EXPANDED = 1024, /* room for a domain-spec, of which the end counts */
	EXPANDED_KEEP = 256
};

/* One more term asks (RFC 7208, 4.6.4).  False: the evaluation ends here. */
bool eval_count_term(struct eval *);

/* The answer, or an error where the time is up or the evaluation stopped. */
const struct mr_dns_answer *eval_ask(
    struct eval *, const char *name, mr_dns_type);

/* The same, where an error ends the evaluation. */
bool eval_ask_or_stop(struct eval *, const char *name, mr_dns_type,
    const struct mr_dns_answer **);

/*
 * target-name of a term (RFC 7208, 4.8), within buffer (EXPANDED).  n is 0 if
 * the DNS cannot have it.
 */
struct span eval_target(struct eval *, const struct eval_record *,
    const struct term *, char *buffer);

/* A or AAAA, as the client's address is. */
mr_dns_type eval_address_type(const struct eval *);

/* %{p} (RFC 7208, 7.3): the domain itself, one below it, or any. */
struct span names_client(struct eval *, struct span domain);

/* Is a validated name of the client the domain, or below it? */
bool names_within(struct eval *, const char *domain);

#endif
