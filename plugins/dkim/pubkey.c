/* SPDX-License-Identifier: Apache-2.0 */
#include "pubkey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { PLACES = 1024, ED25519_KEY_BYTES = 32, SIGNATURE_BYTES = 2048 };

/* One key a place; who comes later takes it. */
struct place {
	EVP_PKEY *key;
	bool ed25519;
	char *text; /* base64, as published */
};

struct pubkeys {
	pthread_mutex_t lock; /* guards the places */
	struct place places[PLACES];
};

struct pubkeys *
pubkeys_create(void)
{
	struct pubkeys *k = calloc(1, sizeof(*k));

	if (k != NULL)
		pthread_mutex_init(&k->lock, NULL);
	return k;
}

static void
clear_place(struct place *p)
{
	EVP_PKEY_free(p->key);
	free(p->text);
	*p = (struct place){ 0 };
}

void
pubkeys_destroy(struct pubkeys **keys)
{
	struct pubkeys *k = *keys;

	if (k == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		clear_place(&k->places[i]);
	pthread_mutex_destroy(&k->lock);
	free(k);
	*keys = NULL;
}

/* FNV-1a: who shares a place by chance is only read again. */
static struct place *
place_of(struct pubkeys *k, const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return &k->places[(h ^ h >> 16) % PLACES];
}

/* Base64 without its blanks; the length, 0: it is none, or too long. */
static size_t
decode_base64(struct span text, unsigned char *out, size_t size)
{
	unsigned char packed[4 * SIGNATURE_BYTES / 3 + 4];
	size_t n = 0, padding = 0;
	int length;

	for (size_t i = 0; i < text.n; i++) {
		if (span_blank(text.p[i]))
			continue;
		if (n == sizeof(packed))
			return 0;
		padding += text.p[i] == '=';
		packed[n++] = (unsigned char)text.p[i];
	}
	/* Some leave the padding out. */
	for (; n % 4 != 0 && n < sizeof(packed); padding++)
		packed[n++] = '=';
	if (padding > 2 || n / 4 * 3 > size)
		return 0;
	length = EVP_DecodeBlock(out, packed, (int)n);
	return length > 2 ? (size_t)length - padding : 0;
}

static EVP_PKEY *
read_published(const struct record *r)
{
	unsigned char bytes[SIGNATURE_BYTES];
	const unsigned char *p = bytes;
	size_t n = decode_base64(span_of(r->key), bytes, sizeof(bytes));
	EVP_PKEY *key;

	if (r->ed25519)
		return n == ED25519_KEY_BYTES
			   ? EVP_PKEY_new_raw_public_key(
				 EVP_PKEY_ED25519, NULL, p, n)
			   : NULL;
	key = d2i_PUBKEY(NULL, &p, (long)n);
	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* Of one's own: to be freed. */
static EVP_PKEY *
find_ready(struct pubkeys *k, const struct record *r)
{
	const struct place *p = place_of(k, r->key);
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&k->lock);
	if (p->key != NULL && p->ed25519 == r->ed25519 &&
	    strcmp(p->text, r->key) == 0 && EVP_PKEY_up_ref(p->key) == 1)
		key = p->key;
	pthread_mutex_unlock(&k->lock);
	return key;
}

static void
keep_ready(struct pubkeys *k, const struct record *r, EVP_PKEY *key)
{
	struct place *p = place_of(k, r->key), old;
	char *text = strdup(r->key);

	if (text == NULL || EVP_PKEY_up_ref(key) != 1) {
		free(text);
		return;
	}
	pthread_mutex_lock(&k->lock);
	old = *p;
	*p = (struct place){ key, r->ed25519, text };
	pthread_mutex_unlock(&k->lock);
	clear_place(&old);
}

/* 1: it is right; 0: it is not; below: OpenSSL failed. */
static int
check_rsa(EVP_PKEY *key, const unsigned char *digest, const unsigned char *s,
    size_t n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	int right = -1;

	if (c != NULL && EVP_PKEY_verify_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1)
		right = EVP_PKEY_verify(c, s, n, digest, PUBKEY_DIGEST) == 1;
	EVP_PKEY_CTX_free(c);
	return right;
}

static int
check_ed25519(EVP_PKEY *key, const unsigned char *digest,
    const unsigned char *s, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int right = -1;

	if (c != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1)
		right = EVP_DigestVerify(c, s, n, digest, PUBKEY_DIGEST) == 1;
	EVP_MD_CTX_free(c);
	return right;
}

enum pubkey_answer
pubkeys_check(struct pubkeys *k, const struct record *r,
    const unsigned char digest[PUBKEY_DIGEST], struct span signature,
    unsigned *bits)
{
	unsigned char s[SIGNATURE_BYTES];
	size_t n = decode_base64(signature, s, sizeof(s));
	EVP_PKEY *key = find_ready(k, r);
	int right = -1;

	*bits = 0;
	if (key == NULL && (key = read_published(r)) != NULL)
		keep_ready(k, r, key);
	if (key != NULL) {
		*bits = (unsigned)EVP_PKEY_get_bits(key);
		right = r->ed25519 ? check_ed25519(key, digest, s, n)
				   : check_rsa(key, digest, s, n);
	}
	ERR_clear_error(); /* of this thread: what is wrong is told here */
	if (key == NULL)
		return PUBKEY_BROKEN;
	EVP_PKEY_free(key);
	if (right < 0)
		return PUBKEY_NO_MEMORY;
	return right == 1 ? PUBKEY_RIGHT : PUBKEY_WRONG;
}
