/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPF (RFC 7208): may this client send mail for the domain of the sender,
 * and use the name that it gave in HELO?
 *
 * The work is done at mail, where a refusal is cheapest.  What the DNS has
 * not answered by then is asked again at the end of the message, where there
 * is more time; what a relay of ours brought, once its header is there.
 */
#include <stdlib.h>
#include <string.h>

#include <millrace/dns.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

#include "act.h"
#include "check.h"
#include "conf.h"
#include "domain.h"
#include "received.h"

struct spf {
	const struct spf_conf *conf;
	const struct mr_dns_service *dns;
	struct act_conf act; /* and the service map/1 */
};

enum state { FRESH, LATER_AT_EOH, LATER_AT_EOM };

struct spf_message {
	enum state state;
	int64_t used; /* milliseconds, by a check that came late */
	bool relayed; /* .from is the client of a relay */
	struct received from;
	struct finding helo; /* recorded already; .client NULL: none yet */
};

/* --- start --- */

static void
set_policy(struct spf *spf)
{
	struct policy *p = &spf->act.policy;

	for (size_t i = 0; i < IDENTITIES; i++)
		for (size_t r = 0; r < RESULTS; r++)
			p->actions[i][r] =
			    (enum action)spf->conf->actions[i][r];
	memcpy(p->scores, spf->conf->scores, sizeof(p->scores));
}

static bool
spf_open(const struct mr_host *host, const void *conf, void **self)
{
	struct spf *spf = calloc(1, sizeof(*spf));

	if (spf == NULL)
		return false;
	spf->conf = conf;
	spf->dns = host->service(host, MR_DNS_SERVICE);
	spf->act = (struct act_conf){
		.map = host->service(host, MR_MAP_SERVICE),
		.policies = spf->conf->policies,
		.reply = spf->conf->reply,
		.header = spf->conf->received_spf,
	};
	set_policy(spf);
	if (spf->dns == NULL || spf->act.map == NULL) {
		host->config_error(host, NULL,
		    "this daemon lacks a service: " MR_DNS_SERVICE
		    " or " MR_MAP_SERVICE);
		free(spf);
		return false;
	}
	if (!conf_check(spf->conf, spf->act.map, host)) {
		free(spf);
		return false;
	}
	*self = spf;
	return true;
}

static void
spf_close(void *self)
{
	free(self);
}

/* --- checks --- */

/*
 * Who is asked about: the client of the session, or of a relay.  Lives as
 * long as the message, as findings point into it.
 */
struct subject {
	struct eval_facts facts;
	char client[ADDRESS_TEXT];
	const char *sender, *helo, *receiver;
};

/* NULL: there is no address to check, or nobody wants it checked. */
static struct subject *
subject_of(struct mr_ctx *c, const char *addr, const char *helo)
{
	const struct spf *spf = c->self;
	const struct spf_conf *conf = spf->conf;
	struct subject *s = c->host->alloc(c, sizeof(*s));
	struct text client = TEXT(s->client);
	const char *name = c->host->macro(c, "j");

	if (!address_parse(span_of(addr), &s->facts.client))
		return NULL;
	address_print(&s->facts.client, &client);
	if (spf->act.map->client(c, conf->skip_clients, s->client) != NULL)
		return NULL;
	s->sender = c->sender;
	s->helo = helo;
	s->receiver = name != NULL ? name : "unknown";
	s->facts.dns = spf->dns;
	s->facts.map = spf->act.map;
	s->facts.records = conf->records;
	s->facts.receiver = span_of(s->receiver);
	s->facts.limits = (struct eval_limits){
		.terms = (uint32_t)conf->max_terms,
		.voids = (uint32_t)conf->max_voids,
		.mx = (uint32_t)conf->max_mx,
		.ptr = (uint32_t)conf->max_ptr,
	};
	return s;
}

/* What is left for the DNS when the answer must be out in time. */
static int64_t
time_for_dns(struct mr_ctx *c, int64_t used)
{
	const struct spf *spf = c->self;
	int64_t left = c->host->time_left(c);
	int64_t budget = spf->conf->timeout - used;

	left = left > 600 ? left - 300 : left / 2;
	return budget < left ? budget : left;
}

static void
find(struct mr_ctx *c, struct subject *s, enum identity identity, int64_t time,
    struct finding *f)
{
	const struct spf *spf = c->self;
	const char *sender = identity == IDENTITY_MAIL ? s->sender : "";

	*f = (struct finding){ .identity = identity,
		.null_sender = s->sender != NULL && s->sender[0] == '\0' &&
			       identity == IDENTITY_MAIL,
		.sender = s->sender,
		.helo = s->helo,
		.receiver = s->receiver,
		.client = s->client };
	s->facts.limits.time = time;
	check_identify(c, &s->facts, sender, s->helo);
	check_host(c, &s->facts, (struct span){ "", 0 }, spf->conf->explanation,
	    &f->check);
	act_judge(c, &spf->act, f);
}

