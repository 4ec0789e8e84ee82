/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for tests: at each stage it does what its config says, so that
 * every action of the contract, and every way to break, can be called for.
 */
#include <stdlib.h>
#include <string.h>

#include <millrace/plugin.h>

#include "rule.h"
#include "seen.h"
#include "tool.h"

struct actor_conf {
	const struct mr_list *act, *want, *macros;
	const char *sender, *recipient;
};

struct actor {
	const struct actor_conf *conf;
	struct rule *rules;
	size_t n;
};

static const struct mr_option actor_options[] = {
	{ .name = "act",
	    MR_OPTION(struct actor_conf, act, MR_LIST),
	    .text = "What to do: \"STAGE ACTION [ARGS]\", in this order." },
	{ .name = "sender",
	    MR_OPTION(struct actor_conf, sender, MR_STRING),
	    .text = "Act only if this is the envelope sender." },
	{ .name = "recipient",
	    MR_OPTION(struct actor_conf, recipient, MR_STRING),
	    .text = "At rcpt act only on this recipient." },
	{ .name = "want",
	    MR_OPTION(struct actor_conf, want, MR_LIST),
	    .text = "Ask for: headers, body, rejected, auth." },
	{ .name = "macros",
	    MR_OPTION(struct actor_conf, macros, MR_LIST),
	    .text = "Macros to ask for: \"STAGE {a} {b}\"." },
	{ 0 },
};

static const struct {
	const char *name;
	uint32_t want;
} wants[] = {
	{ "headers", MR_WANT_HEADERS },
	{ "body", MR_WANT_BODY },
	{ "rejected", MR_WANT_REJECTED_RCPT },
	{ "auth", MR_WANT_AUTH_RESULTS },
};

static uint32_t
want_named(const char *name)
{
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (strcmp(wants[i].name, name) == 0)
			return wants[i].want;
	return 0;
}

/* Lines that cannot be read are passed over: open() complains. */
static void
actor_plan(const void *conf_, struct mr_plan *plan)
{
	const struct actor_conf *conf = conf_;
	struct rule rule;

	plan->stages = plan->actions = plan->wants = 0;
	for (uint32_t i = 0; i < conf->act->count; i++) {
		if (!rule_parse(conf->act->items[i], &rule))
			continue;
		plan->stages |= rule.stage & 0xffff;
		plan->actions |= rule.action->actions;
		plan->wants |= rule.action->wants;
	}
	for (uint32_t i = 0; i < conf->want->count; i++)
		plan->wants |= want_named(conf->want->items[i]);
	for (uint32_t i = 0; i < conf->macros->count; i++) {
		const char *line = conf->macros->items[i];
		size_t n = strcspn(line, " ");

		plan->macros(plan, rule_stage(line, n), line + n);
	}
}

/* Run the rules of a stage in order until one decides. */
static mr_verdict
run(const struct actor *self, struct act *act)
{
	for (size_t i = 0; i < self->n; i++) {
		mr_verdict v;

		if (self->rules[i].stage != act->stage)
			continue;
		act->args = self->rules[i].args;
		if ((v = self->rules[i].action->run(act)) != MR_CONTINUE)
			return v;
	}
	return MR_CONTINUE;
}

static bool
read_rules(const struct mr_host *host, struct actor *self)
{
	const struct mr_list *act = self->conf->act;

	if ((self->rules = calloc(act->count + 1, sizeof(struct rule))) == NULL)
		return false;
	for (uint32_t i = 0; i < act->count; i++) {
		if (!rule_parse(act->items[i], &self->rules[i])) {
			host->config_error(host, "act", act->items[i]);
			return false;
		}
		self->n++;
	}
	for (uint32_t i = 0; i < self->conf->want->count; i++)
		if (want_named(self->conf->want->items[i]) == 0) {
			host->config_error(
			    host, "want", self->conf->want->items[i]);
			return false;
		}
	return true;
}

static void
actor_close(void *self_)
{
	struct actor *self = self_;

	free(self->rules);
	free(self);
}

