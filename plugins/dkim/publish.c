/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <stdio.h>

#include "record.h"

enum { FINGERPRINT_BYTES = 24 };

static const char store_group[] = "dkim";

void
publish_name(
    char out[PUBLISH_NAME_BYTES], struct span selector, struct span domain)
{
	snprintf(out, PUBLISH_NAME_BYTES, "%.*s._domainkey.%.*s",
	    (int)selector.n, selector.p, (int)domain.n, domain.p);
}

const struct mr_dns_record *
publish_pick(const struct mr_dns_answer *a, const char **why)
{
	const struct mr_dns_record *found = NULL;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct mr_dns_record *r = &a->records[i];

		if (!record_is_key((struct span){ r->data, r->len }))
			continue;
		if (found != NULL) {
			*why = "there are several keys at its name";
			return NULL;
		}
		found = r;
	}
	if (found == NULL)
		*why = "there is text at its name, but no key";
	return found;
}

static struct publish
compare_answer(const struct mr_dns_answer *a, const struct key *key)
{
	struct publish p = { .state = PUBLISH_WRONG, .ttl = a->ttl };
	const struct mr_dns_record *r = publish_pick(a, &p.why);
	struct record record;

	if (r == NULL)
		return p;
	p.why = record_read(
	    (struct span){ r->data, r->len }, key->algorithm, &record);
	if (p.why != NULL)
		return p;
	p.test = record.test;
	if (record.revoked)
		p.why = "the key there has been revoked";
	else if (strcmp(record.key, key->public) != 0)
		p.why = "the key there is another one";
	else
		p.state = PUBLISH_FITS;
	return p;
}

struct publish
publish_look(struct mr_ctx *c, const struct mr_dns_service *dns,
    const char *name, const struct key *key, int64_t limit_ms)
{
	const struct mr_dns_answer *a =
	    dns->query(c, name, MR_DNS_TXT, limit_ms);

	switch (a->status) {
	case MR_DNS_OK:
		return compare_answer(a, key);
	case MR_DNS_NODATA:
	case MR_DNS_NXDOMAIN:
		return (struct publish){ .state = PUBLISH_ABSENT,
			.why = "there is no such record" };
	case MR_DNS_BADNAME:
		return (struct publish){ .state = PUBLISH_ABSENT,
			.why = "the name is too long for the DNS" };
	default:
		return (struct publish){ .state = PUBLISH_UNKNOWN,
			.why = a->why != NULL ? a->why
					      : "the DNS does not answer" };
	}
}

static struct mr_bytes
bytes_of(const char *text)
{
	return (struct mr_bytes){ text, (uint32_t)strlen(text) };
}

/* Another key under the same selector is another sight. */
static void
write_store_key(char *out, size_t size, const char *name, const struct key *key)
{
	size_t n = strlen(key->public);
	const char *end =
	    key->public + (n > FINGERPRINT_BYTES ? n - FINGERPRINT_BYTES : 0);

	snprintf(out, size, "seen %.350s %s", name, end);
}

static bool
read_sight(struct mr_ctx *c, const struct mr_store_service *store,
    const char *key, struct rotate_key *out)
{
	struct mr_bytes value;

	return store->get(c, bytes_of(store_group), bytes_of(key), &value) ==
		   MR_STORE_OK &&
	       rotate_read(value.p, value.n, &out->seen, &out->ttl);
}

/* False: the store does not work. */
static bool
ask_store(struct mr_ctx *c, const struct mr_store_service *store,
    const char *key, const struct publish *p, int64_t now,
    struct rotate_key *out)
{
	char value[64];
	mr_store_status status;

	if (store == NULL)
		return false;
	if (read_sight(c, store, key, out))
		return true;
	if (p->state != PUBLISH_FITS ||
	    !rotate_write(value, sizeof(value), now, p->ttl))
		return true;
	status = store->add(
	    c, bytes_of(store_group), bytes_of(key), bytes_of(value), 0);
	if (status != MR_STORE_OK && status != MR_STORE_OVER)
		return false;
	out->seen = now;
	out->ttl = p->ttl;
	if (status == MR_STORE_OVER) /* another worker was faster */
		read_sight(c, store, key, out);
	return true;
}

struct rotate_key
publish_remember(struct mr_ctx *c, const struct mr_store_service *store,
    const char *name, const struct key *key, const struct publish *p,
    int64_t now, _Atomic int64_t *memory)
{
	struct rotate_key k = { 0 };
	char store_key[400];
	int64_t none = 0;

	write_store_key(store_key, sizeof(store_key), name, key);
	if (!ask_store(c, store, store_key, p, now, &k)) {
		if (p->state == PUBLISH_FITS)
			atomic_compare_exchange_strong(memory, &none, now);
		k.seen = atomic_load(memory);
		k.ttl = p->ttl;
	}
	/* A DNS that does not answer is no news. */
	k.published = p->state == PUBLISH_FITS ||
		      (p->state == PUBLISH_UNKNOWN && k.seen > 0);
	return k;
}
