/* SPDX-License-Identifier: Apache-2.0 */
/* check_host() (RFC 7208, 4), and whom to ask it about. */
#ifndef SPF_CHECK_H
#define SPF_CHECK_H

#include "eval.h"

struct check {
	enum result result;
	const char *domain;      /* that was asked about */
	const char *why;         /* of an error, in words; or NULL */
	const char *path;        /* the terms that matched, or NULL */
	const char *explanation; /* of exp=, or NULL */
	uint32_t terms, voids;
	bool late;   /* a temperror because its time was up */
	bool broken; /* an error that is ours, not the domain's */
};

/*
 * Fill in the identity of a sender: sender "" is the HELO name's postmaster
 * (RFC 7208, 2.4), a sender without local part is its domain's.  Domains in
 * U-labels become A-labels (RFC 8616) where there is somebody to ask.
 */
void check_identify(
    struct mr_ctx *, struct eval_facts *, const char *sender, const char *helo);

/*
 * Evaluate.  record: in place of what the domain publishes, if n > 0; it has
 * no fault.  explain: ask for the text of exp= after a fail.
 */
void check_host(struct mr_ctx *, const struct eval_facts *, struct span record,
    bool explain, struct check *);

#endif
