/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <string.h>

static enum key_state
fact_macro(const struct facts *f, const char *name, const char **value)
{
	/* Postfix has no client address to give at each stage; we have. */
	if (strcmp(name, "{client_addr}") == 0) {
		*value = f->ctx->client->addr;
		return KEY_VALUE;
	}
	if (strcmp(name, "{auth_authen}") == 0) {
		*value = f->ctx->client->login;
		return KEY_VALUE;
	}
	if (strncmp(name, "{rcpt_", 6) == 0 && f->recipient == NULL)
		return f->complete ? KEY_EMPTY : KEY_LATER;
	/* {i} of the expression is i on the wire. */
	if (name[1] != '\0' && name[2] == '}') {
		char letter[2] = { name[1], '\0' };

		*value = f->ctx->host->macro(f->ctx, letter);
		return KEY_VALUE;
	}
	*value = f->ctx->host->macro(f->ctx, name);
	return KEY_VALUE;
}

/* There by the end of the message at the latest. */
static enum key_state
fact_late(const struct facts *f, const char *text, const char **value)
{
	if (text == NULL && !f->complete)
		return KEY_LATER;
	*value = text;
	return KEY_VALUE;
}

static const char *
header(struct mr_ctx *c, const char *name)
{
	const char *text = c->host->header(c, name, 1);
	char *out;
	size_t n;

	if (text == NULL)
		return NULL;
	text += strspn(text, " \t\n");
	n = strcspn(text, "\n");
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	out = c->host->alloc(c, n + 1);
	memcpy(out, text, n);
	return out;
}

static enum key_state
fact(void *arg, enum key_fact fact, const char *name, const char **value)
{
	const struct facts *f = arg;
	struct mr_ctx *c = f->ctx;

	switch (fact) {
	case KEY_LOGIN:
		*value = c->client->login;
		return KEY_VALUE;
	case KEY_CLIENT:
		*value = c->client->addr;
		return KEY_VALUE;
	case KEY_HELO:
		*value = c->client->helo;
		return KEY_VALUE;
	case KEY_SENDER:
		*value = c->sender;
		return KEY_VALUE;
	case KEY_RECIPIENT:
		*value = f->recipient;
		return f->recipient == NULL && !f->complete ? KEY_LATER
							    : KEY_VALUE;
	case KEY_LISTENER:
		*value = c->listener;
		return KEY_VALUE;
	case KEY_MACRO:
		return fact_macro(f, name, value);
	case KEY_HEADER:
		if (!f->complete)
			return KEY_LATER;
		*value = header(c, name);
		return KEY_VALUE;
	default:
		return fact_late(f, c->host->note(c, name), value);
	}
}

static const char *
table(void *arg, enum key_table which, const char *text)
{
	const struct facts *f = arg;
	const struct ratelimit_conf *conf = f->instance->conf;
	const struct mr_map *map = which == KEY_TENANTS ? conf->tenants
				   : which == KEY_PLANS ? conf->plans
							: conf->map;

	return instance_look_up(f->instance, f->ctx, map, text);
}

static void *
take(void *arg, size_t n)
{
	const struct facts *f = arg;

	return f->ctx->host->alloc(f->ctx, n);
}

enum key_state
facts_key(const struct facts *f, uint32_t key, const char **value)
{
	const struct key_source source = {
		.arg = (void *)(uintptr_t)f,
		.fact = fact,
		.look_up = table,
		.alloc = take,
	};
	enum key_state state;
	const char *text;
	char *spelt;

	state = key_eval(&f->instance->keys[key], &source, &text);
	if (state != KEY_VALUE)
		return state;
	spelt = f->ctx->host->alloc(f->ctx, KEY_VALUE_BYTES + 1);
	key_spell(spelt, text);
	*value = spelt;
	return KEY_VALUE;
}

/* When the MTA knows a macro; others are asked for at mail. */
static const struct {
	const char *prefix;
	uint32_t stage;
} stages[] = {
	{ "{daemon_", MR_STAGE_CONNECT },
	{ "{if_", MR_STAGE_CONNECT },
	{ "{client_", MR_STAGE_CONNECT },
	{ "{j}", MR_STAGE_CONNECT },
	{ "{_}", MR_STAGE_CONNECT },
	{ "{v}", MR_STAGE_CONNECT },
	{ "{tls_", MR_STAGE_HELO },
	{ "{cipher", MR_STAGE_HELO },
	{ "{cert_", MR_STAGE_HELO },
	{ "{rcpt_", MR_STAGE_RCPT },
};

static void
plan_fact(void *arg, enum key_fact fact, const char *name)
{
	struct mr_plan *plan = arg;
	uint32_t stage = MR_STAGE_MAIL;
	char letter[2] = { 0 };

	if (fact == KEY_HEADER)
		plan->wants |= MR_WANT_HEADERS;
	if (fact != KEY_MACRO)
		return;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (strncmp(name, stages[i].prefix, strlen(stages[i].prefix)) ==
		    0)
			stage = stages[i].stage;
	letter[0] = name[1];
	plan->macros(plan, stage, name[2] == '}' ? letter : name);
}

void
facts_plan(struct mr_plan *plan, const struct key *key)
{
	key_facts(key, plan_fact, plan);
}