/* Does the SPF of one of the forwarders' domains name the client? */
static const char *
find_forwarder(struct mr_ctx *c, struct subject *s)
{
	const struct spf *spf = c->self;
	const struct spf_conf *conf = spf->conf;
	struct check k;

	if (spf->act.map->client(c, conf->forwarders, s->client) != NULL)
		return s->client;
	for (uint32_t i = 0; i < conf->forwarder_domains->count; i++) {
		const char *domain = conf->forwarder_domains->items[i];

		s->facts.limits.time = time_for_dns(c, 0);
		check_identify(c, &s->facts, domain, s->helo);
		check_host(c, &s->facts, (struct span){ "", 0 }, false, &k);
		if (k.result == RESULT_PASS)
			return domain;
	}
	return NULL;
}

/* What a forwarder sends on bears the sender of somebody else. */
static void
spare_forwarder(struct mr_ctx *c, struct subject *s, struct finding *f)
{
	const char *forwarder;

	if (!act_is_grave(f->action) ||
	    (forwarder = find_forwarder(c, s)) == NULL)
		return;
	f->action = ACTION_ACCEPT;
	if (c->message != NULL)
		c->host->symbol(c, "SPF_FORWARDER", 0, forwarder);
}

static void
guess(struct mr_ctx *c, struct subject *s, struct finding *f, int64_t time)
{
	const struct spf_conf *conf = ((const struct spf *)c->self)->conf;
	struct check k;

	if (f->check.result != RESULT_NONE || conf->best_guess == NULL)
		return;
	s->facts.limits.time = time;
	check_identify(c, &s->facts, s->sender, s->helo);
	check_host(c, &s->facts, span_of(conf->best_guess), false, &k);
	if (k.result != RESULT_PASS)
		return;
	f->action = ACTION_ACCEPT;
	c->host->symbol(c, "SPF_GUESS_PASS", 0, k.path);
}

/* The HELO name, unless the sender is <> and stands for it anyway. */
static void
check_helo(struct mr_ctx *c, struct subject *s)
{
	const struct spf *spf = c->self;
	struct spf_message *m = c->message;

	if (!spf->conf->check_helo || s->helo[0] == '\0' ||
	    s->sender[0] == '\0' || m->helo.client != NULL)
		return;
	/* Its record has been on its way since helo. */
	find(c, s, IDENTITY_HELO, time_for_dns(c, m->used) / 2, &m->helo);
	act_record(c, &spf->act, &m->helo);
	spare_forwarder(c, s, &m->helo);
}

/* <> is judged as MAIL FROM and, if that is on, as HELO. */
static void
judge_null_sender(const struct spf *spf, struct finding *f)
{
	if (f->null_sender && spf->conf->check_helo)
		f->action = policy_graver(f->action,
		    f->policy.actions[IDENTITY_HELO][f->check.result]);
}

static mr_verdict
check_sender(struct mr_ctx *c, struct subject *s, bool last)
{
	const struct spf *spf = c->self;
	struct spf_message *m = c->message;
	struct finding f;
	int64_t left;
	mr_verdict v;

	check_helo(c, s);
	if (m->helo.action == ACTION_REJECT)
		return act_answer(c, &spf->act, &m->helo);
	left = c->host->time_left(c);
	find(c, s, IDENTITY_MAIL, time_for_dns(c, m->used), &f);
	m->used += left - c->host->time_left(c);
	if (f.check.late && !last && m->used < spf->conf->timeout) {
		m->state = LATER_AT_EOM;
		return MR_CONTINUE;
	}
	judge_null_sender(spf, &f);
	guess(c, s, &f, time_for_dns(c, 0));
	act_record(c, &spf->act, &f);
	spare_forwarder(c, s, &f);
	if (policy_graver(f.action, m->helo.action) != f.action)
		f = m->helo;
	m->state = FRESH;
	v = act_answer(c, &spf->act, &f);
	return v == MR_CONTINUE ? MR_SKIP : v;
}

/* --- relays --- */

/*
 * Go up the Received fields that relays of ours wrote, to the client of the
 * first one that is none of them.
 */
static bool
find_relayed(struct mr_ctx *c, struct received *from)
{
	const struct spf *spf = c->self;
	const char *value;

	for (uint32_t hop = 1; hop <= spf->conf->relay_hops; hop++) {
		char client[ADDRESS_TEXT];
		struct text t = TEXT(client);

		value = c->host->header(c, "Received", hop);
		if (value == NULL || !received_parse(span_of(value), from))
			return false;
		address_print(&from->client, &t);
		if (spf->act.map->client(c, spf->conf->relays, client) == NULL)
			return true;
	}
	return false;
}

