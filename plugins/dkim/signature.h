/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DKIM-Signature field as it came (RFC 6376, 3.5): what it claims, and
 * whether that can be checked at all.  Pure.
 */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include <stdint.h>

#include "span.h"

enum signature_algorithm {
	ALGORITHM_UNKNOWN,
	ALGORITHM_RSA_SHA1, /* known, and not to be used (RFC 8301) */
	ALGORITHM_RSA_SHA256,
	ALGORITHM_ED25519,
};

struct signature {
	enum signature_algorithm algorithm;
	/* Tags as they stand; p is NULL if there is none. */
	struct span a, b, bh, c, d, h, i, l, q, s, t, v, x;
	int64_t signed_at, expires; /* Unix time, -1: not given */
	int64_t body_length;        /* l=, -1: not given */
	bool is_utf8;               /* RFC 8616: not ASCII alone */
};

/*
 * What became of it, in the words of RFC 8601, 2.7.1.  Only for a signature
 * that can be checked is a key looked up.
 */
enum signature_state {
	SIGNATURE_CHECKABLE,
	SIGNATURE_NEUTRAL,   /* not to be understood */
	SIGNATURE_POLICY,    /* understood, and not acceptable */
	SIGNATURE_PERMERROR, /* invalid */
};

/*
 * Read a field's value.  *why says what is wrong unless it is checkable.
 * now: Unix time; clocks may differ by SIGNATURE_DRIFT seconds.  The tags
 * are filled as far as the value is a list of tags.
 */
enum signature_state signature_read(
    struct span value, int64_t now, struct signature *, const char **why);

enum { SIGNATURE_DRIFT = 300 };

/* "rsa-sha256" */
const char *signature_algorithm_name(enum signature_algorithm);

/* How many fields of that name does it sign? */
size_t signature_covers(const struct signature *, const char *name);

#endif
