/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/ec.h>

#include "../../plugins/dkim/pubkey.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { KEYS = 3000 }; /* more than there are places */

static const unsigned char digest[PUBKEY_DIGEST] =
    "a digest of 32 bytes, to be sig";
static const unsigned char other[PUBKEY_DIGEST] =
    "another digest of 32 bytes, to ";

/* A key, its record, and its signature of the digest. */
struct signer {
	EVP_PKEY *key;
	struct record record;
	char signature[800];
};

static void
publish(struct signer *s, bool ed25519)
{
	unsigned char *bytes = NULL, raw[ED25519_KEY_BYTES];
	size_t n = sizeof(raw);
	int length;

	s->record = (struct record){ .ed25519 = ed25519 };
	if (ed25519) {
		assert_int_equal(
		    EVP_PKEY_get_raw_public_key(s->key, raw, &n), 1);
		EVP_EncodeBlock((unsigned char *)s->record.key, raw, (int)n);
		return;
	}
	length = i2d_PUBKEY(s->key, &bytes);
	assert_in_range(length, 1, RECORD_KEY_BYTES * 3 / 4);
	EVP_EncodeBlock((unsigned char *)s->record.key, bytes, length);
	OPENSSL_free(bytes);
}

static void
sign(struct signer *s)
{
	unsigned char bytes[600];
	size_t n = sizeof(bytes);
	EVP_PKEY_CTX *rsa;
	EVP_MD_CTX *ed;

	if (s->record.ed25519) {
		assert_non_null(ed = EVP_MD_CTX_new());
		assert_int_equal(
		    EVP_DigestSignInit(ed, NULL, NULL, NULL, s->key), 1);
		assert_int_equal(
		    EVP_DigestSign(ed, bytes, &n, digest, sizeof(digest)), 1);
		EVP_MD_CTX_free(ed);
	} else {
		assert_non_null(rsa = EVP_PKEY_CTX_new(s->key, NULL));
		assert_int_equal(EVP_PKEY_sign_init(rsa), 1);
		EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING);
		EVP_PKEY_CTX_set_signature_md(rsa, EVP_sha256());
		assert_int_equal(
		    EVP_PKEY_sign(rsa, bytes, &n, digest, sizeof(digest)), 1);
		EVP_PKEY_CTX_free(rsa);
	}
	EVP_EncodeBlock((unsigned char *)s->signature, bytes, (int)n);
}

static void
make(struct signer *s, bool ed25519)
{
	s->key = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
			 : EVP_RSA_gen(1024);
	assert_non_null(s->key);
	publish(s, ed25519);
	sign(s);
}

static enum pubkey_answer
check(struct pubkeys *k, const struct signer *s, const unsigned char *text,
    unsigned bits)
{
	unsigned found;
	enum pubkey_answer a =
	    pubkeys_check(k, &s->record, text, span_of(s->signature), &found);

	assert_int_equal(found, bits);
	return a;
}

/* Both the first time, when the key is read, and later. */
static void
test_right_and_wrong(void **state)
{
	struct pubkeys *k = pubkeys_create();
	struct signer rsa, ed, second;

	(void)state;
	make(&rsa, false);
	make(&ed, true);
	make(&second, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(check(k, &rsa, digest, 1024), PUBKEY_RIGHT);
		assert_int_equal(check(k, &rsa, other, 1024), PUBKEY_WRONG);
		assert_int_equal(check(k, &ed, other, 256), PUBKEY_WRONG);
		assert_int_equal(check(k, &ed, digest, 256), PUBKEY_RIGHT);
	}
	/* Signed by somebody else. */
	memcpy(second.signature, rsa.signature, sizeof(rsa.signature));
	assert_int_equal(check(k, &second, digest, 1024), PUBKEY_WRONG);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(ed.key);
	EVP_PKEY_free(second.key);
	pubkeys_destroy(&k);
}

static void
test_spelling(void **state)
{
	struct pubkeys *k = pubkeys_create();
	struct signer s, folded;
	size_t n;

	(void)state;
	make(&s, true);
	folded = s;
	snprintf(folded.signature, sizeof(folded.signature),
	    " %.20s\r\n\t %.700s", s.signature, s.signature + 20);
	assert_int_equal(check(k, &folded, digest, 256), PUBKEY_RIGHT);
	/* Without its padding. */
	n = strlen(s.signature);
	assert_int_equal(s.signature[n - 1], '=');
	s.signature[strcspn(s.signature, "=")] = '\0';
	assert_int_equal(check(k, &s, digest, 256), PUBKEY_RIGHT);
	s.signature[n / 2] = '\0';
	assert_int_equal(check(k, &s, digest, 256), PUBKEY_WRONG);
	memset(s.signature, 'A', sizeof(s.signature) - 1);
	s.signature[sizeof(s.signature) - 1] = '\0';
	assert_int_equal(check(k, &s, digest, 256), PUBKEY_WRONG);
	EVP_PKEY_free(s.key);
	pubkeys_destroy(&k);
}

static void
test_broken(void **state)
{
	static const char *const keys[] = { "", "AAAA", "MIGfMA0GCSqGSIb3",
		"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" };
	struct pubkeys *k = pubkeys_create();
	struct signer s = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(s.record.key, sizeof(s.record.key), "%s", keys[i]);
		assert_int_equal(check(k, &s, digest, 0), PUBKEY_BROKEN);
	}
	/* A key, but of another kind; and not of the length. */
	s.key = EVP_EC_gen("P-256");
	publish(&s, false);
	assert_int_equal(check(k, &s, digest, 0), PUBKEY_BROKEN);
	EVP_PKEY_free(s.key);
	s.record = (struct record){ .ed25519 = true, .key = "AAAA" };
	assert_int_equal(check(k, &s, digest, 0), PUBKEY_BROKEN);
	assert_int_equal(ERR_peek_error(), 0);
	pubkeys_destroy(&k);
}

/* Who takes another's place takes nothing else. */
static void
test_many(void **state)
{
	struct signer *s = calloc(KEYS, sizeof(*s));
	struct pubkeys *k = pubkeys_create();

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < KEYS; i++)
		make(&s[i], true);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < KEYS; i++) {
			const struct signer *next = &s[(i + 1) % KEYS];
			struct signer mixed = s[i];

			assert_int_equal(
			    check(k, &s[i], digest, 256), PUBKEY_RIGHT);
			memcpy(mixed.signature, next->signature,
			    sizeof(mixed.signature));
			assert_int_equal(
			    check(k, &mixed, digest, 256), PUBKEY_WRONG);
		}
	for (int i = 0; i < KEYS; i++)
		EVP_PKEY_free(s[i].key);
	pubkeys_destroy(&k);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_and_wrong),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