/* A copy of what a relay was told in HELO. */
static const char *
helo_text(struct mr_ctx *c, struct span helo)
{
	char *p = c->host->alloc(c, helo.n + 1);

	memcpy(p, helo.p, helo.n);
	return p;
}

/* NULL: nobody is to be checked. */
static struct subject *
relayed_subject(struct mr_ctx *c)
{
	struct spf_message *m = c->message;
	char client[ADDRESS_TEXT];
	struct text t = TEXT(client);

	if (!m->relayed && !find_relayed(c, &m->from)) {
		c->host->symbol(c, "SPF_RELAY_UNKNOWN", 0,
		    "no Received field of a relay tells the client");
		return NULL;
	}
	address_print(&m->from.client, &t);
	if (!m->relayed)
		c->host->symbol(c, "SPF_RELAYED", 0, client);
	m->relayed = true;
	return subject_of(c, client, helo_text(c, m->from.helo));
}

/* --- stages --- */

static const char *
helo_of(const struct mr_ctx *c)
{
	return c->client->helo != NULL ? c->client->helo : "";
}

static bool
is_relay(struct mr_ctx *c)
{
	const struct spf *spf = c->self;

	return spf->act.map->client(c, spf->conf->relays, c->client->addr) !=
	       NULL;
}

/* The record of a domain will be wanted in a moment, if it is not ours. */
static void
prefetch_record(struct mr_ctx *c, const char *domain)
{
	const struct spf *spf = c->self;
	char name[DOMAIN_NAME];

	if (domain_is_complete(span_of(domain)) &&
	    domain_name(span_of(domain), name) &&
	    spf->act.map->name(c, spf->conf->records, name) == NULL)
		spf->dns->prefetch(c, name, MR_DNS_TXT);
}

static mr_verdict
spf_on_helo(struct mr_ctx *c, const char *name)
{
	const struct spf *spf = c->self;
	struct subject *s;
	struct finding f;

	if (is_relay(c) || (s = subject_of(c, c->client->addr, name)) == NULL)
		return MR_CONTINUE;
	prefetch_record(c, name);
	if (spf->conf->helo_stage != HELO_AT_HELO || name[0] == '\0')
		return MR_CONTINUE;
	find(c, s, IDENTITY_HELO, time_for_dns(c, 0), &f);
	/* Anything else is done in a message. */
	if (f.action != ACTION_REJECT && f.action != ACTION_TEMPFAIL)
		return MR_CONTINUE;
	spare_forwarder(c, s, &f);
	return act_answer(c, &spf->act, &f);
}

static mr_verdict
spf_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	const struct spf *spf = c->self;
	struct spf_message *m = c->message;
	const char *at = strrchr(from, '@');
	struct subject *s;

	(void)args;
	if (spf->conf->skip_authenticated && c->client->login != NULL)
		return MR_SKIP;
	if (is_relay(c)) {
		m->state = LATER_AT_EOH;
		return MR_CONTINUE;
	}
	if ((s = subject_of(c, c->client->addr, helo_of(c))) == NULL)
		return MR_SKIP;
	prefetch_record(c, at != NULL ? at + 1 : from);
	return check_sender(c, s, false);
}

static mr_verdict
check_later(struct mr_ctx *c, bool last)
{
	const struct spf_message *m = c->message;
	struct subject *s;

	if (m->relayed || m->state == LATER_AT_EOH)
		s = relayed_subject(c);
	else
		s = subject_of(c, c->client->addr, helo_of(c));
	return s != NULL ? check_sender(c, s, last) : MR_SKIP;
}

static mr_verdict
spf_on_eoh(struct mr_ctx *c)
{
	const struct spf_message *m = c->message;

	return m->state == LATER_AT_EOH ? check_later(c, false) : MR_CONTINUE;
}

static mr_verdict
spf_on_eom(struct mr_ctx *c)
{
	const struct spf_message *m = c->message;

	return m->state != FRESH ? check_later(c, true) : MR_CONTINUE;
}

MR_PLUGIN(spf) = {
	MR_PLUGIN_HEAD,
	.name = "spf",
	.version = "0.1.0",
	.summary = "checks who may send mail for a domain (SPF)",
	.options = conf_options,
	.conf_size = sizeof(struct spf_conf),
	.message_size = sizeof(struct spf_message),
	.actions = MR_ACTION_ADD_HEADER | MR_ACTION_QUARANTINE,
	.wants = MR_WANT_AUTH_RESULTS | MR_WANT_HEADERS,
	.plan = conf_plan,
	.open = spf_open,
	.close = spf_close,
	.on_helo = spf_on_helo,
	.on_mail = spf_on_mail,
	.on_eoh = spf_on_eoh,
	.on_eom = spf_on_eom,
};
