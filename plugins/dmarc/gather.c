/* SPDX-License-Identifier: Apache-2.0 */
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
add_author(struct authors *a, const char *domain)
{
	/* An address literal has no policy. */
	if (domain[0] == '[')
		return;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->domains[i], domain) == 0)
			return;
	if (a->count == GATHER_AUTHORS)
		a->more++;
	else
		a->domains[a->count++] = domain;
}

struct authors
gather_authors(struct mr_ctx *c, const struct mr_address_service *address)
{
	struct authors a = { .count = 0 };
	const char *value;

	while ((value = c->host->header(c, "From", a.fields + 1)) != NULL) {
		const struct mr_mailboxes *m;

		if (++a.fields > GATHER_FIELDS) {
			a.more++;
			break;
		}
		m = address->mailboxes(c, value);
		a.broken = a.broken || m->broken;
		for (uint32_t i = 0; i < m->count; i++)
			add_author(&a, m->items[i].domain);
	}
	return a;
}

/* "dkim.3.domain" */
static const char *
signature_note(struct mr_ctx *c, unsigned nth, const char *what)
{
	char key[64];

	snprintf(key, sizeof(key), "dkim.%u.%s", nth, what);
	return c->host->note(c, key);
}

static void
add(struct mr_ctx *c, const struct mr_address_service *address,
    struct gathered *g, const char *domain, const char *result,
    const char *selector)
{
	if (g->count == IDENTIFIERS || result == NULL)
		return;
	g->ids[g->count++] = (struct identifier){
		.domain = domain != NULL ? address->to_ascii(c, domain) : NULL,
		.result = result,
		.selector = selector,
	};
}

void
gather_identifiers(struct mr_ctx *c, const struct mr_address_service *address,
    struct gathered *g)
{
	const char *count = c->host->note(c, "dkim.count");
	unsigned long n = count != NULL ? strtoul(count, NULL, 10) : 0;

	*g = (struct gathered){
		.spf_domain = c->host->note(c, "spf.domain"),
		.spf_result = c->host->note(c, "spf.result"),
	};
	g->any = g->spf_result != NULL || count != NULL;
	add(c, address, g, g->spf_domain, g->spf_result, NULL);
	for (unsigned i = 1; i <= n && i < IDENTIFIERS; i++) {
		const char *selector = signature_note(c, i, "selector");

		add(c, address, g, signature_note(c, i, "domain"),
		    signature_note(c, i, "result"),
		    selector != NULL ? selector : "");
	}
}
