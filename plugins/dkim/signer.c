/* SPDX-License-Identifier: Apache-2.0 */
/* Signing: whose mail, with which keys, and the field on top. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "canon.h"
#include "dkim.h"
#include "publish.h"
#include "tags.h"

enum {
	ROTATING_MOST = 16,
	SIGNED_DETAIL_BYTES = 512,
	LOOK_MS = 1000,            /* mail does not wait long for a rotation */
	SIGNED_FIELDS_MOST = 1000, /* others look for each */
};

/* RFC 6376, 5.4.1, and what a reader or his program goes by. */
static const char *const default_headers[] = { "From", "To", "Cc", "Subject",
	"Date", "Message-ID", "Reply-To", "Sender", "In-Reply-To", "References",
	"MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"Content-Disposition", "Content-ID", "Content-Description", "List-Id",
	"List-Help", "List-Unsubscribe", "List-Unsubscribe-Post",
	"List-Subscribe", "List-Post", "List-Owner", "List-Archive", NULL };
static const char *const default_oversigned[] = { "From", "To", "Cc", "Subject",
	"Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", NULL };

/* Others change or add them on the way. */
static const char *const never_signed[] = { "Return-Path", "Received", "Bcc",
	"Resent-Bcc", "DKIM-Signature", "Authentication-Results", NULL };

static bool
is_field_name(const char *name)
{
	const char *p = name;

	for (; *p > ' ' && *p <= '~' && *p != ':' && *p != ';'; p++)
		;
	return p > name && *p == '\0';
}

static const char *
name_fault(const struct mr_list *list, uint32_t i)
{
	if (!is_field_name(list->items[i]))
		return "is not a field name; write it without colon or blanks";
	if (sign_lists(never_signed, list->items[i]))
		return "changes on the way; leave it out";
	for (uint32_t k = 0; k < i; k++)
		if (strcasecmp(list->items[k], list->items[i]) == 0)
			return "stands there twice";
	return NULL;
}

static bool
check_names(
    const struct mr_host *host, const char *option, const struct mr_list *list)
{
	char line[400];
	bool ok = true;

	for (uint32_t i = 0; i < list->count; i++) {
		const char *why = name_fault(list, i);

		if (why == NULL)
			continue;
		snprintf(
		    line, sizeof(line), "\"%.200s\" %s", list->items[i], why);
		host->config_error(host, option, line);
		ok = false;
	}
	return ok;
}

/*
 * Names to sign: those of the list, or the defaults, with From in any case
 * (5.4), and all that are oversigned.  NULL: no memory.
 */
static const char **
merge_names(const char *const *a, size_t na, const char *const *b, size_t nb)
{
	const char **all = calloc(na + nb + 2, sizeof(*all));
	size_t n = 0;

	if (all == NULL)
		return NULL;
	all[n++] = "From";
	for (size_t i = 0; i < na + nb; i++) {
		const char *name = i < na ? a[i] : b[i - na];

		if (!sign_lists(all, name))
			all[n++] = name;
	}
	return all;
}

