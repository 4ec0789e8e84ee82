/* SPDX-License-Identifier: Apache-2.0 */
/* The whole plugin dkim, and a DNS and a store that say what a test wants. */
#ifndef TESTS_DKIM_WORLD_H
#define TESTS_DKIM_WORLD_H

#include <millrace/fake.h>

#include "../../plugins/dkim/check.c"
#include "../../plugins/dkim/command.c"
#include "../../plugins/dkim/dkim.c"
#include "../../plugins/dkim/keyring.c"
#include "../../plugins/dkim/keytable.c"
#include "../../plugins/dkim/publish.c"
#include "../../plugins/dkim/rotate.c"
#include "../../plugins/dkim/signer.c"
#include "../../plugins/dkim/status.c"
#include "dkim_messages.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { TEXT_BYTES = 2048, NAMES = 8 };

static struct world {
	struct {
		const char *name,
		    *text; /* text NULL: the DNS does not answer */
	} names[NAMES];
	uint32_t ttl;
	char asked[TEXT_BYTES], fetched[TEXT_BYTES];
	char stored_key[400], stored[64];
	bool store_is_down;
} world;

static void
note_name(char *list, const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, TEXT_BYTES - n, "%s ", name);
}

static void
world_prefetch(struct mr_ctx *c, const char *name, mr_dns_type type)
{
	(void)c;
	assert_int_equal(type, MR_DNS_TXT);
	note_name(world.fetched, name);
}

static const struct mr_dns_answer *
world_query(struct mr_ctx *c, const char *name, mr_dns_type type, int64_t limit)
{
	struct mr_dns_answer *a = c->host->alloc(c, sizeof(*a));
	struct mr_dns_record *r = c->host->alloc(c, NAMES * sizeof(*r));

	(void)limit;
	assert_int_equal(type, MR_DNS_TXT);
	note_name(world.asked, name);
	*a = (struct mr_dns_answer){ .status = MR_DNS_NXDOMAIN, .records = r };
	for (size_t i = 0; i < NAMES && world.names[i].name != NULL; i++) {
		if (strcasecmp(world.names[i].name, name) != 0)
			continue;
		if (world.names[i].text == NULL) {
			a->status = MR_DNS_TEMPFAIL;
			a->why = "said the test";
			return a;
		}
		a->status = MR_DNS_OK;
		a->ttl = world.ttl;
		r[a->count].data = world.names[i].text;
		r[a->count++].len = (uint32_t)strlen(world.names[i].text);
	}
	return a;
}

static const struct mr_dns_service world_dns = {
	.size = sizeof(world_dns),
	.prefetch = world_prefetch,
	.query = world_query,
};

static void
copy_bytes(char *out, size_t size, struct mr_bytes b)
{
	snprintf(out, size, "%.*s", (int)b.n, (const char *)b.p);
}

static mr_store_status
world_get(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes *value)
{
	char name[400];

	(void)c;
	(void)group;
	if (world.store_is_down)
		return MR_STORE_DOWN;
	copy_bytes(name, sizeof(name), key);
	if (strcmp(name, world.stored_key) != 0)
		return MR_STORE_NONE;
	*value = bytes_of(world.stored);
	return MR_STORE_OK;
}

static mr_store_status
world_add(struct mr_ctx *c, struct mr_bytes group, struct mr_bytes key,
    struct mr_bytes value, int64_t ttl)
{
	(void)c;
	(void)group;
	(void)ttl;
	if (world.store_is_down)
		return MR_STORE_DOWN;
	copy_bytes(world.stored_key, sizeof(world.stored_key), key);
	copy_bytes(world.stored, sizeof(world.stored), value);
	return MR_STORE_OK;
}

static const struct mr_store_service world_store = {
	.size = sizeof(world_store),
	.get = world_get,
	.add = world_add,
};

static void
publish_at(size_t i, const char *name, const char *text)
{
	world.names[i].name = name;
	world.names[i].text = text;
}

static void
start(struct fake *f)
{
	memset(&world, 0, sizeof(world));
	world.ttl = 300;
	fake_init(f, &mr_plugin_dkim);
	fake_service(f, MR_DNS_SERVICE, &world_dns);
	fake_service(f, MR_STORE_SERVICE, &world_store);
}

/* The message of RFC 8463, and parts that it may have. */

#define ED_NAME  "brisbane._domainkey.football.example.com"
#define RSA_NAME "test._domainkey.football.example.com"
static const char other[] =
    "v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=aaaa; b=aaaa";

enum { WITH_ED = 1, WITH_RSA = 2, OTHERS = 4, TWO_FROM = 8 };

static void
send_example(struct fake *f, unsigned parts, const char *body)
{
	fake_connect(f);
	fake_helo(f, "mx.example.com");
	fake_mail(f, "joe@football.example.com");
	fake_rcpt(f, "suzie@shopping.example.net");
	if (parts & OTHERS)
		fake_header(f, "DKIM-Signature", other);
	if (parts & WITH_ED)
		fake_header(f, "DKIM-Signature", RFC_ED25519_SIGNATURE + 1);
	if (parts & WITH_RSA)
		fake_header(f, "DKIM-Signature", RFC_RSA_SIGNATURE + 1);
	if (parts & TWO_FROM)
		fake_header(f, "From", "Bank <info@bank.example>");
	fake_header(f, "From", "Joe SixPack <joe@football.example.com>");
	fake_header(f, "To", "Suzie Q <suzie@shopping.example.net>");
	fake_header(f, "Subject", "Is dinner ready?");
	fake_header(f, "Date", "Fri, 11 Jul 2003 21:00:37 -0700 (PDT)");
	fake_header(f, "Message-ID",
	    "<20030712040037.46341.5F8J@football.example.com>");
	fake_eoh(f);
	fake_body(f, body, strlen(body));
}

#endif
