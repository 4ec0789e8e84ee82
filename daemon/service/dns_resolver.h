/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: questions go out, answers come in on a thread of its own.
 * The only file that knows libunbound; it knows no session and caches
 * nothing but what validation needs.
 */
#ifndef SERVICE_DNS_RESOLVER_H
#define SERVICE_DNS_RESOLVER_H

#include "config/config.h"
#include "service/dns_answer.h"

struct dns_resolver;

/*
 * [main] Servers, validation and limits come from the globals.  Checks all
 * that can be checked without the network; no thread runs yet.  NULL and
 * *why, which the caller frees, if it cannot work.
 */
struct dns_resolver *dns_resolver_create(
    const struct config_globals *, char **why);
/* Questions under way are dropped; nobody is told. */
void dns_resolver_destroy(struct dns_resolver **);

/* Part of the caller's own struct, which stays until answered() is called. */
struct dns_question {
	/* On the resolver's thread.  The answer is the callee's to drop. */
	void (*answered)(struct dns_question *, struct dns_answer *);
	mr_dns_type type;
	struct dns_resolver *resolver;
};

/*
 * [any] name in the text form of dns_name.h.  The first question starts the
 * thread.  False: it could not be asked, answered() will not be called.
 */
bool dns_resolver_ask(
    struct dns_resolver *, const char *name, struct dns_question *);

#endif
