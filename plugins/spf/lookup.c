/* SPDX-License-Identifier: Apache-2.0 */
/* What libspf2 asks of a tag. */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "eval_private.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct eval_record *
record_of(const struct eval *e, const struct tag *tag)
{
	return &e->records[tag->record];
}

/* The name to ask for; false if there can be none. */
static bool
target_name(
    struct eval *e, const struct tag *tag, const struct term *t, char *name)
{
	char buffer[EXPANDED];

	return domain_name(eval_target(e, record_of(e, tag), t, buffer), name);
}

static bool
is_void(const struct mr_dns_answer *a)
{
	return a->status == MR_DNS_NODATA || a->status == MR_DNS_NXDOMAIN;
}

/*
 * The question that a term itself asks; not those for the hosts of an mx,
 * nor any about the client's names, which the domain does not control.
 */
static bool
count_void(struct eval *e, const struct mr_dns_answer *a)
{
	if (!is_void(a) || e->voids++ < e->facts->limits.voids)
		return true;
	return eval_stop(e, RESULT_PERMERROR,
	    "more than %u terms found nothing in the DNS",
	    e->facts->limits.voids);
}

/* True: ask for name.  goes_on: so does the evaluation, name or not. */
static bool
begin_term(struct eval *e, const struct tag *tag, char *name, bool *goes_on)
{
	struct term t;

	*goes_on = eval_count_term(e);
	if (!*goes_on)
		return false;
	e->at = *tag;
	rewrite_term(record_of(e, tag)->text, tag->offset, &t);
	return target_name(e, tag, &t, name);
}

/* The answer to a term's own question; *a is NULL where none was asked. */
static bool
ask_term(struct eval *e, const struct tag *tag, mr_dns_type type,
    const struct mr_dns_answer **a)
{
	char name[DOMAIN_NAME];
	bool goes_on;

	*a = NULL;
	if (!begin_term(e, tag, name, &goes_on))
		return goes_on;
	return eval_ask_or_stop(e, name, type, a) && count_void(e, *a);
}

static int
by_preference(const void *a, const void *b)
{
	const struct mr_dns_record *const *x = a, *const *y = b;

	if ((*x)->preference != (*y)->preference)
		return (*x)->preference < (*y)->preference ? -1 : 1;
	return strcmp((*x)->data, (*y)->data);
}

/* The host of an mx, in the order of preference. */
static const char *
host_name(const struct mr_dns_answer *a, uint32_t host)
{
	const struct mr_dns_record *sorted[64];
	uint32_t n = a->count < COUNT(sorted) ? a->count : COUNT(sorted);

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = &a->records[i];
	qsort(sorted, n, sizeof(sorted[0]), by_preference);
	return host < n ? sorted[host]->data : "";
}

bool
eval_hosts(struct eval *e, const struct tag *tag, uint32_t *count)
{
	*count = 0;
	if (!ask_term(e, tag, MR_DNS_MX, &e->mx))
		return false;
	if (e->mx == NULL || e->mx->status != MR_DNS_OK)
		return true;
	/* RFC 7208, 4.6.4 */
	if (e->mx->count > e->facts->limits.mx)
		return eval_stop(e, RESULT_PERMERROR,
		    "an mx has more than %u hosts", e->facts->limits.mx);
	*count = e->mx->count;
	return true;
}

/*
 * With a prefix length of 0 any address matches.  libspf2 knows no such
 * length, so it is shown the client's own address.
 */
static const struct mr_dns_answer *
any_matches(
    struct eval *e, const struct tag *tag, const struct mr_dns_answer *a)
{
	struct mr_dns_answer *own;
	struct mr_dns_record *record;
	struct term t;

	rewrite_term(record_of(e, tag)->text, tag->offset, &t);
	if ((e->facts->client.bits == 32 ? t.bits4 : t.bits6) != 0)
		return a;
	own = e->ctx->host->alloc(e->ctx, sizeof(*own));
	record = e->ctx->host->alloc(e->ctx, sizeof(*record));
	record->data = (const char *)e->facts->client.bytes;
	record->len = e->facts->client.bits / 8;
	*own = (struct mr_dns_answer){ .count = 1, .records = record };
	return own;
}

bool
eval_addresses(
    struct eval *e, const struct tag *tag, const struct mr_dns_answer **a)
{
	const char *host;

	*a = NULL;
	if (tag->kind == TAG_ADDRESS) {
		if (!ask_term(e, tag, eval_address_type(e), a))
			return false;
	} else if (e->mx != NULL) {
		host = host_name(e->mx, tag->host);
		if (host[0] != '\0' &&
		    !eval_ask_or_stop(e, host, eval_address_type(e), a))
			return false;
	}
	if (*a != NULL && (*a)->status != MR_DNS_OK)
		*a = NULL;
	if (*a != NULL)
		*a = any_matches(e, tag, *a);
	return true;
}

bool
eval_exists(struct eval *e, const struct tag *tag, bool *found)
{
	const struct mr_dns_answer *a;
	char name[DOMAIN_NAME];
	bool goes_on;

	*found = false;
	if (tag->kind == TAG_MARK) {
		e->at = *tag;
		return e->stop == RESULT_NONE;
	}
	if (tag->kind == TAG_PTR) {
		if (begin_term(e, tag, name, &goes_on))
			*found = names_within(e, name);
		return goes_on && e->stop == RESULT_NONE;
	}
	if (!ask_term(e, tag, MR_DNS_A, &a))
		return false;
	*found = a != NULL && a->status == MR_DNS_OK;
	return true;
}
