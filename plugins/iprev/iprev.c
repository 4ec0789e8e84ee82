/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iprev (RFC 8601, 3): does a reverse name of the client lead back to its
 * address?  The names are looked up here; what the mail server says of them
 * is not believed.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/dns.h>
#include <millrace/plugin.h>

enum result { UNKNOWN, PASS, FAIL, PERMERROR, TEMPERROR, RESULTS };
enum does { DOES_NOTHING, DOES_TEMPFAIL, DOES_REJECT };

enum { NAMES_MAX = 10, NAME = 1024 };

struct iprev_conf {
	double scores[RESULTS];
	int64_t does[RESULTS]; /* enum does */
};

struct iprev {
	const struct iprev_conf *conf;
	const struct mr_dns_service *dns;
};

/* Of a session: what does not change any more. */
struct iprev_session {
	int32_t result; /* enum result; UNKNOWN: not found out yet */
	char name[NAME];
};

static const struct mr_option iprev_options[] = {
	{ .name = "fail",
	    MR_OPTION(struct iprev_conf, does[FAIL], MR_CHOICE),
	    .fallback = "accept",
	    .choices = "accept|tempfail|reject",
	    .text = "What happens to mail of a client whose names do not "
		    "lead back to it." },
	{ .name = "permerror",
	    MR_OPTION(struct iprev_conf, does[PERMERROR], MR_CHOICE),
	    .fallback = "accept",
	    .choices = "accept|tempfail|reject",
	    .text = "What happens to mail of a client that has no name." },
	{ .name = "temperror",
	    MR_OPTION(struct iprev_conf, does[TEMPERROR], MR_CHOICE),
	    .fallback = "accept",
	    .choices = "accept|tempfail",
	    .text = "What happens to mail while the DNS does not tell." },
	{ .name = "pass-score",
	    MR_OPTION(struct iprev_conf, scores[PASS], MR_REAL),
	    .fallback = "0",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of IPREV_PASS." },
	{ .name = "fail-score",
	    MR_OPTION(struct iprev_conf, scores[FAIL], MR_REAL),
	    .fallback = "1",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of IPREV_FAIL." },
	{ .name = "permerror-score",
	    MR_OPTION(struct iprev_conf, scores[PERMERROR], MR_REAL),
	    .fallback = "2",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of IPREV_PERMERROR." },
	{ .name = "temperror-score",
	    MR_OPTION(struct iprev_conf, scores[TEMPERROR], MR_REAL),
	    .fallback = "0",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of IPREV_TEMPERROR." },
	{ 0 },
};

static const struct {
	const char *word, *symbol, *reply;
} rows[RESULTS] = {
	[PASS] = { "pass", "IPREV_PASS", NULL },
	[FAIL] = { "fail", "IPREV_FAIL",
	    "The reverse name of your address does not lead back to it" },
	[PERMERROR] = { "permerror", "IPREV_PERMERROR",
	    "Your address has no reverse name" },
	[TEMPERROR] = { "temperror", "IPREV_TEMPERROR",
	    "The reverse name of your address cannot be looked up now" },
};

/* The client's address in network order; its length, or 0: it has none. */
static uint32_t
address_of(const struct mr_ctx *c, unsigned char out[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, c->client->addr, out) == 1)
		return 4;
	if (inet_pton(AF_INET6, c->client->addr, out) != 1)
		return 0;
	if (memcmp(out, mapped, sizeof(mapped)) != 0)
		return 16;
	memmove(out, out + sizeof(mapped), 4);
	return 4;
}

static mr_dns_type
forward_type(uint32_t len)
{
	return len == 4 ? MR_DNS_A : MR_DNS_AAAA;
}

/* The first names; a list without end is no reason to ask without end. */
static uint32_t
names_of(const struct mr_dns_answer *ptr)
{
	return ptr->count < NAMES_MAX ? ptr->count : NAMES_MAX;
}

static const struct mr_dns_answer *
reverse(struct mr_ctx *c)
{
	const struct mr_dns_service *dns = ((struct iprev *)c->self)->dns;

	return dns->query(
	    c, dns->reverse(c, c->client->addr, NULL), MR_DNS_PTR, 0);
}

static bool
leads_to(const struct mr_dns_answer *forward, const unsigned char *address,
    uint32_t len)
{
	for (uint32_t i = 0; i < forward->count; i++)
		if (forward->records[i].len == len &&
		    memcmp(forward->records[i].data, address, len) == 0)
			return true;
	return false;
}

/* What it comes to (RFC 8601, 2.7.3); *name is the one that passed. */
static enum result
evaluate(struct mr_ctx *c, const unsigned char *address, uint32_t len,
    const char **name)
{
	const struct mr_dns_service *dns = ((struct iprev *)c->self)->dns;
	const struct mr_dns_answer *ptr = reverse(c), *forward;
	enum result result = FAIL;

	if (ptr->status == MR_DNS_TEMPFAIL)
		return TEMPERROR;
	if (ptr->status != MR_DNS_OK)
		return PERMERROR;
	for (uint32_t i = 0; i < names_of(ptr); i++)
		dns->prefetch(c, ptr->records[i].data, forward_type(len));
	for (uint32_t i = 0; i < names_of(ptr); i++) {
		*name = ptr->records[i].data;
		forward = dns->query(c, *name, forward_type(len), 0);
		if (leads_to(forward, address, len))
			return PASS;
		if (forward->status == MR_DNS_TEMPFAIL)
			result = TEMPERROR;
	}
	*name = NULL;
	return result;
}

static bool
iprev_open(const struct mr_host *host, const void *conf, void **self)
{
	struct iprev *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return false;
	p->conf = conf;
	p->dns = host->service(host, MR_DNS_SERVICE);
	if (p->dns == NULL) {
		host->config_error(host, NULL,
		    "it needs the service dns/1, which does not work: see "
		    "the log");
		free(p);
		return false;
	}
	*self = p;
	return true;
}

static void
iprev_close(void *self)
{
	free(self);
}

static mr_verdict
iprev_on_connect(struct mr_ctx *c)
{
	const struct iprev *p = c->self;
	unsigned char address[16];

	if (address_of(c, address) != 0)
		p->dns->prefetch(
		    c, p->dns->reverse(c, c->client->addr, NULL), MR_DNS_PTR);
	return MR_CONTINUE;
}

/* By now the names may be there: begin what comes next. */
static mr_verdict
iprev_on_helo(struct mr_ctx *c, const char *helo)
{
	const struct iprev *p = c->self;
	const struct mr_dns_answer *ptr;
	unsigned char address[16];
	uint32_t len = address_of(c, address);

	(void)helo;
	if (len == 0)
		return MR_CONTINUE;
	ptr = reverse(c);
	for (uint32_t i = 0; i < names_of(ptr); i++)
		p->dns->prefetch(c, ptr->records[i].data, forward_type(len));
	return MR_CONTINUE;
}

/* Once for a session, unless the DNS did not tell. */
static void
find_out(struct mr_ctx *c, const unsigned char *address, uint32_t len)
{
	struct iprev_session *s = c->session;
	const char *name = NULL;

	if (s->result != UNKNOWN && s->result != TEMPERROR)
		return;
	s->result = evaluate(c, address, len, &name);
	snprintf(s->name, sizeof(s->name), "%s", name != NULL ? name : "");
}

static mr_verdict
decide(struct mr_ctx *c, enum result r)
{
	const struct iprev *p = c->self;

	switch (p->conf->does[r]) {
	case DOES_TEMPFAIL:
		c->host->reply(c, 450, "4.7.25", rows[r].reply);
		return MR_TEMPFAIL;
	case DOES_REJECT:
		c->host->reply(c, 550, "5.7.25", rows[r].reply);
		return MR_REJECT;
	default:
		return MR_CONTINUE;
	}
}

static mr_verdict
iprev_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	const struct iprev *p = c->self;
	const struct iprev_session *s = c->session;
	struct mr_auth_property prop = { "policy.iprev", c->client->addr };
	unsigned char address[16];
	uint32_t len = address_of(c, address);

	(void)from;
	(void)args;
	if (len == 0)
		return MR_SKIP;
	find_out(c, address, len);
	c->host->symbol(c, rows[s->result].symbol, p->conf->scores[s->result],
	    s->name[0] != '\0' ? s->name : NULL);
	c->host->note_set(c, "iprev.result", rows[s->result].word);
	if (s->name[0] != '\0')
		c->host->note_set(c, "iprev.name", s->name);
	c->host->auth_result(c, "iprev", rows[s->result].word, NULL, &prop, 1);
	return decide(c, (enum result)s->result);
}

MR_PLUGIN(iprev) = {
	MR_PLUGIN_HEAD,
	.name = "iprev",
	.version = "0.1.0",
	.summary = "checks that the client's reverse name leads back to it",
	.options = iprev_options,
	.conf_size = sizeof(struct iprev_conf),
	.session_size = sizeof(struct iprev_session),
	.wants = MR_WANT_AUTH_RESULTS,
	.open = iprev_open,
	.close = iprev_close,
	.on_connect = iprev_on_connect,
	.on_helo = iprev_on_helo,
	.on_mail = iprev_on_mail,
};