static size_t
count_names(const char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

static bool
set_rules(struct dkim *k)
{
	const struct dkim_conf *conf = k->conf;
	const struct mr_list *h = conf->sign_headers, *o = conf->oversign;
	bool hd = h->count == 0, od = o->count == 0;
	const char *const *headers = hd ? default_headers : h->items;
	const char *const *over = od ? default_oversigned : o->items;
	size_t nh = hd ? count_names(default_headers) : h->count;
	size_t no = od ? count_names(default_oversigned) : o->count;

	if (no == 1 && strcasecmp(over[0], "none") == 0)
		no = 0;
	k->rules.relaxed_header = conf->canonicalization < 2;
	k->rules.relaxed_body = conf->canonicalization % 2 == 0;
	k->rules.expire_s = conf->expire / DKIM_MS_PER_S;
	k->rules.headers = merge_names(headers, nh, over, no);
	k->rules.oversigned = merge_names(over, no, NULL, 0);
	return k->rules.headers != NULL && k->rules.oversigned != NULL;
}

static void
tell_fault(void *arg, const char *text)
{
	const struct dkim *k = arg;

	k->host->config_error(k->host, "keys", text);
}

static void
warn_short(const struct dkim *k)
{
	char line[400];

	for (uint32_t i = 0; i < k->ring.count; i++) {
		const struct keyring_key *key = &k->ring.keys[i];

		if (key->key.algorithm != ALGORITHM_RSA_SHA256 ||
		    key->key.bits >= 2048)
			continue;
		snprintf(line, sizeof(line),
		    "%.300s: an RSA key of %u bits; 2048 are advised "
		    "(RFC 8301)",
		    key->file, key->key.bits);
		k->host->log(k->host, NULL, MR_LOG_WARN, line);
	}
}

bool
signer_open(struct dkim *k)
{
	const struct dkim_conf *conf = k->conf;
	bool ok = true;

	ok = check_names(k->host, "sign-headers", conf->sign_headers) && ok;
	ok = check_names(k->host, "oversign", conf->oversign) && ok;
	if (conf->keys == NULL) {
		k->host->config_error(k->host, "keys",
		    "sign = true needs a key table, as in "
		    "keys = \"/etc/millrace/dkim.keys\"");
		ok = false;
	} else {
		ok = keyring_load(&k->ring, conf->keys, tell_fault, k) && ok;
	}
	if (!ok || !set_rules(k))
		return false;
	k->seen = calloc(k->ring.count, sizeof(*k->seen));
	warn_short(k);
	return k->seen != NULL;
}

/* --- whose mail is it? --- */

static bool
is_ours(struct mr_ctx *c, const struct dkim *k)
{
	const struct mr_map *clients = k->conf->sign_clients;
	const char *addr = c->client->addr;

	if (c->client->login != NULL)
		return true;
	/* "local" is no address. */
	return k->map->client(c, clients, addr) != NULL ||
	       k->map->text(c, clients, addr) != NULL;
}

/* Only the first address counts. */
static const char *
author(struct mr_ctx *c, const struct dkim *k)
{
	const char *value = c->host->header(c, "From", 1);
	const struct mr_mailboxes *boxes =
	    value != NULL ? k->address->mailboxes(c, value) : NULL;

	return boxes != NULL && boxes->count > 0 ? boxes->items[0].address
						 : NULL;
}

/* The same with the domain in the form that stands in the DNS. */
static const char *
normal(struct mr_ctx *c, const struct dkim *k, const char *address)
{
	const char *at = address != NULL ? strrchr(address, '@') : NULL;
	const char *domain =
	    at != NULL ? k->address->to_ascii(c, at + 1) : NULL;
	size_t local, n;
	char *out;

	if (domain == NULL)
		return address;
	local = (size_t)(at + 1 - address);
	n = strlen(domain) + 1;
	out = c->host->alloc(c, local + n);
	memcpy(out, address, local);
	memcpy(out + local, domain, n);
	return out;
}

static const char *
selected(struct mr_ctx *c, const struct dkim *k)
{
	switch (k->conf->select) {
	case SELECT_SENDER:
		return normal(c, k, c->sender);
	case SELECT_LOGIN:
		return normal(c, k, c->client->login);
	default:
		return author(c, k);
	}
}

/* d=: that of the row, or of the address if it is a plain name. */
static struct span
domain_of(const struct keyring_key *key, const char *address)
{
	const char *at = strrchr(address, '@');
	struct span domain = span_of(key->domain);

	if (domain.n == 0 && at != NULL)
		domain = span_of(at + 1);
	return tags_is_domain(domain) ? domain : (struct span){ NULL, 0 };
}

/* --- which key signs now? --- */

static struct rotate_key
sight(struct mr_ctx *c, const struct dkim *k, const struct keyring_key *key,
    struct span domain)
{
	char name[PUBLISH_NAME_BYTES];
	struct publish p;

	publish_name(name, span_of(key->selector), domain);
	p = publish_look(c, k->dns, name, &key->key, LOOK_MS);
	return publish_remember(c, k->store, name, &key->key, &p, time(NULL),
	    &k->seen[key - k->ring.keys]);
}

/* The newest of a group that is known to the world; see rotate.h. */
static const struct keyring_key *
choose(struct mr_ctx *c, const struct dkim *k, const struct keyring_key *group,
    uint32_t n, struct span domain)
{
	struct rotate_key keys[ROTATING_MOST] = { { 0 } };

	if (n > ROTATING_MOST) { /* the newest of them */
		group += n - ROTATING_MOST;
		n = ROTATING_MOST;
	}
	for (uint32_t i = n; i-- > 1;) {
		keys[i] = sight(c, k, &group[i], domain);
		if (rotate_choose(keys, n, time(NULL),
			k->conf->publish_wait / DKIM_MS_PER_S) == i)
			return &group[i];
	}
	return &group[0];
}

/* --- stages --- */

/* Keys that may replace others are looked at when the message is here. */
mr_verdict
signer_on_eoh(struct mr_ctx *c)
{
	const struct dkim *k = c->self;
	const struct keyring_key *keys;
	const char *address;
	char name[PUBLISH_NAME_BYTES];
	uint32_t count, n;

	if (!is_ours(c, k))
		return MR_SKIP;
	address = selected(c, k);
	if (address == NULL ||
	    (keys = keyring_find(&k->ring, address, &count)) == NULL)
		return MR_CONTINUE;
	for (; count > 0; keys += n, count -= n) {
		n = keyring_group(keys, count);
		for (uint32_t i = 1; i < n; i++) {
			struct span domain = domain_of(&keys[i], address);

			if (domain.p == NULL)
				continue;
			publish_name(name, span_of(keys[i].selector), domain);
			k->dns->prefetch(c, name, MR_DNS_TXT);
		}
	}
	return MR_CONTINUE;
}

static mr_verdict
leave_unsigned(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "DKIM_UNSIGNED", 0, why);
	return MR_CONTINUE;
}

