/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS lists (RFC 5782): is the client, its name, the sender's domain, a
 * signer's or one that the text links to on a block or allow list?  All are
 * asked at once and as early as they are known.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <millrace/dns.h>
#include <millrace/plugin.h>

#include "entry.h"
#include "health.h"
#include "subject.h"

enum {
	LISTS_MAX = 64,
	NAMES = 256, /* of what has listed a message */
};

struct dnsbl_conf {
	const struct mr_list *lists;
	double reject_above;
	const char *reply;
	int64_t urls_max, errors_max;
	int64_t retry_after, test_every; /* ms */
};

struct dnsbl {
	const struct dnsbl_conf *conf;
	const struct mr_host *host;
	const struct mr_dns_service *dns;
	struct subject_source source; /* content NULL: no list of URLs */
	uint32_t count;
	struct entry *entries;
	struct health *healths;
};

struct dnsbl_message {
	bool early_done;
	double sum; /* of the scores so far */
	char names[NAMES];
};

static const struct mr_option dnsbl_options[] = {
	{ .name = "lists",
	    MR_OPTION(struct dnsbl_conf, lists, MR_LIST),
	    .text = "The lists: \"NAME ZONE WITH,... ANSWER=SYMBOL:SCORE "
		    "...\"." },
	{ .name = "reject-above",
	    MR_OPTION(struct dnsbl_conf, reject_above, MR_REAL),
	    .fallback = "0",
	    .max = 1000,
	    .text = "Refuse at mail if client, HELO and sender score this or "
		    "more; 0: never." },
	{ .name = "reply",
	    MR_OPTION(struct dnsbl_conf, reply, MR_STRING),
	    .fallback = "Listed by",
	    .text = "What the refused are told, before the names of the "
		    "lists." },
	{ .name = "urls-max",
	    MR_OPTION(struct dnsbl_conf, urls_max, MR_INT),
	    .fallback = "20",
	    .min = 1,
	    .max = SUBJECTS,
	    .text = "How many domains of links are asked for in a "
		    "message." },
	{ .name = "errors-max",
	    MR_OPTION(struct dnsbl_conf, errors_max, MR_INT),
	    .fallback = "10",
	    .min = 1,
	    .max = 1000,
	    .text = "A list that fails so often in a row is not asked for "
		    "retry-after." },
	{ .name = "retry-after",
	    MR_OPTION(struct dnsbl_conf, retry_after, MR_DURATION),
	    .fallback = "15m",
	    .min = 1000,
	    .max = 86400000,
	    .text = "How long a list that cannot be relied on is not "
		    "asked." },
	{ .name = "test-every",
	    MR_OPTION(struct dnsbl_conf, test_every, MR_DURATION),
	    .fallback = "1h",
	    .min = 1000,
	    .max = 86400000,
	    .text = "How often a list's test entries are looked at." },
	{ 0 },
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- asking, and what is made of it --- */

/* The name under which a list has it (RFC 5782, 2.1 and 3). */
static const char *
name_in(struct mr_ctx *c, const struct entry *e, const char *subject)
{
	const struct dnsbl *d = c->self;
	size_t n = strlen(subject) + 1 + strlen(e->zone) + 1;
	char *name;

	if (subject_is_address(subject))
		return d->dns->reverse(c, subject, e->zone);
	name = c->host->alloc(c, n);
	snprintf(name, n, "%s.%s", subject, e->zone);
	return name;
}

/* The log names lists as the operator does: a zone may hold a key. */
static void
complain(const struct dnsbl *d, uint32_t list, const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "list %s %s: it is not asked for %lld s",
	    d->entries[list].name, what,
	    (long long)d->conf->retry_after / 1000);
	d->host->log(d->host, NULL, MR_LOG_WARN, line);
}

static void
switch_off(const struct dnsbl *d, uint32_t list, const char *what)
{
	if (health_switch_off(
		&d->healths[list], now_ms(), d->conf->retry_after))
		complain(d, list, what);
}

static uint32_t
address_in(const struct mr_dns_record *r)
{
	uint32_t address;

	memcpy(&address, r->data, sizeof(address));
	return ntohl(address);
}

