/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "dns/1" over records that a test
 * sets.
 *
 *     fake_dns(&f, "example.com", MR_DNS_TXT, "v=spf1 -all");
 *     fake_dns(&f, "example.com", MR_DNS_MX, "10 mx.example.com");
 *     fake_dns(&f, "mx.example.com", MR_DNS_A, "192.0.2.1");
 *     fake_dns_status(&f, "slow.example", MR_DNS_TXT, MR_DNS_TEMPFAIL);
 *
 * A name of which nothing is known does not exist, one of which only another
 * type is known has no data.  Nothing is ever waited for.
 */
#ifndef MR_FAKE_DNS_H
#define MR_FAKE_DNS_H

#include <arpa/inet.h>

/* Names as the service compares them: any case, no dot at the end. */
MR_FAKE bool
fake_dns_same(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	n -= n > 0 && a[n - 1] == '.';
	m -= m > 0 && b[m - 1] == '.';
	return n == m && strncasecmp(a, b, n) == 0;
}

/* What is known of a name and type; made if it is not there. */
MR_FAKE struct fake_dns_row *
fake_dns_row(struct fake *f, const char *name, mr_dns_type type)
{
	struct fake_dns_row *r;

	for (r = f->dns; r != NULL; r = r->next)
		if (r->type == type && fake_dns_same(r->name, name))
			return r;
	r = fake_alloc(&f->kept, sizeof(*r));
	r->name = fake_copy(&f->kept, name);
	r->type = type;
	r->status = -1;
	r->next = f->dns;
	f->dns = r;
	return r;
}

/* One record more, of raw bytes: a TXT with a NUL in it. */
MR_FAKE void
fake_dns_bytes(struct fake *f, const char *name, mr_dns_type type,
    const void *data, size_t len)
{
	struct fake_dns_row *r = fake_dns_row(f, name, type);
	struct mr_dns_record *one;
	char *copy = fake_alloc(&f->kept, len + 1);

	if (r->count == FAKE_DNS_RECORDS)
		fake_broken("too many records", name);
	if (len > 0)
		memcpy(copy, data, len);
	one = &r->records[r->count++];
	one->data = copy;
	one->len = (uint32_t)len;
	r->status = MR_DNS_OK;
}

/*
 * One record more, in the order in which a query shows them.  A and AAAA: an
 * address; MX: preference and name; PTR: a name; TXT: its bytes.
 */
MR_FAKE void
fake_dns(struct fake *f, const char *name, mr_dns_type type, const char *text)
{
	unsigned char address[16];
	char *end;
	long preference;
	struct fake_dns_row *r;

	switch (type) {
	case MR_DNS_A:
	case MR_DNS_AAAA:
		if (inet_pton(type == MR_DNS_A ? AF_INET : AF_INET6, text,
			address) != 1)
			fake_broken("not an address", text);
		fake_dns_bytes(
		    f, name, type, address, type == MR_DNS_A ? 4 : 16);
		return;
	case MR_DNS_MX:
		preference = strtol(text, &end, 10);
		if (end == text || *end != ' ')
			fake_broken("not \"10 mx.example.com\"", text);
		fake_dns_bytes(f, name, type, end + 1, strlen(end + 1));
		r = fake_dns_row(f, name, type);
		r->records[r->count - 1].preference = (uint16_t)preference;
		return;
	default:
		fake_dns_bytes(f, name, type, text, strlen(text));
	}
}

/* What else a query says: MR_DNS_NODATA, _NXDOMAIN, _TEMPFAIL, _BADNAME. */
MR_FAKE void
fake_dns_status(
    struct fake *f, const char *name, mr_dns_type type, mr_dns_status status)
{
	fake_dns_row(f, name, type)->status = status;
}

/* Its answer is validated. */
MR_FAKE void
fake_dns_secure(struct fake *f, const char *name, mr_dns_type type)
{
	fake_dns_row(f, name, type)->secure = true;
}

/* How often it was asked for, and prefetched. */
MR_FAKE unsigned
fake_dns_asked(struct fake *f, const char *name, mr_dns_type type)
{
	return fake_dns_row(f, name, type)->asked;
}

MR_FAKE unsigned
fake_dns_prefetched(struct fake *f, const char *name, mr_dns_type type)
{
	return fake_dns_row(f, name, type)->prefetched;
}

MR_FAKE bool
fake_dns_bad_name(const char *name)
{
	size_t label = 0, all = strlen(name);

	all -= all > 0 && name[all - 1] == '.';
	for (size_t i = 0; i < all; i++) {
		label = name[i] == '.' ? 0 : label + 1;
		if (label > 63 ||
		    (name[i] == '.' && (i == 0 || name[i - 1] == '.')))
			return true;
	}
	return all == 0 || all > 253;
}

/* Is anything known of the name, whatever the type? */
MR_FAKE bool
fake_dns_known(const struct fake *f, const char *name)
{
	for (const struct fake_dns_row *r = f->dns; r != NULL; r = r->next)
		if (r->status == MR_DNS_OK && fake_dns_same(r->name, name))
			return true;
	return false;
}

MR_FAKE const struct mr_dns_answer *
fake_dns_query(
    struct mr_ctx *c, const char *name, mr_dns_type type, int64_t limit_ms)
{
	struct fake *f = fake_of(c);
	struct mr_dns_answer *a = fake_alloc(fake_scope(f), sizeof(*a));
	struct fake_dns_row *r;

	(void)limit_ms;
	if (fake_dns_bad_name(name)) {
		a->status = MR_DNS_BADNAME;
		a->why = "the DNS can hold no such name";
		return a;
	}
	r = fake_dns_row(f, name, type);
	r->asked++;
	a->status = r->status;
	if (r->status == -1)
		a->status =
		    fake_dns_known(f, name) ? MR_DNS_NODATA : MR_DNS_NXDOMAIN;
	if (a->status == MR_DNS_TEMPFAIL || a->status == MR_DNS_BADNAME) {
		a->why = "the test says so";
		return a;
	}
	a->ttl = 300;
	a->secure = r->secure;
	if (a->status == MR_DNS_OK) {
		a->count = r->count;
		a->records = r->records;
	}
	return a;
}

MR_FAKE void
fake_dns_prefetch(struct mr_ctx *c, const char *name, mr_dns_type type)
{
	if (!fake_dns_bad_name(name))
		fake_dns_row(fake_of(c), name, type)->prefetched++;
}

MR_FAKE const char *
fake_dns_reverse(struct mr_ctx *c, const char *addr, const char *zone)
{
	char *out, *p;
	unsigned char b[16];
	size_t n = 80 + (zone != NULL ? strlen(zone) : 0);

	p = out = fake_alloc(fake_scope(fake_of(c)), n);
	if (strncasecmp(addr, "::ffff:", 7) == 0 && strchr(addr, '.') != NULL)
		addr += 7;
	if (inet_pton(AF_INET, addr, b) == 1) {
		snprintf(out, n, "%u.%u.%u.%u.%s", b[3], b[2], b[1], b[0],
		    zone != NULL ? zone : "in-addr.arpa");
		return out;
	}
	if (inet_pton(AF_INET6, addr, b) != 1)
		return NULL;
	for (int i = 15; i >= 0; i--)
		p += sprintf(p, "%x.%x.", b[i] & 15, b[i] >> 4);
	strcpy(p, zone != NULL ? zone : "ip6.arpa");
	return out;
}

static const struct mr_dns_service fake_dns_service = {
	.size = sizeof(struct mr_dns_service),
	.prefetch = fake_dns_prefetch,
	.query = fake_dns_query,
	.reverse = fake_dns_reverse,
};

#endif