static bool
add_signature(struct mr_ctx *c, const struct dkim *k,
    const struct verify_message *m, const struct bodyhash *body,
    const struct keyring_key *key, struct span domain)
{
	char *name = c->host->alloc(c, domain.n + 1);
	struct sign_identity id = { &key->key, name, key->selector,
		key->identity };
	char *detail = c->host->alloc(c, SIGNED_DETAIL_BYTES), *value;
	bool ok;

	for (size_t i = 0; i < domain.n; i++)
		name[i] = domain.p[i] >= 'A' && domain.p[i] <= 'Z'
			      ? (char)(domain.p[i] - 'A' + 'a')
			      : domain.p[i];
	value = sign_field(&k->rules, m, body, &id, time(NULL));
	ok =
	    value != NULL && c->host->insert_header(c, "DKIM-Signature", value);
	free(value);
	snprintf(detail, SIGNED_DETAIL_BYTES, "d=%s s=%s a=%s", name,
	    key->selector, signature_algorithm_name(key->key.algorithm));
	if (ok)
		c->host->symbol(c, "DKIM_SIGNED", 0, detail);
	return ok;
}

static size_t
count_signed(const struct dkim *k, const struct verify_message *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nfields; i++)
		n += sign_lists(k->rules.headers, m->fields[i].name);
	return n;
}

static mr_verdict
sign_all(struct mr_ctx *c, const struct dkim *k, const struct keyring_key *keys,
    uint32_t count, const char *address)
{
	struct verify_message m = { 0 };
	struct bodyhash body;
	uint32_t n;

	m.fields = dkim_fields(c, &m.nfields);
	m.body = c->host->body(c, &m.body_bytes);
	if (m.body == NULL)
		return MR_ERROR;
	if (count_signed(k, &m) > SIGNED_FIELDS_MOST)
		return leave_unsigned(c, "it has too many fields");
	/* What it becomes on the way is nobody's guess. */
	if (canon_check(m.body, m.body_bytes) != CANON_CLEAN)
		return leave_unsigned(
		    c, "the body has line ends other than CRLF");
	if (!bodyhash(k->rules.relaxed_body, -1, m.body, m.body_bytes, &body))
		return MR_ERROR;
	for (; count > 0; keys += n, count -= n) {
		struct span domain = domain_of(keys, address);

		n = keyring_group(keys, count);
		if (domain.p == NULL)
			leave_unsigned(c, "the address has no plain domain");
		else if (!add_signature(c, k, &m, &body,
			     choose(c, k, keys, n, domain), domain))
			return MR_ERROR;
	}
	return MR_CONTINUE;
}

mr_verdict
signer_on_eom(struct mr_ctx *c)
{
	const struct dkim *k = c->self;
	const struct keyring_key *keys;
	const char *address;
	uint32_t count;

	if (!is_ours(c, k))
		return MR_SKIP;
	if ((address = selected(c, k)) == NULL ||
	    (keys = keyring_find(&k->ring, address, &count)) == NULL)
		return MR_CONTINUE;
	/* A receiver takes neither for one that has an author. */
	if (c->host->header(c, "From", 1) == NULL)
		return leave_unsigned(c, "there is no From field");
	if (c->host->header(c, "From", 2) != NULL)
		return leave_unsigned(c, "there are several From fields");
	return sign_all(c, k, keys, count, address);
}