static void
found(struct mr_ctx *c, uint32_t list, const struct entry_answer *a,
    const char *subject)
{
	const struct dnsbl *d = c->self;
	struct dnsbl_message *m = c->message;
	const char *name = d->entries[list].name;
	size_t n = strlen(m->names);

	c->host->symbol(c, a->symbol, a->score, subject);
	m->sum += a->score;
	if (strstr(m->names, name) == NULL)
		snprintf(
		    m->names + n, NAMES - n, "%s%s", n > 0 ? ", " : "", name);
}

static const char *
nonsense(uint32_t address)
{
	return address >> 8 == 0x7fffff
		   ? "refuses to answer (127.255.255.x)"
		   : "answers with an address that means nothing";
}

/* One answer with several addresses has each symbol once. */
static void
read_answer(struct mr_ctx *c, uint32_t list, const struct mr_dns_answer *answer,
    const char *subject)
{
	const struct dnsbl *d = c->self;
	const struct entry *e = &d->entries[list];
	const struct entry_answer *a;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < answer->count; i++) {
		uint32_t address = address_in(&answer->records[i]), at = 0;

		if (!entry_meaning(address)) {
			switch_off(d, list, nonsense(address));
			return;
		}
		while ((a = entry_match(e, address, &at)) != NULL) {
			uint64_t bit = UINT64_C(1) << (a - e->answers);

			if ((seen & bit) == 0)
				found(c, list, a, subject);
			seen |= bit;
		}
	}
}

static void
ask(struct mr_ctx *c, uint32_t list, const char *subject, const char *name)
{
	const struct dnsbl *d = c->self;
	const struct mr_dns_answer *a = d->dns->query(c, name, MR_DNS_A, 0);

	if (a->status == MR_DNS_TEMPFAIL) {
		if (health_failed(&d->healths[list], now_ms(),
			(unsigned)d->conf->errors_max, d->conf->retry_after))
			complain(d, list, "fails too often");
		return;
	}
	health_worked(&d->healths[list]);
	if (a->status == MR_DNS_OK)
		read_answer(c, list, a, subject);
}

static void
prefetch(struct mr_ctx *c, uint32_t list, const char *subject, const char *name)
{
	const struct dnsbl *d = c->self;

	(void)list;
	(void)subject;
	d->dns->prefetch(c, name, MR_DNS_A);
}

/*
 * What every list must have, and what none may (RFC 5782, 5): 127.0.0.2 and
 * 127.0.0.1, or the domains TEST and INVALID.
 */
static const char *
test_name(struct mr_ctx *c, const struct entry *e, bool listed)
{
	if (e->with[CLIENT])
		return name_in(c, e, listed ? "127.0.0.2" : "127.0.0.1");
	return name_in(c, e, listed ? "test" : "invalid");
}

static void
prefetch_test(struct mr_ctx *c, uint32_t list)
{
	const struct dnsbl *d = c->self;
	const struct entry *e = &d->entries[list];

	if (e->untested || !health_test_due(&d->healths[list], now_ms()))
		return;
	prefetch(c, list, NULL, test_name(c, e, true));
	prefetch(c, list, NULL, test_name(c, e, false));
}

/* Of an answer, what is no entry of a list; or NULL. */
static const char *
first_nonsense(const struct mr_dns_answer *answer)
{
	for (uint32_t i = 0; i < answer->count; i++) {
		uint32_t address = address_in(&answer->records[i]);

		if (!entry_meaning(address))
			return nonsense(address);
	}
	return NULL;
}

/*
 * False: it answers what is wrong, and is off now.  While a test is due all
 * who would ask it test it: nobody believes a list that lists everything.
 */
