/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <stdio.h>

#include "domain.h"
#include "record.h"
#include "rewrite.h"
#include "words.h"

#define ACTS "accept|score|tempfail|reject|quarantine"

#define ACTION(i, r, n, f, c, t)                                               \
	{                                                                      \
		.name = n,                                                     \
		MR_OPTION(struct spf_conf, actions[i][r], MR_CHOICE),          \
		.fallback = f, .choices = c, .text = t                         \
	}
#define SCORE(r, n, f)                                                         \
	{                                                                      \
		.name = n, MR_OPTION(struct spf_conf, scores[r], MR_REAL),     \
		.fallback = f, .min = -1000, .max = 1000,                      \
		.text = "Score of that result, where the action is score."     \
	}

const struct mr_option conf_options[] = {
	ACTION(IDENTITY_MAIL, RESULT_FAIL, "fail", "reject", ACTS,
	    "What happens if the sender's domain forbids the client."),
	ACTION(IDENTITY_MAIL, RESULT_SOFTFAIL, "softfail", "score", ACTS,
	    "What happens if the domain forbids it, but is not sure."),
	ACTION(IDENTITY_MAIL, RESULT_NEUTRAL, "neutral", "accept", ACTS,
	    "What happens if the domain does not say."),
	ACTION(IDENTITY_MAIL, RESULT_NONE, "none", "accept", ACTS,
	    "What happens if the domain has no record."),
	ACTION(IDENTITY_MAIL, RESULT_TEMPERROR, "temperror", "error",
	    ACTS "|error", "What happens if the DNS fails."),
	ACTION(IDENTITY_MAIL, RESULT_PERMERROR, "permerror", "accept", ACTS,
	    "What happens if the domain's record is wrong."),
	{ .name = "check-helo",
	    MR_OPTION(struct spf_conf, check_helo, MR_BOOL),
	    .fallback = "true",
	    .text = "Check the HELO name too." },
	{ .name = "helo-stage",
	    MR_OPTION(struct spf_conf, helo_stage, MR_CHOICE),
	    .fallback = "mail",
	    .choices = "mail|helo",
	    .text = "When a client may be refused by its HELO name." },
	ACTION(IDENTITY_HELO, RESULT_FAIL, "helo-fail", "reject", ACTS,
	    "The same as fail, for the HELO name."),
	ACTION(IDENTITY_HELO, RESULT_SOFTFAIL, "helo-softfail", "accept", ACTS,
	    "The same as softfail, for the HELO name."),
	ACTION(IDENTITY_HELO, RESULT_NEUTRAL, "helo-neutral", "accept", ACTS,
	    "The same as neutral, for the HELO name."),
	ACTION(IDENTITY_HELO, RESULT_NONE, "helo-none", "accept", ACTS,
	    "The same as none, for the HELO name."),
	ACTION(IDENTITY_HELO, RESULT_TEMPERROR, "helo-temperror", "accept",
	    ACTS "|error", "The same as temperror, for the HELO name."),
	ACTION(IDENTITY_HELO, RESULT_PERMERROR, "helo-permerror", "accept",
	    ACTS, "The same as permerror, for the HELO name."),
	{ .name = "pass-score",
	    MR_OPTION(struct spf_conf, scores[RESULT_PASS], MR_REAL),
	    .fallback = "0",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of a pass." },
	SCORE(RESULT_FAIL, "fail-score", "5"),
	SCORE(RESULT_SOFTFAIL, "softfail-score", "2"),
	SCORE(RESULT_NEUTRAL, "neutral-score", "0.5"),
	SCORE(RESULT_NONE, "none-score", "0.5"),
	SCORE(RESULT_TEMPERROR, "temperror-score", "0.5"),
	SCORE(RESULT_PERMERROR, "permerror-score", "1"),
	{ .name = "policies",
	    MR_OPTION(struct spf_conf, policies, MR_MAP),
	    .text = "Actions of single domains: \"fail=accept\"." },
	{ .name = "records",
	    MR_OPTION(struct spf_conf, records, MR_MAP),
	    .text = "Records in place of those that domains publish." },
	{ .name = "forwarders",
	    MR_OPTION(struct spf_conf, forwarders, MR_MAP),
	    .text = "Clients that forward mail: no result of theirs counts." },
	{ .name = "forwarder-domains",
	    MR_OPTION(struct spf_conf, forwarder_domains, MR_LIST),
	    .text = "Domains whose own SPF names clients that forward mail." },
	{ .name = "relays",
	    MR_OPTION(struct spf_conf, relays, MR_MAP),
	    .text = "Clients whose Received fields name the real client." },
	{ .name = "relay-hops",
	    MR_OPTION(struct spf_conf, relay_hops, MR_INT),
	    .fallback = "5",
	    .min = 1,
	    .max = 100,
	    .text = "How many Received fields of relays are read." },
	{ .name = "skip-authenticated",
	    MR_OPTION(struct spf_conf, skip_authenticated, MR_BOOL),
	    .fallback = "true",
	    .text = "Do not check clients that have logged in." },
	{ .name = "skip-clients",
	    MR_OPTION(struct spf_conf, skip_clients, MR_MAP),
	    .fallback = "{ \"127.0.0.0/8\", \"::1\" }",
	    .text = "Do not check these clients." },
	{ .name = "timeout",
	    MR_OPTION(struct spf_conf, timeout, MR_DURATION),
	    .fallback = "20s",
	    .min = 100,
	    .max = 120000,
	    .text = "How long the checks of a message may take." },
	{ .name = "max-terms",
	    MR_OPTION(struct spf_conf, max_terms, MR_INT),
	    .fallback = "10",
	    .min = 1,
	    .max = REWRITE_ASKS - 1,
	    .text = "How many terms may ask the DNS." },
	{ .name = "max-voids",
	    MR_OPTION(struct spf_conf, max_voids, MR_INT),
	    .fallback = "2",
	    .min = 0,
	    .max = 100,
	    .text = "How many of them may be answered with nothing." },
	{ .name = "max-mx",
	    MR_OPTION(struct spf_conf, max_mx, MR_INT),
	    .fallback = "10",
	    .min = 1,
	    .max = 50,
	    .text = "How many hosts an mx may have." },
	{ .name = "max-ptr",
	    MR_OPTION(struct spf_conf, max_ptr, MR_INT),
	    .fallback = "10",
	    .min = 1,
	    .max = 30,
	    .text = "How many names of the client are looked at." },
	{ .name = "explanation",
	    MR_OPTION(struct spf_conf, explanation, MR_BOOL),
	    .fallback = "true",
	    .text = "Add the domain's own explanation to a refusal." },
	{ .name = "reply",
	    MR_OPTION(struct spf_conf, reply, MR_STRING),
	    .fallback = "SPF {result}: {reason}",
	    .text = "What the refused are told." },
	{ .name = "received-spf",
	    MR_OPTION(struct spf_conf, received_spf, MR_BOOL),
	    .fallback = "false",
	    .text = "Add the field Received-SPF." },
	{ .name = "best-guess",
	    MR_OPTION(struct spf_conf, best_guess, MR_STRING),
	    .text = "A record to try for domains that have none." },
	{ 0 },
};

/* --- what the instance needs --- */

/* The entries of a list may change, and bring the action later. */
static bool
may_quarantine(const struct spf_conf *conf)
{
	for (size_t i = 0; i < IDENTITIES; i++)
		for (size_t r = 0; r < RESULTS; r++)
			if (conf->actions[i][r] == ACTION_QUARANTINE)
				return true;
	return conf->policies != NULL;
}

void
conf_plan(const void *p, struct mr_plan *plan)
{
	const struct spf_conf *conf = p;

	plan->stages = MR_STAGE_MAIL | MR_STAGE_EOM;
	if (conf->check_helo)
		plan->stages |= MR_STAGE_HELO;
	plan->actions = 0;
	if (conf->received_spf)
		plan->actions |= MR_ACTION_ADD_HEADER;
	if (may_quarantine(conf))
		plan->actions |= MR_ACTION_QUARANTINE;
	plan->wants = MR_WANT_AUTH_RESULTS;
	if (conf->relays != NULL) {
		plan->stages |= MR_STAGE_EOH;
		plan->wants |= MR_WANT_HEADERS;
	}
	plan->macros(plan, MR_STAGE_CONNECT, "j");
	if (conf->skip_authenticated)
		plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

/* --- faults --- */

struct entries {
	const struct mr_host *host;
	const char *option;
	const char *(*fault)(const char *value);
	bool ok;
};

static const char *
policy_fault(const char *value)
{
	struct policy p = { .scores = { 0 } };

	return policy_parse(value, &p);
}

static const char *
record_entry_fault(const char *value)
{
	struct span bad;

	if (!record_is_spf(span_of(value)))
		return "a record begins with v=spf1 and a blank";
	return record_fault(span_of(value), &bad);
}

static bool
check_entry(void *arg, const char *key, const char *value, const char *where)
{
	struct entries *e = arg;
	const char *why = e->fault(value);
	char line[512];

	if (why == NULL)
		return true;
	snprintf(line, sizeof(line), "%s%sentry \"%.100s\": %s",
	    where != NULL ? where : "", where != NULL ? ": " : "", key, why);
	e->host->config_error(e->host, e->option, line);
	e->ok = false;
	return true;
}

static bool
check_map(const struct mr_map_service *service, const struct mr_host *host,
    const struct mr_map *map, const char *option,
    const char *(*fault)(const char *))
{
	struct entries e = { host, option, fault, true };

	service->each(map, check_entry, &e);
	return e.ok;
}

static bool
check_texts(const struct spf_conf *conf, const struct mr_host *host)
{
	const char *why;
	bool ok = true;

	if ((why = words_fault(conf->reply)) != NULL) {
		host->config_error(host, "reply", why);
		ok = false;
	}
	if (conf->best_guess != NULL &&
	    (why = record_entry_fault(conf->best_guess)) != NULL) {
		host->config_error(host, "best-guess", why);
		ok = false;
	}
	for (uint32_t i = 0; i < conf->forwarder_domains->count; i++) {
		const char *name = conf->forwarder_domains->items[i];
		char line[200];

		if (domain_is_complete(span_of(name)))
			continue;
		snprintf(line, sizeof(line),
		    "\"%.100s\" is no domain name; write it like example.com",
		    name);
		host->config_error(host, "forwarder-domains", line);
		ok = false;
	}
	return ok;
}

/* Say all that is wrong, not only the first. */
bool
conf_check(const struct spf_conf *conf, const struct mr_map_service *service,
    const struct mr_host *host)
{
	bool ok = check_texts(conf, host);

	ok = check_map(
		 service, host, conf->policies, "policies", policy_fault) &&
	     ok;
	return check_map(service, host, conf->records, "records",
		   record_entry_fault) &&
	       ok;
}
