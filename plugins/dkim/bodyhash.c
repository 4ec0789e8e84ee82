/* SPDX-License-Identifier: Apache-2.0 */
#include "bodyhash.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "canon.h"

enum { STAGE_BYTES = 8192 };

/* Pieces are small; a digest wants them larger. */
struct stage {
	EVP_MD_CTX *md;
	uint64_t left; /* bytes that are still to be hashed */
	int64_t length;
	size_t n;
	bool failed;
	unsigned char bytes[STAGE_BYTES];
};

static void
stage_hash(struct stage *s, const void *bytes, size_t n)
{
	if (EVP_DigestUpdate(s->md, bytes, n) != 1)
		s->failed = true;
}

static void
stage_flush(struct stage *s)
{
	stage_hash(s, s->bytes, s->n);
	s->n = 0;
}

static void
stage_add(void *arg, const void *bytes, size_t n)
{
	struct stage *s = arg;

	s->length += (int64_t)n;
	if (n > s->left)
		n = (size_t)s->left;
	s->left -= n;
	if (n > STAGE_BYTES - s->n)
		stage_flush(s);
	if (n > STAGE_BYTES) {
		stage_hash(s, bytes, n);
		return;
	}
	memcpy(s->bytes + s->n, bytes, n);
	s->n += n;
}

bool
bodyhash(bool relaxed, int64_t limit, const char *body, size_t n,
    struct bodyhash *out)
{
	struct stage *s = calloc(1, sizeof(*s));
	bool ok = false;

	if (s == NULL)
		return false;
	s->left = limit < 0 ? UINT64_MAX : (uint64_t)limit;
	s->md = EVP_MD_CTX_new();
	if (s->md != NULL && EVP_DigestInit(s->md, EVP_sha256()) == 1) {
		canon_body(relaxed, body, n, stage_add, s);
		stage_flush(s);
		out->length = s->length;
		ok = !s->failed &&
		     EVP_DigestFinal(s->md, out->digest, NULL) == 1;
	}
	EVP_MD_CTX_free(s->md);
	free(s);
	return ok;
}

void
bodyhash_text(const struct bodyhash *h, char out[BODYHASH_TEXT])
{
	EVP_EncodeBlock((unsigned char *)out, h->digest, BODYHASH_BYTES);
}