static bool
passes_test(struct mr_ctx *c, uint32_t list)
{
	const struct dnsbl *d = c->self;
	const struct entry *e = &d->entries[list];
	const struct mr_dns_answer *good, *bad;
	const char *why = NULL;

	if (e->untested || !health_test_due(&d->healths[list], now_ms()))
		return true;
	good = d->dns->query(c, test_name(c, e, true), MR_DNS_A, 0);
	bad = d->dns->query(c, test_name(c, e, false), MR_DNS_A, 0);
	if ((why = first_nonsense(bad)) != NULL ||
	    (why = first_nonsense(good)) != NULL)
		switch_off(d, list, why);
	else if (bad->status == MR_DNS_OK)
		switch_off(d, list, "lists everything");
	else if (good->status == MR_DNS_NXDOMAIN ||
		 good->status == MR_DNS_NODATA)
		switch_off(d, list, "lacks its test entry");
	else if (good->status == MR_DNS_OK && bad->status != MR_DNS_TEMPFAIL)
		health_tested(&d->healths[list], now_ms(), d->conf->test_every);
	return !health_off(&d->healths[list], now_ms());
}

typedef void visit(
    struct mr_ctx *, uint32_t list, const char *subject, const char *name);

/* Each list that is on, with each subject of one kind. */
static void
each(struct mr_ctx *c, enum kind k, visit *v)
{
	const struct dnsbl *d = c->self;
	struct subjects s;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct entry *e = &d->entries[i];

		if (!e->with[k] || health_off(&d->healths[i], now_ms()))
			continue;
		subjects_gather(&d->source, c, e, k, &s);
		if (s.count == 0)
			continue;
		if (v == prefetch)
			prefetch_test(c, i);
		else if (!passes_test(c, i))
			continue;
		for (uint32_t j = 0; j < s.count; j++) {
			const char *name = name_in(c, e, s.items[j]);

			if (name != NULL)
				v(c, i, s.items[j], name);
		}
	}
}

/* --- stages --- */

static bool
asks(const struct dnsbl *d, enum kind k)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->entries[i].with[k])
			return true;
	return false;
}

/* Names of lists are letters; the operator's text is checked at open. */
static mr_verdict
refuse(struct mr_ctx *c)
{
	const struct dnsbl *d = c->self;
	const struct dnsbl_message *m = c->message;
	char text[NAMES + 600];

	snprintf(text, sizeof(text), "%s %s", d->conf->reply, m->names);
	c->host->reply(c, 550, "5.7.1", text);
	return MR_REJECT;
}

static void
ask_early(struct mr_ctx *c)
{
	struct dnsbl_message *m = c->message;

	if (m->early_done)
		return;
	m->early_done = true;
	for (enum kind k = CLIENT; k <= SENDER; k++)
		each(c, k, ask);
}

static mr_verdict
dnsbl_on_connect(struct mr_ctx *c)
{
	each(c, CLIENT, prefetch);
	return MR_CONTINUE;
}

static mr_verdict
dnsbl_on_helo(struct mr_ctx *c, const char *name)
{
	(void)name;
	each(c, HELO, prefetch);
	return MR_CONTINUE;
}

static mr_verdict
dnsbl_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	const struct dnsbl *d = c->self;
	const struct dnsbl_message *m = c->message;

	(void)from;
	(void)args;
	/* Those of earlier stages, too: it may not have been asked there. */
	for (enum kind k = CLIENT; k <= SENDER; k++)
		each(c, k, prefetch);
	if (d->conf->reject_above <= 0)
		return MR_CONTINUE;
	ask_early(c);
	return m->names[0] != '\0' && m->sum >= d->conf->reject_above
		   ? refuse(c)
		   : MR_CONTINUE;
}

static mr_verdict
dnsbl_on_eom(struct mr_ctx *c)
{
	const struct dnsbl *d = c->self;
	const struct dnsbl_message *m = c->message;
	visit *const rounds[] = { prefetch, ask };

	for (int i = 0; i < 2; i++) {
		each(c, DKIM, rounds[i]);
		if (d->source.content != NULL)
			each(c, URL, rounds[i]);
		if (i == 0)
			ask_early(c);
	}
	if (m->names[0] != '\0')
		c->host->note_set(c, "dnsbl.lists", m->names);
	return MR_CONTINUE;
}

/* --- opening --- */

static void
dnsbl_close(void *self)
{
	struct dnsbl *d = self;

	for (uint32_t i = 0; i < d->count; i++)
		health_finish(&d->healths[i]);
	free(d->healths);
	free(d->entries);
	free(d);
}

