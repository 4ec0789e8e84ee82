/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM (RFC 6376, 8301, 8463): an instance verifies the signatures of mail,
 * or signs it.
 */
#include "dkim.h"

#include <stdio.h>
#include <stdlib.h>

#define ACTIONS "accept|score|quarantine|tempfail|reject"
#define ACTION(outcome, word, default, what)                                   \
	{                                                                      \
		.name = word,                                                  \
		MR_OPTION(struct dkim_conf, actions[outcome], MR_CHOICE),      \
		.fallback = default, .choices = ACTIONS, .text = what          \
	}
#define SCORE(outcome, word, default)                                          \
	{                                                                      \
		.name = word "-score",                                         \
		MR_OPTION(struct dkim_conf, scores[outcome], MR_REAL),         \
		.fallback = default, .min = -1000, .max = 1000,                \
		.text = "Score of a message that comes to " word "."           \
	}

static const struct mr_option option_table[] = {
	{ .name = "sign",
	    MR_OPTION(struct dkim_conf, sign, MR_BOOL),
	    .fallback = "false",
	    .text = "Sign instead of verifying." },
	ACTION(
	    OUTCOME_NONE, "none", "accept", "What happens to unsigned mail."),
	ACTION(VERIFY_FAIL, "fail", "score",
	    "What happens if the message was changed."),
	ACTION(VERIFY_POLICY, "policy", "score",
	    "What happens if a signature is right but not acceptable."),
	ACTION(VERIFY_NEUTRAL, "neutral", "accept",
	    "What happens if a signature cannot be checked."),
	ACTION(VERIFY_PERMERROR, "permerror", "score",
	    "What happens if a signature or its key is broken."),
	ACTION(VERIFY_TEMPERROR, "temperror", "accept",
	    "What happens if a key cannot be looked up now."),
	SCORE(VERIFY_PASS, "pass", "0"),
	SCORE(OUTCOME_NONE, "none", "0"),
	SCORE(VERIFY_FAIL, "fail", "1"),
	SCORE(VERIFY_POLICY, "policy", "1"),
	SCORE(VERIFY_NEUTRAL, "neutral", "0"),
	SCORE(VERIFY_PERMERROR, "permerror", "1"),
	SCORE(VERIFY_TEMPERROR, "temperror", "0"),
	{ .name = "required",
	    MR_OPTION(struct dkim_conf, required, MR_MAP),
	    .text = "Author domains whose mail must be signed by them." },
	{ .name = "required-action",
	    MR_OPTION(struct dkim_conf, required_action, MR_CHOICE),
	    .fallback = "reject",
	    .choices = ACTIONS,
	    .text = "What happens to mail of these that is not." },
	{ .name = "required-score",
	    MR_OPTION(struct dkim_conf, required_score, MR_REAL),
	    .fallback = "5",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of DKIM_REQUIRED." },
	{ .name = "min-key-bits",
	    MR_OPTION(struct dkim_conf, min_key_bits, MR_INT),
	    .fallback = "1024",
	    .min = 512,
	    .max = 4096,
	    .text = "Shorter RSA keys are not acceptable." },
	{ .name = "max-signatures",
	    MR_OPTION(struct dkim_conf, max_signatures, MR_INT),
	    .fallback = "10",
	    .min = 1,
	    .max = 100,
	    .text = "Signatures beyond that are passed over." },
	{ .name = "max-signature-size",
	    MR_OPTION(struct dkim_conf, max_signature_size, MR_SIZE),
	    .fallback = "16K",
	    .min = 1024,
	    .max = 60000,
	    .text = "Longer signature fields are passed over." },
	{ .name = "allow-appended",
	    MR_OPTION(struct dkim_conf, allow_appended, MR_BOOL),
	    .fallback = "false",
	    .text = "Accept text below what a signature with l= covers." },
	{ .name = "keys",
	    MR_OPTION(struct dkim_conf, keys, MR_STRING),
	    .text = "File that says whose mail is signed with which key." },
	{ .name = "select",
	    MR_OPTION(struct dkim_conf, select, MR_CHOICE),
	    .fallback = "from",
	    .choices = "from|sender|login",
	    .text = "What is looked up in the key table." },
	{ .name = "sign-clients",
	    MR_OPTION(struct dkim_conf, sign_clients, MR_MAP),
	    .text = "Sign for these clients too, not only for logins." },
	{ .name = "canonicalization",
	    MR_OPTION(struct dkim_conf, canonicalization, MR_CHOICE),
	    .fallback = "relaxed/relaxed",
	    .choices = "relaxed/relaxed|relaxed/simple|simple/relaxed|"
		       "simple/simple",
	    .text = "Of header and body." },
	{ .name = "sign-headers",
	    MR_OPTION(struct dkim_conf, sign_headers, MR_LIST),
	    .text = "Fields that are signed; none given: the usual ones." },
	{ .name = "oversign",
	    MR_OPTION(struct dkim_conf, oversign, MR_LIST),
	    .text = "Fields of which none may be added; none given: the "
		    "usual ones." },
	{ .name = "expire",
	    MR_OPTION(struct dkim_conf, expire, MR_DURATION),
	    .fallback = "0s",
	    .min = 0,
	    .max = INT64_C(400) * 24 * 3600 * 1000,
	    .text = "How long a signature is valid; 0s: for ever." },
	{ .name = "publish-wait",
	    MR_OPTION(struct dkim_conf, publish_wait, MR_DURATION),
	    .fallback = "1h",
	    .min = 0,
	    .max = INT64_C(30) * 24 * 3600 * 1000,
	    .text = "Use a new key that long after its record is seen, or "
		    "its TTL, if that is longer." },
	{ .name = "retire-after",
	    MR_OPTION(struct dkim_conf, retire_after, MR_DURATION),
	    .fallback = "7d",
	    .min = 0,
	    .max = INT64_C(400) * 24 * 3600 * 1000,
	    .text = "Keep the record of an old key that long." },
	{ 0 },
};

static bool
may_quarantine(const struct dkim_conf *conf)
{
	for (int i = 0; i < OUTCOMES; i++)
		if (conf->actions[i] == ACTION_QUARANTINE)
			return true;
	return conf->required != NULL &&
	       conf->required_action == ACTION_QUARANTINE;
}

static void
plan_instance(const void *p, struct mr_plan *plan)
{
	const struct dkim_conf *conf = p;

	plan->wants = MR_WANT_HEADERS | MR_WANT_BODY;
	plan->actions = 0;
	if (conf->sign)
		plan->actions |= MR_ACTION_ADD_HEADER;
	else
		plan->wants |= MR_WANT_AUTH_RESULTS;
	if (!conf->sign && may_quarantine(conf))
		plan->actions |= MR_ACTION_QUARANTINE;
	if (conf->sign)
		plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

static bool
open_verifier(struct dkim *k)
{
	const struct verify_limits limits = {
		.signatures = (uint32_t)k->conf->max_signatures,
		.signature_bytes = (size_t)k->conf->max_signature_size,
		.key_bits = (unsigned)k->conf->min_key_bits,
		.allow_appended = k->conf->allow_appended,
	};

	k->verifier = verifier_create(&limits);
	if (k->verifier == NULL)
		k->host->config_error(
		    k->host, NULL, "libopendkim cannot be started");
	return k->verifier != NULL;
}

static void
close_instance(void *self)
{
	struct dkim *k = self;
	union {
		const char *const *in;
		void *out;
	} headers = { k->rules.headers }, over = { k->rules.oversigned };

	verifier_destroy(&k->verifier);
	keyring_finish(&k->ring);
	free(headers.out);
	free(over.out);
	free(k->seen);
	free(k);
}

static const void *
find_service(struct dkim *k, const char *id)
{
	const void *table = k->host->service(k->host, id);
	char line[80];

	if (table == NULL) {
		snprintf(
		    line, sizeof(line), "this daemon has no service %s", id);
		k->host->config_error(k->host, NULL, line);
	}
	return table;
}

static bool
find_services(struct dkim *k)
{
	k->map = find_service(k, MR_MAP_SERVICE);
	k->dns = find_service(k, MR_DNS_SERVICE);
	k->address = find_service(k, MR_ADDRESS_SERVICE);
	return k->map != NULL && k->dns != NULL && k->address != NULL;
}

/* Only a key that replaces another one has something to remember. */
static bool
is_rotating(const struct keyring *ring)
{
	for (uint32_t i = 0; i < ring->count; i++)
		if (keyring_group(&ring->keys[i], ring->count - i) > 1)
			return true;
	return false;
}

static bool
open_instance(const struct mr_host *host, const void *conf, void **self)
{
	struct dkim *k = calloc(1, sizeof(*k));
	bool ok;

	if (k == NULL)
		return false;
	k->host = host;
	k->conf = conf;
	ok = find_services(k) &&
	     (k->conf->sign ? signer_open(k) : open_verifier(k));
	if (!ok) {
		close_instance(k);
		return false;
	}
	if (is_rotating(&k->ring)) {
		k->store = host->service(host, MR_STORE_SERVICE);
		if (k->store == NULL)
			host->log(host, NULL, MR_LOG_WARN,
			    "there is no service " MR_STORE_SERVICE
			    ": each worker finds out for itself which keys "
			    "are published");
	}
	*self = k;
	return true;
}

static mr_verdict
instance_on_eoh(struct mr_ctx *c)
{
	const struct dkim *k = c->self;

	return k->conf->sign ? signer_on_eoh(c) : check_on_eoh(c);
}

static mr_verdict
instance_on_eom(struct mr_ctx *c)
{
	const struct dkim *k = c->self;

	return k->conf->sign ? signer_on_eom(c) : check_on_eom(c);
}

MR_PLUGIN(dkim) = {
	MR_PLUGIN_HEAD,
	.name = "dkim",
	.version = "0.1",
	.summary = "DKIM: verify signatures, sign, keep keys",
	.options = option_table,
	.conf_size = sizeof(struct dkim_conf),
	.message_size = sizeof(struct dkim_message),
	.actions = MR_ACTION_ADD_HEADER | MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_BODY | MR_WANT_AUTH_RESULTS,
	.plan = plan_instance,
	.open = open_instance,
	.close = close_instance,
	.on_eoh = instance_on_eoh,
	.on_eom = instance_on_eom,
	.command = "dkim",
	.commands = dkim_commands,
};
