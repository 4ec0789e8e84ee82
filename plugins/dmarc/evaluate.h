/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DMARC says of one author domain (RFC 9989, 5.3), given the results of
 * SPF and DKIM.  Decides nothing about the message.  Pure, as walk.h is.
 */
#ifndef DMARC_EVALUATE_H
#define DMARC_EVALUATE_H

#include "walk.h"

enum result {
	RESULT_NONE, /* there is no record: DMARC does not apply */
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_TEMPERROR,
	RESULT_PERMERROR, /* a record that nothing can be made of */
	RESULTS
};

enum alignment {
	ALIGN_NO,
	ALIGN_RELAXED,
	ALIGN_EXACT,   /* the same domain */
	ALIGN_UNKNOWN, /* a look-up failed */
};

enum { IDENTIFIERS = 21 }; /* SPF, and 20 signatures */

/* A domain that SPF or a signature speaks for (RFC 9989, 3.2.1). */
struct identifier {
	const char *domain;       /* as walk.h wants it; NULL: it is no name */
	const char *result;       /* "pass", "fail", ... */
	const char *selector;     /* of a signature; NULL: it is SPF's */
	enum alignment alignment; /* set by evaluate() if it could matter */
};

struct evaluation {
	enum result result;
	const char *author;
	struct walk walk;               /* of the author domain */
	bool spf_aligned, dkim_aligned; /* and passed */
	enum policy policy;      /* what the record asks for in this case */
	const char *tag;         /* that says so: "p", "sp", "np" */
	enum policy disposition; /* of a failure: the policy, after t=y */
	const char *why;         /* of an error */
};

/* ids: their alignment is written. */
struct evaluation evaluate(const struct walk_source *, const char *author,
    struct identifier *ids, size_t count);

const char *result_name(enum result);

#endif
