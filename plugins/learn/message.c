/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

/* What delivery, mailboxes and filters add; "*" stands for the rest. */
static const char *const ignored[] = {
	"Return-Path",
	"Delivered-To",
	"Envelope-To",
	"X-Original-To",
	"X-Envelope-*",
	"Authentication-Results",
	"ARC-*",
	"Received-SPF",
	"X-Spam*",
	"X-Bogosity",
	"X-CRM114-*",
	"X-Virus-*",
	"X-Rspamd-*",
	"X-Filtered",
	"Status",
	"X-Status",
	"X-Keywords",
	"X-UID*",
	"X-IMAP*",
	"X-Mozilla-*",
	"X-Evolution*",
	"Lines",
	"Content-Length",
};

static bool
matches(const char *pattern, const char *name)
{
	size_t n = strcspn(pattern, "*");

	return strncasecmp(pattern, name, n) == 0 &&
	       (pattern[n] == '*' || name[n] == '\0');
}

/* "from a by b with ...": is b one of ours? */
static bool
is_own_trace(const char *value, const struct mr_list *own_hosts)
{
	const char *by = strstr(value, "by ");
	size_t n;

	while (by != NULL && by != value && strchr(" \t\n", by[-1]) == NULL)
		by = strstr(by + 3, "by ");
	if (by == NULL)
		return false;
	by += 3 + strspn(by + 3, " \t\n");
	n = strcspn(by, " \t\n;(");
	for (uint32_t i = 0; i < own_hosts->count; i++) {
		const char *host = own_hosts->items[i];

		if (strlen(host) == n && strncasecmp(host, by, n) == 0)
			return true;
	}
	return false;
}

bool
message_ignores(
    const char *name, const char *value, const struct mr_list *own_hosts)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (matches(ignored[i], name))
			return true;
	return strcasecmp(name, "Received") == 0 &&
	       is_own_trace(value, own_hosts);
}

/* The first bytes, fields and body, as if nothing had been added. */
struct raw {
	char bytes[FEATURES_BYTES];
	size_t n;
};

static void
put_raw(struct raw *r, const char *bytes, size_t n)
{
	size_t left = sizeof(r->bytes) - r->n;

	if (n > left)
		n = left;
	memcpy(r->bytes + r->n, bytes, n);
	r->n += n;
}

static bool
add_fields(struct mr_ctx *c, const struct message_tools *t, struct features *f,
    struct raw *raw)
{
	const char *name, *value, *before = "";
	uint32_t taken = 0;

	for (uint32_t i = 0; c->host->header_at(c, i, &name, &value); i++) {
		if (taken == FEATURES_FIELDS)
			break;
		if (message_ignores(name, value, t->own_hosts))
			continue;
		taken++;
		put_raw(raw, name, strlen(name));
		put_raw(raw, ":", 1);
		put_raw(raw, value, strlen(value));
		put_raw(raw, "\n", 1);
		if (!features_field(
			f, name, t->address->decode(c, value), before))
			return false;
		before = name;
	}
	return true;
}

/* Line ends as a file has them: a mailbox has no others. */
static void
put_body(struct raw *raw, const char *body, size_t len)
{
	for (size_t i = 0; i < len && raw->n < sizeof(raw->bytes); i++)
		if (body[i] != '\r')
			put_raw(raw, body + i, 1);
}

static bool
make_digest(const struct raw *raw, const struct mr_content *content,
    unsigned char digest[MESSAGE_DIGEST])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned int n = MESSAGE_DIGEST;
	bool ok;

	ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	     EVP_DigestUpdate(md, raw->bytes, raw->n) == 1 &&
	     EVP_DigestUpdate(md, content->text, content->text_len) == 1 &&
	     EVP_DigestFinal_ex(md, digest, &n) == 1;
	EVP_MD_CTX_free(md);
	return ok;
}

bool
message_features(struct mr_ctx *c, const struct message_tools *t,
    struct features *f, unsigned char digest[MESSAGE_DIGEST])
{
	const struct mr_content *content = t->content->get(c);
	struct raw raw = { .n = 0 };
	size_t len = 0;
	const char *body = c->host->body(c, &len);

	if (!add_fields(c, t, f, &raw))
		return false;
	put_raw(&raw, "\n", 1);
	if (body != NULL)
		put_body(&raw, body, len);
	if (!features_raw(f, raw.bytes, raw.n) ||
	    !features_text(f, content->text, content->text_len))
		return false;
	for (uint32_t i = 0; i < content->nurls && i < FEATURES_URLS; i++)
		if (!features_url(f, content->urls[i].host,
			content->urls[i].registered, content->urls[i].path))
			return false;
	return digest == NULL || make_digest(&raw, content, digest);
}
