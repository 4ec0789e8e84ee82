/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DKIM-Signature field of a message (RFC 6376, 5).  Signs for itself,
 * with keys that were decoded once: libopendkim decodes a key for every
 * message, which is most of its work (millrace-dkim(5), NOTES ON SPEED).
 */
#ifndef DKIM_SIGN_H
#define DKIM_SIGN_H

#include "bodyhash.h"
#include "key.h"
#include "verify.h"

struct sign_rules {
	bool relaxed_header, relaxed_body;
	const char *const *headers; /* names, in order; NULL at the end */
	const char *const *oversigned;
	int64_t expire_s; /* x= after t=; 0: none */
};

struct sign_identity {
	const struct key *key;
	const char *domain, *selector;
	const char *identity; /* NULL: none */
};

/* Is the name in a list that ends with NULL? */
bool sign_lists(const char *const *list, const char *name);

/*
 * The value of the field; the caller frees it.  now: Unix time.  NULL: no
 * memory, or OpenSSL failed.
 *
 * A field of rules->headers is signed as often as it is there; one that is
 * in rules->oversigned once more, so that none can be added.  Date and
 * Message-ID are not oversigned if they are missing: an MTA adds them after
 * us.
 */
char *sign_field(const struct sign_rules *, const struct verify_message *,
    const struct bodyhash *, const struct sign_identity *, int64_t now);

#endif