static bool
named_before(const struct dnsbl *d, const char *name)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (strcmp(d->entries[i].name, name) == 0)
			return true;
	return false;
}

/* All that is wrong is told, and never the zone. */
static bool
read_lists(struct dnsbl *d)
{
	const struct mr_list *lists = d->conf->lists;
	bool ok = lists->count > 0 && lists->count <= LISTS_MAX;
	const char *why;
	char text[300];

	if (!ok)
		d->host->config_error(
		    d->host, "lists", "name at least one list, and at most 64");
	for (uint32_t i = 0; i < lists->count && i < LISTS_MAX; i++) {
		struct entry *e = &d->entries[d->count];

		if (!entry_parse(lists->items[i], e, &why) ||
		    named_before(d, e->name)) {
			snprintf(text, sizeof(text), "list %u%s%s: %s", i + 1,
			    e->name[0] != '\0' ? " " : "", e->name,
			    why != NULL ? why
					: "another one has this name: give "
					  "it one of its own");
			d->host->config_error(d->host, "lists", text);
			ok = false;
			continue;
		}
		health_init(&d->healths[d->count++]);
	}
	return ok;
}

/* It goes into a reply: printable ASCII, and not too much of it. */
static bool
reply_ok(const struct dnsbl *d)
{
	const char *p = d->conf->reply != NULL ? d->conf->reply : "";
	size_t n = strlen(p);

	for (; *p >= ' ' && *p <= '~'; p++)
		;
	if (n > 0 && n <= 500 && *p == '\0')
		return true;
	d->host->config_error(d->host, "reply",
	    "write one line of 1 to 500 printable ASCII characters");
	return false;
}

static bool
find_services(struct dnsbl *d)
{
	const struct mr_host *h = d->host;

	d->dns = h->service(h, MR_DNS_SERVICE);
	d->source.address = h->service(h, MR_ADDRESS_SERVICE);
	if (d->dns == NULL || d->source.address == NULL) {
		h->config_error(h, NULL,
		    "it needs the services dns/1 and address/1, of which one "
		    "does not work: see the log");
		return false;
	}
	if (!asks(d, URL))
		return true;
	if ((d->source.content = h->service(h, MR_CONTENT_SERVICE)) != NULL)
		return true;
	h->config_error(h, "lists", "lists of URLs need the service content/1");
	return false;
}

static bool
dnsbl_open(const struct mr_host *host, const void *conf, void **self)
{
	const struct dnsbl_conf *dc = conf;
	struct dnsbl *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return false;
	d->conf = dc;
	d->host = host;
	d->source.urls_max = (uint32_t)dc->urls_max;
	d->entries = calloc(LISTS_MAX, sizeof(*d->entries));
	d->healths = calloc(LISTS_MAX, sizeof(*d->healths));
	if (d->entries == NULL || d->healths == NULL || !read_lists(d) ||
	    !reply_ok(d) || !find_services(d)) {
		dnsbl_close(d);
		return false;
	}
	*self = d;
	return true;
}

/* Nobody hands us a body that no list of URLs wants. */
static void
dnsbl_plan(const void *p, struct mr_plan *plan)
{
	const struct dnsbl_conf *conf = p;
	struct entry e;
	const char *why;

	plan->wants = 0;
	for (uint32_t i = 0; i < conf->lists->count; i++)
		if (entry_parse(conf->lists->items[i], &e, &why) && e.with[URL])
			plan->wants = MR_WANT_HEADERS | MR_WANT_BODY;
}

MR_PLUGIN(dnsbl) = {
	MR_PLUGIN_HEAD,
	.name = "dnsbl",
	.version = "0.1.0",
	.summary = "asks DNS block and allow lists",
	.options = dnsbl_options,
	.conf_size = sizeof(struct dnsbl_conf),
	.message_size = sizeof(struct dnsbl_message),
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.plan = dnsbl_plan,
	.open = dnsbl_open,
	.close = dnsbl_close,
	.on_connect = dnsbl_on_connect,
	.on_helo = dnsbl_on_helo,
	.on_mail = dnsbl_on_mail,
	.on_eom = dnsbl_on_eom,
};
