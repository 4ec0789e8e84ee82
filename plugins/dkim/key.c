/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
	FILE_BYTES = 64 * 1024,
	ED25519_BYTES = 32,
	KEY_ED25519_BITS = 256,
	RSA_LEAST = 1024, /* RFC 8301, 3.2 */
	RSA_MOST = 4096,  /* more does not fit into what others read */
};

static bool
refuse_key(char **why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(why, format, args) == -1)
		*why = NULL;
	va_end(args);
	return false;
}

static bool
may_trust(const char *path, const struct stat *st, char **why)
{
	if (!S_ISREG(st->st_mode))
		return refuse_key(why, "%s: not a file", path);
	if (st->st_mode & 077)
		return refuse_key(why,
		    "%s: others may read or write it (mode %03o); "
		    "chmod 600 it",
		    path, (unsigned)st->st_mode & 0777);
	if (geteuid() != 0 && st->st_uid != geteuid() && st->st_uid != 0)
		return refuse_key(why,
		    "%s: it belongs to user %u, not to the one that "
		    "millraced runs as; chown it",
		    path, (unsigned)st->st_uid);
	if (st->st_size == 0 || st->st_size > FILE_BYTES)
		return refuse_key(why, "%s: not a private key in PEM", path);
	return true;
}

static bool
read_all(int fd, char *out, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, out + n, size - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return true;
}

/* A key behind a password is of no use to a daemon; never ask for one. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
parse(const char *bytes, size_t n)
{
	BIO *in = BIO_new_mem_buf(bytes, (int)n);
	EVP_PKEY *pkey = NULL;

	if (in != NULL)
		pkey = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	BIO_free(in);
	ERR_clear_error();
	return pkey;
}

static bool
describe_ed25519(struct key *k)
{
	unsigned char raw[ED25519_BYTES];
	size_t n = sizeof(raw);

	k->algorithm = ALGORITHM_ED25519;
	k->bits = KEY_ED25519_BITS;
	if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *)k->public, raw, (int)n);
	return true;
}

static bool
describe_rsa(struct key *k)
{
	unsigned char *der = NULL;
	int n;

	k->algorithm = ALGORITHM_RSA_SHA256;
	k->bits = (unsigned)EVP_PKEY_get_bits(k->pkey);
	if (k->bits < RSA_LEAST || k->bits > RSA_MOST)
		return true; /* the caller says so */
	n = i2d_PUBKEY(k->pkey, &der);
	if (n > 0 && (size_t)(n + 2) / 3 * 4 <= RECORD_KEY_BYTES)
		EVP_EncodeBlock((unsigned char *)k->public, der, n);
	OPENSSL_free(der);
	return k->public[0] != '\0';
}

static bool
describe(struct key *k)
{
	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_ED25519:
		return describe_ed25519(k);
	case EVP_PKEY_RSA:
		return describe_rsa(k);
	default:
		return false;
	}
}

static bool
check_kind(const char *path, struct key *k, char **why)
{
	if (!describe(k))
		return refuse_key(
		    why, "%s: neither an RSA nor an Ed25519 key", path);
	if (k->algorithm == ALGORITHM_RSA_SHA256 &&
	    (k->bits < RSA_LEAST || k->bits > RSA_MOST))
		return refuse_key(why,
		    "%s: an RSA key of %u bits; it must have %d to %d, and "
		    "should have 2048",
		    path, k->bits, RSA_LEAST, RSA_MOST);
	return true;
}

static bool
read_key(const char *path, int fd, struct key *k, char **why)
{
	struct stat st;
	char *bytes;

	if (fstat(fd, &st) == -1)
		return refuse_key(why, "%s: %s", path, strerror(errno));
	if (!may_trust(path, &st, why))
		return false;
	if ((bytes = malloc((size_t)st.st_size)) == NULL)
		return refuse_key(why, "%s: no memory", path);
	if (read_all(fd, bytes, (size_t)st.st_size))
		k->pkey = parse(bytes, (size_t)st.st_size);
	OPENSSL_cleanse(bytes, (size_t)st.st_size);
	free(bytes);
	if (k->pkey == NULL)
		return refuse_key(why,
		    "%s: not a private key in PEM without a password", path);
	return check_kind(path, k, why);
}

bool
key_load(const char *path, struct key *k, char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ok;

	*k = (struct key){ 0 };
	if (fd == -1 && errno == EACCES)
		return refuse_key(why,
		    "%s: it may not be read by the user that millraced runs "
		    "as; chown it to that user, and chmod 600",
		    path);
	if (fd == -1)
		return refuse_key(why, "%s: %s", path, strerror(errno));
	ok = read_key(path, fd, k, why);
	close(fd);
	if (!ok)
		key_finish(k);
	return ok;
}

bool
key_generate(enum signature_algorithm algorithm, unsigned bits, struct key *k)
{
	*k = (struct key){ 0 };
	k->pkey = algorithm == ALGORITHM_ED25519
		      ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
		      : EVP_RSA_gen(bits);
	if (k->pkey != NULL && describe(k))
		return true;
	key_finish(k);
	return false;
}

void
key_finish(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	*k = (struct key){ 0 };
}

char *
key_pem(const struct key *k, size_t *len)
{
	BIO *out = BIO_new(BIO_s_secmem());
	char *copy = NULL, *bytes;
	long n;

	if (out != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(
		out, k->pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
	    (n = BIO_get_mem_data(out, &bytes)) > 0 &&
	    (copy = malloc((size_t)n)) != NULL) {
		memcpy(copy, bytes, (size_t)n);
		*len = (size_t)n;
	}
	BIO_free(out);
	return copy;
}

static size_t
sign_rsa(const struct key *k, const unsigned char *digest, unsigned char *out)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->pkey, NULL);
	size_t n = KEY_SIGNATURE_BYTES;

	if (c == NULL || EVP_PKEY_sign_init(c) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(c, out, &n, digest, KEY_DIGEST_BYTES) != 1)
		n = 0;
	EVP_PKEY_CTX_free(c);
	return n;
}

static size_t
sign_ed25519(
    const struct key *k, const unsigned char *digest, unsigned char *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = KEY_SIGNATURE_BYTES;

	if (c == NULL ||
	    EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(c, out, &n, digest, KEY_DIGEST_BYTES) != 1)
		n = 0;
	EVP_MD_CTX_free(c);
	return n;
}

size_t
key_sign(const struct key *k, const unsigned char digest[KEY_DIGEST_BYTES],
    unsigned char out[KEY_SIGNATURE_BYTES])
{
	size_t n = k->algorithm == ALGORITHM_ED25519
		       ? sign_ed25519(k, digest, out)
		       : sign_rsa(k, digest, out);

	if (n == 0)
		ERR_clear_error();
	return n;
}
