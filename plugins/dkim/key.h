/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: read once, then only used.  Knows no mail. */
#ifndef DKIM_KEY_H
#define DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "record.h"

enum { KEY_SIGNATURE_BYTES = 1024, KEY_DIGEST_BYTES = 32 };

struct key {
	EVP_PKEY *pkey;
	enum signature_algorithm algorithm;
	unsigned bits;
	char public[RECORD_KEY_BYTES + 1]; /* p= of its record */
};

/*
 * Read a private key in PEM.  It must be a file that nobody but its owner may
 * read, who is root or whom this process runs as (root accepts any owner).
 * On failure *why (the caller frees it) says what to do.
 */
bool key_load(const char *path, struct key *, char **why);
/* bits: of RSA; ignored for Ed25519. */
bool key_generate(enum signature_algorithm, unsigned bits, struct key *);
void key_finish(struct key *);

/* The private key as PEM (PKCS#8); the caller frees it.  NULL: no memory. */
char *key_pem(const struct key *, size_t *len);

/*
 * [any] Sign a SHA-256 digest: RSA as RFC 6376, 3.3.3, Ed25519 as RFC 8463,
 * 3.  Returns the number of bytes, 0 if it failed.
 */
size_t key_sign(const struct key *,
    const unsigned char digest[KEY_DIGEST_BYTES],
    unsigned char out[KEY_SIGNATURE_BYTES]);

#endif
