/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "canon.h"

enum {
	WIDTH = 76, /* of a line, its tab counted as 8 */
	TAB = 8,
};

/* A text that grows; once it could not, it stays as it is. */
struct text {
	char *p;
	size_t n, size;
	bool failed;
	size_t column;
};

static void
text_add(void *arg, const void *bytes, size_t n)
{
	struct text *t = arg;

	if (t->failed)
		return;
	if (t->n + n + 1 > t->size) {
		size_t size = (t->n + n + 1) * 2;
		char *grown = realloc(t->p, size);

		if (grown == NULL) {
			t->failed = true;
			return;
		}
		t->p = grown;
		t->size = size;
	}
	memcpy(t->p + t->n, bytes, n);
	t->n += n;
	t->p[t->n] = '\0';
	t->column += n;
}

static void
text_fold(struct text *t)
{
	text_add(t, "\n\t", 2);
	t->column = TAB;
}

/* A tag goes to the next line as a whole if it does not fit. */
static __attribute__((format(printf, 2, 3))) void
put_tag(struct text *t, const char *format, ...)
{
	char *tag = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&tag, format, args);
	va_end(args);
	if (n == -1) {
		t->failed = true;
		return;
	}
	if (t->column + (size_t)n + 1 > WIDTH)
		text_fold(t);
	else if (t->p[t->n - 1] != ' ')
		text_add(t, " ", 1);
	text_add(t, tag, (size_t)n);
	free(tag);
}

bool
sign_lists(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcasecmp(*list, name) == 0)
			return true;
	return false;
}

static size_t
count_name(const struct verify_message *m, const char *name)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nfields; i++)
		n += strcasecmp(m->fields[i].name, name) == 0;
	return n;
}

/* How often a name stands in h=. */
static size_t
times_signed(const struct sign_rules *rules, const struct verify_message *m,
    const char *name)
{
	size_t n = count_name(m, name);

	if (!sign_lists(rules->oversigned, name))
		return n;
	if (n == 0 && (strcasecmp(name, "Date") == 0 ||
			  strcasecmp(name, "Message-ID") == 0))
		return 0;
	return n + 1;
}

static void
put_names(struct text *t, const struct sign_rules *rules,
    const struct verify_message *m)
{
	const char *separator = "h=";

	text_fold(t);
	for (const char *const *name = rules->headers; *name != NULL; name++) {
		size_t length = strlen(*name);

		for (size_t k = times_signed(rules, m, *name); k > 0; k--) {
			text_add(t, separator, strlen(separator));
			if (t->column + length + 1 > WIDTH)
				text_fold(t);
			text_add(t, *name, length);
			separator = ":";
		}
	}
	text_add(t, ";", 1);
}

/*
 * RFC 6376, 3.7: the fields in the order of h=, those of one name from the
 * bottom up (5.4.2), then the signature without its b=.
 */
static bool
hash_header(const struct sign_rules *rules, const struct verify_message *m,
    const struct text *field, unsigned char *digest)
{
	struct text all = { 0 };
	bool ok;

	for (const char *const *name = rules->headers; *name != NULL; name++)
		for (uint32_t i = m->nfields; i-- > 0;)
			if (strcasecmp(m->fields[i].name, *name) == 0)
				canon_field(rules->relaxed_header,
				    m->fields[i].name, m->fields[i].value,
				    false, text_add, &all);
	canon_field(rules->relaxed_header, "DKIM-Signature", field->p, true,
	    text_add, &all);
	ok = !all.failed &&
	     EVP_Digest(all.p, all.n, digest, NULL, EVP_sha256(), NULL) == 1;
	free(all.p);
	return ok;
}

/* Base64 in lines of its own. */
static void
put_base64(struct text *t, const unsigned char *bytes, size_t n)
{
	char digits[(KEY_SIGNATURE_BYTES + 2) / 3 * 4 + 1];
	size_t left =
	    (size_t)EVP_EncodeBlock((unsigned char *)digits, bytes, (int)n);

	for (const char *p = digits; left > 0;) {
		size_t part = WIDTH - t->column;

		if (part > left)
			part = left;
		text_add(t, p, part);
		p += part;
		left -= part;
		if (left > 0)
			text_fold(t);
	}
}

/* All of the field but the value of b=. */
static void
put_tags(struct text *t, const struct sign_rules *rules,
    const struct verify_message *m, const struct bodyhash *body,
    const struct sign_identity *id, int64_t now)
{
	char hash[BODYHASH_TEXT];

	bodyhash_text(body, hash);
	put_tag(t, "v=1;");
	put_tag(t, "a=%s;", signature_algorithm_name(id->key->algorithm));
	put_tag(t, "c=%s/%s;", rules->relaxed_header ? "relaxed" : "simple",
	    rules->relaxed_body ? "relaxed" : "simple");
	put_tag(t, "d=%s;", id->domain);
	put_tag(t, "s=%s;", id->selector);
	if (id->identity != NULL)
		put_tag(t, "i=%s;", id->identity);
	put_tag(t, "t=%" PRId64 ";", now);
	if (rules->expire_s > 0)
		put_tag(t, "x=%" PRId64 ";", now + rules->expire_s);
	put_names(t, rules, m);
	put_tag(t, "bh=%s;", hash);
	text_fold(t);
	text_add(t, "b=", 2);
}

char *
sign_field(const struct sign_rules *rules, const struct verify_message *m,
    const struct bodyhash *body, const struct sign_identity *id, int64_t now)
{
	unsigned char digest[KEY_DIGEST_BYTES], signature[KEY_SIGNATURE_BYTES];
	struct text t = { 0 };
	size_t n = 0;

	/* The blank behind the colon is part of what is hashed if simple. */
	text_add(&t, " ", 1);
	t.column = strlen("DKIM-Signature: ");
	put_tags(&t, rules, m, body, id, now);
	if (!t.failed && hash_header(rules, m, &t, digest))
		n = key_sign(id->key, digest, signature);
	if (n > 0)
		put_base64(&t, signature, n);
	if (t.failed || n == 0) {
		free(t.p);
		return NULL;
	}
	memmove(t.p, t.p + 1, t.n); /* with its NUL */
	return t.p;
}
