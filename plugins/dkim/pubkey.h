/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as domains publish them, and signatures checked with them.
 * OpenSSL 3 takes many times longer to read a key than to use it, and much
 * mail comes from few domains: the keys used last are kept ready.
 */
#ifndef DKIM_PUBKEY_H
#define DKIM_PUBKEY_H

#include "record.h"
#include "span.h"

enum { PUBKEY_DIGEST = 32 }; /* SHA-256 */

enum pubkey_answer {
	PUBKEY_RIGHT,
	PUBKEY_WRONG,    /* it is not of that key, or of another text */
	PUBKEY_BROKEN,   /* the key is none of that kind */
	PUBKEY_NO_MEMORY /* or OpenSSL failed */
};

struct pubkeys;

/* [main] NULL: no memory. */
struct pubkeys *pubkeys_create(void);
void pubkeys_destroy(struct pubkeys **);

/*
 * [any] Is signature (base64, blanks allowed) of the digest, with the key in
 * record?  RSASSA-PKCS1-v1_5 with SHA-256 (RFC 6376, 3.3.1), or Ed25519 over
 * the digest (RFC 8463, 3).  *bits: of the key, 0 if it is broken.
 */
enum pubkey_answer pubkeys_check(struct pubkeys *, const struct record *,
    const unsigned char digest[PUBKEY_DIGEST], struct span signature,
    unsigned *bits);

#endif
