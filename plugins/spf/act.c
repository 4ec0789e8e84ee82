/* SPDX-License-Identifier: Apache-2.0 */
#include "act.h"

#include <stdio.h>
#include <string.h>

#include "words.h"

enum { DETAIL = 700 };

bool
act_is_grave(enum action action)
{
	return action != ACTION_ACCEPT && action != ACTION_SCORE;
}

/* A file may have gone bad since the start. */
void
act_judge(struct mr_ctx *c, const struct act_conf *conf, struct finding *f)
{
	const char *value, *why;
	char line[400];

	f->policy = conf->policy;
	value = conf->map->name(c, conf->policies, f->check.domain);
	if (value != NULL && (why = policy_parse(value, &f->policy)) != NULL) {
		snprintf(line, sizeof(line),
		    "policies: the entry for \"%.100s\": %s; the options "
		    "are used",
		    f->check.domain, why);
		c->host->log(c->host, c, MR_LOG_WARN, line);
	}
	f->action = f->policy.actions[f->identity][f->check.result];
}

static struct words
words_of(const struct finding *f)
{
	return (struct words){
		.identity = f->null_sender ? IDENTITY_HELO : f->identity,
		.result = f->check.result,
		.client = f->client,
		.sender = f->sender,
		.domain = f->check.domain,
		.helo = f->helo,
		.receiver = f->receiver,
		.why = f->check.why,
		.path = f->check.path,
	};
}

static void
put_word(struct text *t, const char *key, const char *value)
{
	if (value == NULL)
		return;
	text_char(t, ' ');
	text_string(t, key);
	text_string(t, "=\"");
	text_clean(t, span_of(value));
	text_char(t, '"');
}

/* The one line of the check in the record. */
static void
describe(const struct finding *f, struct text *t)
{
	const struct check *k = &f->check;

	text_string(t, "identity=");
	text_string(
	    t, identity_name(f->null_sender ? IDENTITY_HELO : f->identity));
	text_string(t, " domain=");
	text_clean(t, span_of(k->domain));
	text_string(t, " client=");
	text_string(t, f->client);
	put_word(t, "term", k->path);
	put_word(t, "why", k->why);
	text_string(t, " terms=");
	text_number(t, k->terms);
	text_string(t, " voids=");
	text_number(t, k->voids);
}

static const char *const symbols[IDENTITIES][RESULTS] = {
	[IDENTITY_MAIL] = {
	    [RESULT_NONE] = "SPF_NONE",
	    [RESULT_NEUTRAL] = "SPF_NEUTRAL",
	    [RESULT_PASS] = "SPF_PASS",
	    [RESULT_FAIL] = "SPF_FAIL",
	    [RESULT_SOFTFAIL] = "SPF_SOFTFAIL",
	    [RESULT_TEMPERROR] = "SPF_TEMPERROR",
	    [RESULT_PERMERROR] = "SPF_PERMERROR",
	},
	[IDENTITY_HELO] = {
	    [RESULT_NONE] = "SPF_HELO_NONE",
	    [RESULT_NEUTRAL] = "SPF_HELO_NEUTRAL",
	    [RESULT_PASS] = "SPF_HELO_PASS",
	    [RESULT_FAIL] = "SPF_HELO_FAIL",
	    [RESULT_SOFTFAIL] = "SPF_HELO_SOFTFAIL",
	    [RESULT_TEMPERROR] = "SPF_HELO_TEMPERROR",
	    [RESULT_PERMERROR] = "SPF_HELO_PERMERROR",
	},
};

static void
record_results(struct mr_ctx *c, const struct finding *f)
{
	const char *result = result_name(f->check.result);
	bool helo = f->identity == IDENTITY_HELO || f->null_sender;
	struct mr_auth_property property = { .name = "smtp.mailfrom",
		.value = f->sender };

	if (helo) {
		property.name = "smtp.helo";
		property.value = f->helo;
		c->host->note_set(c, "spf.helo.result", result);
		c->host->note_set(c, "spf.helo.domain", f->check.domain);
	}
	if (f->identity == IDENTITY_MAIL) {
		c->host->note_set(c, "spf.result", result);
		c->host->note_set(c, "spf.domain", f->check.domain);
	}
	c->host->auth_result(c, "spf", result, f->check.why, &property, 1);
}

void
act_record(
    struct mr_ctx *c, const struct act_conf *conf, const struct finding *f)
{
	char detail[DETAIL], header[WORDS_HEADER];
	struct text d = TEXT(detail), h = TEXT(header);
	struct words w = words_of(f);

	describe(f, &d);
	c->host->symbol(c, symbols[f->identity][f->check.result],
	    policy_score(&f->policy, f->identity, f->check.result), detail);
	record_results(c, f);
	if (conf->header && f->identity == IDENTITY_MAIL) {
		words_header(&w, &h);
		c->host->insert_header(c, "Received-SPF", header);
	}
}

/* Without a message there is no symbol to tell what happened. */
static void
log_refusal(struct mr_ctx *c, const struct finding *f)
{
	char line[DETAIL + 40];
	struct text t = TEXT(line);

	if (c->message != NULL)
		return;
	text_string(&t, symbols[f->identity][f->check.result]);
	text_char(&t, ' ');
	describe(f, &t);
	c->host->log(c->host, c, MR_LOG_INFO, line);
}

static mr_verdict
refuse(struct mr_ctx *c, const struct act_conf *conf, const struct finding *f)
{
	bool for_good = f->action == ACTION_REJECT;
	char line[WORDS_REPLY], foreign[WORDS_REPLY];
	char both[2 * WORDS_REPLY + 1];
	struct text l = TEXT(line), x = TEXT(foreign);
	struct words w = words_of(f);
	const char *dsn;
	int32_t code = words_code(f->check.result, for_good, &dsn);

	words_expand(conf->reply, &w, &l);
	if (f->check.explanation != NULL) {
		words_explain(f->check.explanation, f->check.domain, &x);
		snprintf(both, sizeof(both), "%s\n%s", line, foreign);
	} else {
		snprintf(both, sizeof(both), "%s", line);
	}
	c->host->reply(c, code, dsn, both);
	log_refusal(c, f);
	return for_good ? MR_REJECT : MR_TEMPFAIL;
}

mr_verdict
act_answer(
    struct mr_ctx *c, const struct act_conf *conf, const struct finding *f)
{
	char reason[WORDS_REPLY];
	struct text t = TEXT(reason);
	struct words w = words_of(f);

	switch (f->action) {
	case ACTION_REJECT:
	case ACTION_TEMPFAIL:
		return refuse(c, conf, f);
	case ACTION_ERROR:
		return MR_ERROR;
	case ACTION_QUARANTINE:
		/* Later instances may still refuse it. */
		text_string(&t, "SPF ");
		text_string(&t, result_name(f->check.result));
		text_string(&t, ": ");
		words_reason(&w, &t);
		c->host->quarantine(c, reason);
		return MR_CONTINUE;
	default:
		return MR_CONTINUE;
	}
}
