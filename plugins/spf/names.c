/* SPDX-License-Identifier: Apache-2.0 */
/* Validated names of the client (RFC 7208, 5.5), for ptr and %{p}. */
#include <string.h>

#include "domain.h"
#include "eval_private.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
has_client(const struct eval *e, const struct mr_dns_answer *a)
{
	size_t n = e->facts->client.bits / 8;

	if (a->status != MR_DNS_OK)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->records[i].len == n &&
		    memcmp(a->records[i].data, e->facts->client.bytes, n) == 0)
			return true;
	return false;
}

mr_dns_type
eval_address_type(const struct eval *e)
{
	return e->facts->client.bits == 32 ? MR_DNS_A : MR_DNS_AAAA;
}

/* Errors are no matches here.  Once for each evaluation. */
static void
find_names(struct eval *e)
{
	const struct mr_dns_answer *a;
	const char *arpa;
	uint32_t most = e->facts->limits.ptr;

	if (e->named)
		return;
	e->named = true;
	arpa = e->facts->dns->reverse(e->ctx, e->addresses[1], NULL);
	if (arpa == NULL)
		return;
	a = eval_ask(e, arpa, MR_DNS_PTR);
	if (a->status != MR_DNS_OK)
		return;
	for (uint32_t i = 0; i < a->count && i < most; i++) {
		const char *name = a->records[i].data;

		if (e->nnames < COUNT(e->names) && name[0] != '\0' &&
		    has_client(e, eval_ask(e, name, eval_address_type(e))))
			e->names[e->nnames++] = name;
	}
}

struct span
names_client(struct eval *e, struct span domain)
{
	char wanted[DOMAIN_NAME];
	const char *best = NULL;

	find_names(e);
	if (!domain_name(domain, wanted))
		wanted[0] = '\0';
	for (uint32_t i = 0; i < e->nnames; i++) {
		const char *name = e->names[i];

		/* Escapes would be read as part of the name. */
		if (strchr(name, '\\') != NULL)
			continue;
		if (strcmp(name, wanted) == 0)
			return span_of(name);
		if (best == NULL || (domain_is_within(name, wanted) &&
					!domain_is_within(best, wanted)))
			best = name;
	}
	return span_of(best != NULL ? best : "unknown");
}

bool
names_within(struct eval *e, const char *domain)
{
	find_names(e);
	for (uint32_t i = 0; i < e->nnames; i++)
		if (domain_is_within(e->names[i], domain))
			return true;
	return false;
}
