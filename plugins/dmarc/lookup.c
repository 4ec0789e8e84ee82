/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <stdio.h>
#include <string.h>

struct lookup_known {
	const char *domain;
	struct record record;
	struct walk_answer answer;
	const char *text;
	struct lookup_known *next;
};

enum { NAME_BYTES = 300 };

static bool
policy_name_of(const char *domain, char name[NAME_BYTES])
{
	int n = snprintf(name, NAME_BYTES, "_dmarc.%s", domain);

	return n > 0 && n < NAME_BYTES;
}

/* RFC 9989, 4.10, step 2: one that begins with the version, and only one. */
static void
choose(struct lookup_known *k, const struct mr_dns_answer *a)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		struct text text = { a->records[i].data, a->records[i].len };
		struct record r;

		if (!record_parse(text, &r))
			continue;
		if (n++ == 0) {
			k->record = r;
			k->text = a->records[i].data;
		}
	}
	if (n == 1)
		k->answer.record = &k->record;
	else if (n > 1)
		k->answer.several = n;
}

static struct lookup_known *
ask(struct lookup *l, const char *domain)
{
	struct lookup_known *k = l->c->host->alloc(l->c, sizeof(*k));
	const struct mr_dns_answer *a;
	char name[NAME_BYTES];

	k->domain = domain;
	k->next = l->known;
	l->known = k;
	if (!policy_name_of(domain, name))
		return k;
	if (l->count++ >= LOOKUPS) {
		k->answer.failure = "this message needs too many look-ups";
		return k;
	}
	a = l->dns->query(l->c, name, MR_DNS_TXT, 0);
	if (a->status == MR_DNS_TEMPFAIL)
		k->answer.failure = a->why;
	else if (a->status == MR_DNS_OK)
		choose(k, a);
	return k;
}

static struct lookup_known *
find(struct lookup *l, const char *domain)
{
	for (struct lookup_known *k = l->known; k != NULL; k = k->next)
		if (strcmp(k->domain, domain) == 0)
			return k;
	return ask(l, domain);
}

static struct walk_answer
look(void *arg, const char *domain)
{
	return find(arg, domain)->answer;
}

const char *
lookup_text(struct lookup *l, const char *domain)
{
	return find(l, domain)->text;
}

static const char *
registered(void *arg, const char *domain)
{
	const struct lookup *l = arg;
	const char *name = l->address->registered(l->c, domain);

	return name != NULL ? domain + strlen(domain) - strlen(name) : NULL;
}

/* RFC 9989, A.4: every record of any type makes a name exist. */
static bool
exists(void *arg, const char *domain)
{
	const struct lookup *l = arg;

	return l->dns->query(l->c, domain, MR_DNS_A, 0)->status !=
	       MR_DNS_NXDOMAIN;
}

struct walk_source
lookup_source(struct lookup *l, bool psl)
{
	return (struct walk_source){
		.arg = l,
		.look = look,
		.registered = psl ? registered : NULL,
		.exists = exists,
	};
}

void
lookup_prefetch(struct lookup *l, const char *domain, bool psl)
{
	const char *d = domain;
	char name[NAME_BYTES];

	while (d != NULL) {
		if (policy_name_of(d, name))
			l->dns->prefetch(l->c, name, MR_DNS_TXT);
		if (!psl)
			d = walk_next(d);
		else
			d = d == domain ? registered(l, domain) : NULL;
		if (psl && d == domain)
			break;
	}
}
