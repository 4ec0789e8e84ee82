/* SPDX-License-Identifier: Apache-2.0 */
#include "destination.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void
refuse(struct destination *d, const char *why)
{
	d->state = DESTINATION_REFUSED;
	d->why = why;
}

/*
 * The record that consents may name another address, but only at its own
 * host (RFC 9990, 4, step 9).
 */
static void
replace(struct destination *d, const struct record *r)
{
	struct text list = r->rua;
	struct uri first = { 0 }, uri;
	bool ok;

	while (uri_next(&list, &uri, &ok)) {
		if (!ok || !uri.mailto)
			continue;
		if (strcasecmp(uri_domain(&uri), uri_domain(&d->uri)) != 0) {
			refuse(d, "its consent names another host");
			return;
		}
		if (!first.mailto)
			first = uri;
	}
	if (first.mailto)
		d->uri = first;
}

static void
ask_consent(struct lookup *l, const char *domain, struct destination *d)
{
	const struct mr_dns_answer *a;
	struct record r;
	char name[700];

	d->external = true;
	snprintf(name, sizeof(name), "%s._report._dmarc.%s", domain,
	    uri_domain(&d->uri));
	a = l->dns->query(l->c, name, MR_DNS_TXT, 0);
	if (a->status == MR_DNS_TEMPFAIL) {
		d->state = DESTINATION_LATER;
		d->why = a->why;
		return;
	}
	if (a->status == MR_DNS_OK)
		for (uint32_t i = 0; i < a->count; i++) {
			struct text t = { a->records[i].data,
				a->records[i].len };

			if (!record_parse(t, &r))
				continue;
			if (r.rua.n > 0)
				replace(d, &r);
			return;
		}
	refuse(d, "it does not say that it wants them");
}

static void
verify(struct lookup *l, bool psl, const char *domain, struct destination *d)
{
	struct walk_source source = lookup_source(l, psl);
	const char *host = l->address->to_ascii(l->c, uri_domain(&d->uri));
	struct walk theirs, ours;

	if (host == NULL) {
		refuse(d, "not well-formed");
		return;
	}
	if (strcmp(host, domain) == 0)
		return;
	theirs = walk_domain(&source, host);
	ours = walk_domain(&source, domain);
	if (theirs.org == NULL || ours.org == NULL) {
		d->state = DESTINATION_LATER;
		d->why = theirs.org == NULL ? theirs.failure : ours.failure;
	} else if (strcmp(theirs.org, ours.org) != 0) {
		ask_consent(l, domain, d);
	}
}

size_t
destination_find(struct lookup *l, bool psl, const char *domain,
    const struct record *r, struct destination out[DESTINATIONS])
{
	struct text list = r->rua, before;
	size_t n = 0;
	bool ok;

	while (n < DESTINATIONS) {
		struct destination *d = &out[n];

		*d = (struct destination){ 0 };
		before = list;
		if (!uri_next(&list, &d->uri, &ok))
			break;
		before.n -= list.n;
		while (before.n > 0 && before.p[before.n - 1] == ',')
			before.n--;
		before = text_trim(before);
		snprintf(
		    d->text, sizeof(d->text), "%.*s", (int)before.n, before.p);
		n++;
		if (!ok)
			refuse(d, "not well-formed");
		else if (!d->uri.mailto)
			refuse(d, "not mailto");
		else
			verify(l, psl, domain, d);
	}
	return n;
}
