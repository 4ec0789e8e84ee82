/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMARC (RFC 9989): does SPF or a signature vouch for the domain that the
 * reader sees in From, and what does that domain ask for if not?
 *
 * The DNS is asked when the header is complete, so that its answers are there
 * at the end of the message, when DKIM has its results.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/address.h>
#include <millrace/dns.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

#include "conf.h"
#include "gather.h"
#include "lookup.h"
#include "tool.h"
#include "witness.h"

struct dmarc {
	const struct dmarc_conf *conf;
	const struct mr_map_service *map;
	const struct mr_dns_service *dns;
	const struct mr_address_service *address;
};

struct dmarc_message {
	struct authors authors;
	struct lookup lookup;
};

static bool
dmarc_open(const struct mr_host *host, const void *conf, void **self)
{
	struct dmarc *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return false;
	d->conf = conf;
	d->map = host->service(host, MR_MAP_SERVICE);
	d->dns = host->service(host, MR_DNS_SERVICE);
	d->address = host->service(host, MR_ADDRESS_SERVICE);
	if (d->map == NULL || d->dns == NULL || d->address == NULL) {
		host->config_error(host, NULL,
		    "this daemon lacks a service: " MR_MAP_SERVICE
		    ", " MR_DNS_SERVICE " or " MR_ADDRESS_SERVICE);
		free(d);
		return false;
	}
	if (!conf_check(d->conf, d->map, host)) {
		free(d);
		return false;
	}
	*self = d;
	return true;
}

static void
dmarc_close(void *self)
{
	free(self);
}

