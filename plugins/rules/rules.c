/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find what rules from files describe: in the header, the text, links and
 * attachments, the envelope, and in what other instances found.  Decides
 * nothing: a finding is a symbol with a score.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/address.h>
#include <millrace/content.h>
#include <millrace/plugin.h>

#include "match.h"
#include "rules.h"

static const struct mr_option rules_options[] = {
	{ .name = "files",
	    MR_OPTION(struct rules_conf, files, MR_LIST),
	    .text = "Files with rules; wildcards as in the shell." },
	{ .name = "scores",
	    MR_OPTION(struct rules_conf, scores, MR_LIST),
	    .text = "Scores in place of the files' own: \"RULE 2.5\"." },
	{ .name = "disable",
	    MR_OPTION(struct rules_conf, disable, MR_LIST),
	    .text = "Rules that never match." },
	{ .name = "text-limit",
	    MR_OPTION(struct rules_conf, text_limit, MR_SIZE),
	    .fallback = "256K",
	    .min = 1024,
	    .max = INT64_C(64) << 20,
	    .text = "How much of a message's text patterns look at." },
	{ .name = "match-limit",
	    MR_OPTION(struct rules_conf, match_limit, MR_INT),
	    .fallback = "20000",
	    .min = 100,
	    .max = 10000000,
	    .text = "How many steps a pattern may take from one place of a "
		    "text." },
	{ .name = "time-limit",
	    MR_OPTION(struct rules_conf, time_limit, MR_DURATION),
	    .fallback = "1s",
	    .min = 10,
	    .max = 60000,
	    .text = "How long all patterns may take for one message." },
	{ 0 },
};

struct instance {
	const struct rules_conf *conf;
	const struct mr_content_service *content;
	const struct mr_address_service *address;
	struct rules rules;
};

struct match_limits
rules_limits(const struct rules_conf *conf)
{
	return (struct match_limits){ .steps = (uint32_t)conf->match_limit,
		.time_ms = conf->time_limit };
}

/* "RULE 2.5" */
static const char *
set_score(struct rules *rules, const char *text)
{
	size_t n = strcspn(text, " \t");
	char name[128], *end;
	double score = strtod(text + n, &end);
	int32_t index;

	if (end == text + n || *end != '\0' || n >= sizeof(name) ||
	    !(score >= -1000 && score <= 1000))
		return "is not a rule and its score, as in "
		       "\"FREE_MONEY 2.5\"";
	memcpy(name, text, n);
	name[n] = '\0';
	if ((index = rules_find(rules, name)) < 0)
		return "names a rule that is in none of the files";
	rules->items[index].score = score;
	return NULL;
}

static const char *
set_off(struct rules *rules, const char *name)
{
	int32_t index = rules_find(rules, name);

	if (index < 0)
		return "names a rule that is in none of the files";
	rules->items[index].off = true;
	return NULL;
}

static bool
apply(struct rules *rules, const struct mr_host *host, const char *option,
    const struct mr_list *list,
    const char *(*set)(struct rules *, const char *))
{
	bool ok = true;

	for (uint32_t i = 0; i < list->count; i++) {
		const char *why = set(rules, list->items[i]);
		char line[300];

		if (why == NULL)
			continue;
		snprintf(
		    line, sizeof(line), "\"%.100s\" %s", list->items[i], why);
		host->config_error(host, option, line);
		ok = false;
	}
	return ok;
}

static bool
load(struct instance *in, const struct mr_host *host)
{
	const struct rules_conf *conf = in->conf;
	bool ok;

	rules_load(&in->rules, conf->files->items, conf->files->count);
	rules_finish_loading(&in->rules);
	if (in->rules.nerrors > 0) {
		host->config_error(host, "files", in->rules.errors);
		return false;
	}
	ok = apply(&in->rules, host, "scores", conf->scores, set_score);
	return apply(&in->rules, host, "disable", conf->disable, set_off) && ok;
}

static void
rules_close(void *self)
{
	struct instance *in = self;

	rules_finish(&in->rules);
	free(in);
}

static bool
rules_open(const struct mr_host *host, const void *conf, void **self)
{
	struct instance *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return false;
	in->conf = conf;
	in->content = host->service(host, MR_CONTENT_SERVICE);
	in->address = host->service(host, MR_ADDRESS_SERVICE);
	if (in->content == NULL || in->address == NULL) {
		host->config_error(host, NULL,
		    "this daemon has no service " MR_CONTENT_SERVICE
		    " or " MR_ADDRESS_SERVICE);
		free(in);
		return false;
	}
	if (!load(in, host)) {
		rules_close(in);
		return false;
	}
	if (in->rules.count == 0)
		host->log(host, NULL, MR_LOG_WARN,
		    "it has no rules, so it does nothing: see files");
	*self = in;
	return true;
}

/* What was stopped is a finding, and something an operator can mend. */
static void
report_limits(struct mr_ctx *c, const struct matches *m)
{
	char line[200];

	if (m->late) {
		c->host->symbol(c, "RULES_TIME", 0, NULL);
		c->host->log(c->host, c, MR_LOG_WARN,
		    "time-limit was over before all rules were tried");
	}
	if (m->stopped == 0)
		return;
	c->host->symbol(c, "RULES_LIMIT", 0, m->first_stopped);
	snprintf(line, sizeof(line),
	    "the pattern of rule %.64s%s was stopped by match-limit: it "
	    "takes too many steps",
	    m->first_stopped, m->stopped > 1 ? ", and of others," : "");
	c->host->log(c->host, c, MR_LOG_WARN, line);
}

static mr_verdict
rules_on_eom(struct mr_ctx *c)
{
	const struct instance *in = c->self;
	const struct match_limits limits = rules_limits(in->conf);
	struct pool pool = { NULL };
	struct view v = { .text_limit = (size_t)in->conf->text_limit };
	struct matches m;

	view_of_message(&v, c, in->address, in->content->get(c), &pool);
	match_all(&in->rules, &v, &limits, &m);
	for (size_t i = 0; i < in->rules.count; i++) {
		const struct rule *r = &in->rules.items[i];

		if (m.items[i].state == MATCH_YES && !r->hidden)
			c->host->symbol(
			    c, r->name, r->score, m.items[i].detail);
	}
	report_limits(c, &m);
	pool_finish(&pool);
	return MR_CONTINUE;
}

MR_PLUGIN(rules) = {
	MR_PLUGIN_HEAD,
	.name = "rules",
	.version = "0.1.0",
	.summary = "finds what rules from files describe",
	.options = rules_options,
	.conf_size = sizeof(struct rules_conf),
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.open = rules_open,
	.close = rules_close,
	.on_eom = rules_on_eom,
	.command = "check-rules",
	.commands = rules_commands,
};