static bool
actor_open(const struct mr_host *host, const void *conf, void **self_)
{
	struct actor *self = calloc(1, sizeof(*self));
	struct act act = { .host = host, .stage = RULE_OPEN };

	if (self == NULL)
		return false;
	self->conf = conf;
	if (!read_rules(host, self) || run(self, &act) != MR_CONTINUE) {
		actor_close(self);
		return false;
	}
	*self_ = self;
	return true;
}

static bool
is_meant(const struct actor *self, const struct mr_ctx *c)
{
	const char *sender = self->conf->sender;

	return sender == NULL ||
	       (c->sender != NULL && strcmp(c->sender, sender) == 0);
}

static mr_verdict
stage(struct mr_ctx *c, uint32_t which)
{
	const struct actor *self = c->self;
	struct act act = {
		.host = c->host, .c = c, .stage = which, .seen = c->message
	};

	return is_meant(self, c) ? run(self, &act) : MR_CONTINUE;
}

static mr_verdict
actor_on_connect(struct mr_ctx *c)
{
	return stage(c, MR_STAGE_CONNECT);
}

static mr_verdict
actor_on_helo(struct mr_ctx *c, const char *name)
{
	(void)name;
	return stage(c, MR_STAGE_HELO);
}

static mr_verdict
actor_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	(void)from;
	(void)args;
	return stage(c, MR_STAGE_MAIL);
}

static mr_verdict
actor_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	const struct actor *self = c->self;
	const char *only = self->conf->recipient;

	(void)args;
	if (only != NULL && strcmp(only, to) != 0)
		return MR_CONTINUE;
	return stage(c, MR_STAGE_RCPT);
}

static mr_verdict
actor_on_data(struct mr_ctx *c)
{
	return stage(c, MR_STAGE_DATA);
}

static mr_verdict
actor_on_unknown(struct mr_ctx *c, const char *command)
{
	(void)command;
	return stage(c, MR_STAGE_UNKNOWN);
}

static mr_verdict
actor_on_header(struct mr_ctx *c, const char *name, const char *value)
{
	struct seen *seen = c->message;

	(void)name;
	(void)value;
	seen->headers++;
	return stage(c, MR_STAGE_HEADER);
}

static mr_verdict
actor_on_eoh(struct mr_ctx *c)
{
	return stage(c, MR_STAGE_EOH);
}

static mr_verdict
actor_on_body(struct mr_ctx *c, const void *chunk, size_t len)
{
	struct seen *seen = c->message;

	seen->chunks++;
	seen->bytes += len;
	seen->checksum = seen_checksum(seen->checksum, chunk, len);
	return stage(c, MR_STAGE_BODY);
}

static mr_verdict
actor_on_eom(struct mr_ctx *c)
{
	return stage(c, MR_STAGE_EOM);
}

static void
actor_message_end(struct mr_ctx *c, mr_outcome outcome)
{
	struct act act = { .host = c->host,
		.c = c,
		.stage = RULE_MESSAGE_END,
		.outcome = outcome,
		.seen = c->message };

	if (is_meant(c->self, c))
		run(c->self, &act);
}

static void
actor_session_end(struct mr_ctx *c)
{
	struct act act = { .host = c->host, .c = c, .stage = RULE_SESSION_END };

	run(c->self, &act);
}

MR_PLUGIN(actor) = {
	MR_PLUGIN_HEAD,
	.name = "actor",
	.version = "0.1.0",
	.summary = "does at each stage what its config says, for tests",
	.options = actor_options,
	.conf_size = sizeof(struct actor_conf),
	.message_size = sizeof(struct seen),
	.plan = actor_plan,
	.open = actor_open,
	.close = actor_close,
	.on_connect = actor_on_connect,
	.on_helo = actor_on_helo,
	.on_mail = actor_on_mail,
	.on_rcpt = actor_on_rcpt,
	.on_data = actor_on_data,
	.on_unknown = actor_on_unknown,
	.on_header = actor_on_header,
	.on_eoh = actor_on_eoh,
	.on_body = actor_on_body,
	.on_eom = actor_on_eom,
	.message_end = actor_message_end,
	.session_end = actor_session_end,
	.command = "act",
	.commands = tool_commands,
};