static void
dmarc_plan(const void *p, struct mr_plan *plan)
{
	const struct dmarc_conf *conf = p;
	bool quarantines = conf->overrides != NULL ||
			   conf->forwarders != NULL || conf->lists != NULL;

	for (size_t i = 0; i < CASES; i++)
		quarantines =
		    quarantines || conf->actions[i] == ACTION_QUARANTINE;
	if (!quarantines)
		plan->actions &= ~(uint32_t)MR_ACTION_QUARANTINE;
	if (conf->skip_authenticated)
		plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

/* --- stages --- */

/* Without an address there is no SPF either: a program of this machine. */
static bool
is_spared(struct mr_ctx *c)
{
	const struct dmarc *d = c->self;
	const char *addr = c->client->addr;

	if (d->conf->skip_authenticated && c->client->login != NULL)
		return true;
	return strpbrk(addr, ".:") == NULL ||
	       d->map->client(c, d->conf->skip_clients, addr) != NULL;
}

static mr_verdict
dmarc_on_eoh(struct mr_ctx *c)
{
	const struct dmarc *d = c->self;
	struct dmarc_message *m = c->message;

	if (is_spared(c))
		return MR_SKIP;
	m->authors = gather_authors(c, d->address);
	m->lookup =
	    (struct lookup){ .c = c, .dns = d->dns, .address = d->address };
	for (size_t i = 0; i < m->authors.count; i++)
		lookup_prefetch(&m->lookup, m->authors.domains[i],
		    d->conf->method == METHOD_PSL);
	return MR_CONTINUE;
}

/* The text for the client, "{domain}" in it replaced. */
static void
reply(struct mr_ctx *c, const char *domain, bool for_good)
{
	const struct dmarc_conf *conf = ((const struct dmarc *)c->self)->conf;
	static const char word[] = "{domain}";
	const char *at = strstr(conf->reply, word);
	char text[DECIDE_REPLY_BYTES + 300];

	if (domain == NULL)
		domain = "the domain in From";
	if (at == NULL)
		snprintf(text, sizeof(text), "%s", conf->reply);
	else
		snprintf(text, sizeof(text), "%.*s%s%s",
		    (int)(at - conf->reply), conf->reply, domain,
		    at + strlen(word));
	c->host->reply(
	    c, for_good ? 550 : 451, for_good ? "5.7.1" : "4.7.1", text);
}

static mr_verdict
act(struct mr_ctx *c, enum action action, const char *domain)
{
	char reason[300];

	switch (action) {
	case ACTION_REJECT:
		reply(c, domain, true);
		return MR_REJECT;
	case ACTION_TEMPFAIL:
		reply(c, domain, false);
		return MR_TEMPFAIL;
	case ACTION_QUARANTINE:
		snprintf(reason, sizeof(reason), "DMARC policy of %s",
		    domain != NULL ? domain : "this server");
		c->host->quarantine(c, reason);
		return MR_QUARANTINE;
	case ACTION_ERROR:
		return MR_ERROR;
	case ACTION_ACCEPT:
	case ACTION_SCORE:
	default:
		return MR_CONTINUE;
	}
}

/* DMARC cannot say anything of such a message (RFC 9989, 5.3.1). */
static mr_verdict
no_domain(struct mr_ctx *c, const struct authors *a)
{
	const struct dmarc *d = c->self;
	struct decision decision = decide_case(d->conf, CASE_NO_DOMAIN);
	const char *why = a->more > 0      ? "too many domains in From"
			  : a->fields == 0 ? "no From field"
			  : a->broken      ? "From is no list of addresses"
					   : "no domain in From";

	witness_error(c, "DMARC_NO_DOMAIN",
	    decision.action == ACTION_SCORE ? decision.score : 0, why);
	return act(c, decision.action, NULL);
}

static mr_verdict
several_domains(struct mr_ctx *c)
{
	witness_error(c, "DMARC_SEVERAL_DOMAINS", 0,
	    "addresses of several domains in From");
	c->host->reply(c, 550, "5.7.1",
	    "Addresses of several domains in From are not accepted");
	return MR_REJECT;
}

/*
 * Each author domain has its policy; the gravest counts.  Of those that are
 * as grave the notes are about the first.
 */
static mr_verdict
check(struct mr_ctx *c, struct gathered *g)
{
	const struct dmarc *d = c->self;
	struct dmarc_message *m = c->message;
	bool psl = d->conf->method == METHOD_PSL;
	struct walk_source source = lookup_source(&m->lookup, psl);
	struct evaluation worst = { 0 };
	struct decision decided = { 0 };

	m->lookup.c = c;
	for (size_t i = 0; i < m->authors.count; i++) {
		struct evaluation e =
		    evaluate(&source, m->authors.domains[i], g->ids, g->count);
		struct decision one =
		    decide(c, d->conf, d->map, &e, g->ids, g->count);

		witness(c, &e, &one, g, psl);
		if (i > 0 && !witness_is_worse(&e, &one, &worst, &decided))
			continue;
		worst = e;
		decided = one;
	}
	witness_notes(c, &worst, &decided);
	return act(c, decided.action, worst.author);
}

static mr_verdict
dmarc_on_eom(struct mr_ctx *c)
{
	const struct dmarc *d = c->self;
	const struct dmarc_message *m = c->message;
	struct gathered g;

	gather_identifiers(c, d->address, &g);
	if (!g.any) {
		/* Nobody was asked, so that nothing fails. */
		c->host->symbol(c, "DMARC_UNCHECKED", 0,
		    "neither spf nor dkim has left a result");
		return MR_CONTINUE;
	}
	if (m->authors.count == 0 || m->authors.more > 0)
		return no_domain(c, &m->authors);
	if (m->authors.count > 1 && d->conf->several == SEVERAL_REJECT)
		return several_domains(c);
	return check(c, &g);
}

MR_PLUGIN(dmarc) = {
	MR_PLUGIN_HEAD,
	.name = "dmarc",
	.version = "0.1.0",
	.summary = "DMARC: policy of the domain in From, and reports",
	.needs = "spf|dkim",
	.options = conf_options,
	.conf_size = sizeof(struct dmarc_conf),
	.message_size = sizeof(struct dmarc_message),
	.actions = MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_AUTH_RESULTS,
	.plan = dmarc_plan,
	.open = dmarc_open,
	.close = dmarc_close,
	.on_eoh = dmarc_on_eoh,
	.on_eom = dmarc_on_eom,
	.command = "dmarc",
	.commands = tool_commands,
};
