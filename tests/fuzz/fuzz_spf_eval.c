/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole evaluation, libspf2 included.  Input, in lines: client, HELO name,
 * sender, and then the answer to each question in turn, whatever is asked:
 *	!            an error
 *	-            there is no such name
 *	one|two      records: texts, names, or addresses near the client, one
 *	             for each byte
 * and when no line is left, there is no data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/fake.h>

#include "../../plugins/spf/act.c"
#include "../../plugins/spf/address.c"
#include "../../plugins/spf/check.c"
#include "../../plugins/spf/conf.c"
#include "../../plugins/spf/domain.c"
#include "../../plugins/spf/engine.c"
#include "../../plugins/spf/eval.c"
#include "../../plugins/spf/lookup.c"
#include "../../plugins/spf/macro.c"
#include "../../plugins/spf/names.c"
#include "../../plugins/spf/policy.c"
#include "../../plugins/spf/received.c"
#include "../../plugins/spf/record.c"
#include "../../plugins/spf/result.c"
#include "../../plugins/spf/rewrite.c"
#include "../../plugins/spf/spf.c"
#include "../../plugins/spf/text.c"
#include "../../plugins/spf/words.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is left of the input, and how often it was asked for. */
static struct span script;
static struct address near;
static unsigned questions;

enum { TERMS = 10, MOST = 16 };

static void
put_name(struct mr_ctx *c, struct mr_dns_record *r, struct span s)
{
	char *name = c->host->alloc(c, DOMAIN_NAME);

	if (!domain_name(s, name))
		name[0] = '\0';
	r->data = name;
	r->len = (uint32_t)strlen(name);
}

static void
put_near(
    struct mr_ctx *c, struct mr_dns_record *r, struct span s, mr_dns_type type)
{
	size_t n = type == MR_DNS_A ? 4 : 16;
	char *bytes = c->host->alloc(c, n + 1);

	memcpy(bytes, near.bytes, n);
	if (s.n > 0)
		bytes[n - 1] = s.p[0];
	r->data = bytes;
	r->len = (uint32_t)n;
}

static void
put_bytes(struct mr_ctx *c, struct mr_dns_record *r, struct span s)
{
	char *bytes = c->host->alloc(c, s.n + 1);

	memcpy(bytes, s.p, s.n);
	r->data = bytes;
	r->len = (uint32_t)s.n;
}

static const struct mr_dns_answer *
script_query(
    struct mr_ctx *c, const char *name, mr_dns_type type, int64_t limit)
{
	struct mr_dns_answer *a = c->host->alloc(c, sizeof(*a));
	struct mr_dns_record *r = c->host->alloc(c, MOST * sizeof(*r));
	struct span line = span_cut(&script, '\n');

	if (limit <= 0 || name[0] == '\0' || strlen(name) >= DOMAIN_NAME)
		abort();
	questions++;
	a->records = r;
	a->status = line.n == 0        ? MR_DNS_NODATA
		    : line.p[0] == '!' ? MR_DNS_TEMPFAIL
		    : line.p[0] == '-' ? MR_DNS_NXDOMAIN
				       : MR_DNS_OK;
	while (a->status == MR_DNS_OK && line.n > 0 && a->count < MOST) {
		struct span s = span_cut(&line, '|');

		if (type == MR_DNS_TXT)
			put_bytes(c, &r[a->count], s);
		else if (type == MR_DNS_A || type == MR_DNS_AAAA)
			put_near(c, &r[a->count], s, type);
		else
			put_name(c, &r[a->count], s);
		r[a->count].preference = (uint16_t)s.n;
		a->count++;
	}
	return a;
}

static void
script_prefetch(struct mr_ctx *c, const char *name, mr_dns_type type)
{
	(void)c;
	if (type != MR_DNS_TXT || strlen(name) >= DOMAIN_NAME)
		abort();
}

static const char *
script_reverse(struct mr_ctx *c, const char *addr, const char *zone)
{
	(void)c;
	(void)addr;
	(void)zone;
	return "7.2.0.192.in-addr.arpa";
}

static void
check_printable(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			abort();
}

static void
check_outcome(const struct check *k)
{
	bool error =
	    k->result == RESULT_TEMPERROR || k->result == RESULT_PERMERROR;

	if (k->result >= RESULTS || k->terms > TERMS || k->voids > TERMS)
		abort();
	if (error != (k->why != NULL) || (error && k->path != NULL))
		abort();
	if (k->broken)
		abort();
	/* For each term ten hosts; ten names of the client; exp=, the first. */
	if (questions > TERMS * 11 + 11 + 2)
		abort();
	check_printable(k->explanation);
	check_printable(k->path);
	check_printable(k->why);
}

static char *
string(struct fake *f, struct span s)
{
	char *p = fake_alloc(&f->kept, s.n + 1);

	memcpy(p, s.p, s.n);
	return p;
}

static const struct mr_dns_service service = { sizeof(service), script_prefetch,
	script_query, script_reverse };

static void
evaluate_script(struct fake *f)
{
	struct eval_facts facts = { .dns = &service,
		.map = f->host.service(&f->host, MR_MAP_SERVICE),
		.limits = { TERMS, 2, 10, 10, 1000 },
		.receiver = { "mx.example.net", 14 } };
	const char *helo, *sender;
	struct check k;

	if (!address_parse(span_cut(&script, '\n'), &facts.client))
		address_parse(span_of("192.0.2.7"), &facts.client);
	near = facts.client;
	helo = string(f, span_cut(&script, '\n'));
	sender = string(f, span_cut(&script, '\n'));
	fake_mail(f, sender);
	check_identify(&f->ctx, &facts, sender, helo);
	check_host(&f->ctx, &facts, (struct span){ "", 0 }, true, &k);
	check_outcome(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct fake f;

	memcpy(copy, data, size);
	copy[size] = '\0';
	script = (struct span){ copy, size };
	questions = 0;
	fake_init(&f, &mr_plugin_spf);
	fake_service(&f, MR_DNS_SERVICE, &service);
	f.client.addr = "unknown"; /* the stages are not what is looked at */
	if (!fake_open(&f))
		abort();
	evaluate_script(&f);
	fake_finish(&f);
	free(copy);
	return 0;
}
