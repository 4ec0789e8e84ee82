/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/dns.h>

enum { WORD = 1100, LINE = 50000, SHOWN = 120 };

static const struct {
	const char *name;
	mr_dns_type type;
} types[] = {
	{ "A", MR_DNS_A },
	{ "AAAA", MR_DNS_AAAA },
	{ "MX", MR_DNS_MX },
	{ "PTR", MR_DNS_PTR },
	{ "TXT", MR_DNS_TXT },
};

static mr_dns_type
type_named(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

static const struct mr_dns_service *
service(const struct act *a)
{
	const struct mr_dns_service *dns =
	    a->host->service(a->host, MR_DNS_SERVICE);

	if (dns == NULL)
		a->host->log(a->host, a->c, MR_LOG_WARN, "there is no dns/1");
	return dns;
}

/* A question as the action's arguments have it. */
struct ask {
	char word[WORD], type[16];
	const char *name;
	int64_t limit_ms;
};

static void
read_ask(const struct act *a, const struct mr_dns_service *dns, struct ask *q)
{
	char limit[WORD];
	const char *rest = rule_word(a->args, q->word, sizeof(q->word)), *at;

	rest = rule_word(rest, q->type, sizeof(q->type));
	rule_word(rest, limit, sizeof(limit));
	q->limit_ms = strtoll(limit, NULL, 10);
	q->name = q->word;
	if (strcmp(q->word, "%") == 0)
		q->name = a->c->sender != NULL &&
				  (at = strrchr(a->c->sender, '@')) != NULL
			      ? at + 1
			      : "";
	else if (strcmp(q->word, "reverse") == 0)
		q->name = dns->reverse(a->c, a->c->client->addr, NULL);
	else if (strncmp(q->word, "reverse:", 8) == 0)
		q->name = dns->reverse(a->c, a->c->client->addr, q->word + 8);
	if (q->name == NULL)
		q->name = "";
}

/* A line that grows up to its end. */
struct line {
	char text[LINE];
	size_t n;
};

static void __attribute__((format(printf, 2, 3)))
put(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->text + l->n, LINE - l->n, format, args);
	va_end(args);
	l->n += (size_t)n < LINE - l->n ? (size_t)n : LINE - l->n - 1;
}

static void
put_record(struct line *l, const char *type, const struct mr_dns_record *r)
{
	char text[64];

	if (r->data[r->len] != '\0')
		put(l, " NO-NUL");
	if (strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0) {
		inet_ntop(r->len == 4 ? AF_INET : AF_INET6, r->data, text,
		    sizeof(text));
		put(l, " %s", text);
		return;
	}
	put(l, strcmp(type, "MX") == 0 ? " %u:" : " ", r->preference);
	for (uint32_t i = 0; i < r->len && i < SHOWN; i++) {
		unsigned char b = (unsigned char)r->data[i];

		put(l, b > ' ' && b < 0x7f ? "%c" : "\\x%02x", b);
	}
	if (r->len > SHOWN)
		put(l, "...%u", r->len);
}

static void
put_answer(struct line *l, const struct ask *q, const struct mr_dns_answer *a)
{
	static const char *const statuses[] = { "ok", "nodata", "nxdomain",
		"tempfail", "badname" };

	put(l, "%s %s %s", q->name, q->type, statuses[a->status]);
	if (a->secure)
		put(l, " secure");
	if (a->status != MR_DNS_TEMPFAIL && a->status != MR_DNS_BADNAME)
		put(l, " %s", a->ttl > 0 ? "ttl" : "no-ttl");
	for (uint32_t i = 0; i < a->count; i++)
		put_record(l, q->type, &a->records[i]);
	if (a->why != NULL)
		put(l, " (%s)", a->why);
}

static struct line *
ask(const struct act *a)
{
	const struct mr_dns_service *dns = service(a);
	struct ask q;
	struct line *l = a->c->host->alloc(a->c, sizeof(*l));

	if (dns == NULL)
		return l;
	read_ask(a, dns, &q);
	put_answer(
	    l, &q, dns->query(a->c, q.name, type_named(q.type), q.limit_ms));
	return l;
}

mr_verdict
ask_dns(const struct act *a)
{
	a->host->add_header(a->c, "X-Echo-Dns", ask(a)->text);
	return MR_CONTINUE;
}

mr_verdict
ask_dns_log(const struct act *a)
{
	a->host->log(a->host, a->c, MR_LOG_INFO, ask(a)->text);
	return MR_CONTINUE;
}

mr_verdict
ask_dns_prefetch(const struct act *a)
{
	const struct mr_dns_service *dns = service(a);
	struct ask q;

	if (dns == NULL)
		return MR_CONTINUE;
	read_ask(a, dns, &q);
	dns->prefetch(a->c, q.name, type_named(q.type));
	return MR_CONTINUE;
}

/* How many were answered at all, and why the last one was not. */
mr_verdict
ask_dns_many(const struct act *a)
{
	const struct mr_dns_service *dns = service(a);
	char times[16], stem[WORD], type[16], name[WORD + 16];
	const char *rest = rule_word(a->args, times, sizeof(times));
	struct line *l = a->c->host->alloc(a->c, sizeof(*l));
	const struct mr_dns_answer *last = NULL;
	int n = atoi(times), answered = 0;

	rest = rule_word(rest, stem, sizeof(stem));
	rule_word(rest, type, sizeof(type));
	for (int i = 0; dns != NULL && i < n; i++) {
		snprintf(name, sizeof(name), "%d.%s", i, stem);
		last = dns->query(a->c, name, type_named(type), 0);
		answered += last->status != MR_DNS_TEMPFAIL;
	}
	put(l, "%d answered", answered);
	if (last != NULL && last->why != NULL)
		put(l, " (%s)", last->why);
	a->host->add_header(a->c, "X-Echo-Dns", l->text);
	return MR_CONTINUE;
}
