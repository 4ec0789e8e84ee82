/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a body (RFC 6376, 3.7), for signing and for verifying. */
#ifndef DKIM_BODYHASH_H
#define DKIM_BODYHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BODYHASH_BYTES = 32, BODYHASH_TEXT = 45 };

struct bodyhash {
	unsigned char digest[BODYHASH_BYTES];
	int64_t length; /* of the whole body, canonicalized */
};

/*
 * SHA-256 of the first limit bytes of the canonicalized body, of all of it if
 * limit is negative.  False: OpenSSL failed.
 */
bool bodyhash(
    bool relaxed, int64_t limit, const char *body, size_t n, struct bodyhash *);

/* In base64, as it stands in bh=. */
void bodyhash_text(const struct bodyhash *, char out[BODYHASH_TEXT]);

#endif
