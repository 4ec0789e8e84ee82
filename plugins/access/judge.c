/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of a header field this much is compared; MTAs pass up to 64 KB. */
enum { FIELD_BYTES = 4096 };

const uint32_t judge_stage_of[KINDS] = {
	[CLIENTS] = MR_STAGE_CONNECT,
	[NAMES] = MR_STAGE_CONNECT,
	[HELOS] = MR_STAGE_HELO,
	[SENDERS] = MR_STAGE_MAIL,
	[RECIPIENTS] = MR_STAGE_RCPT,
	[HEADERS] = MR_STAGE_EOH,
	[LOGINS] = MR_STAGE_MAIL,
};

const char *
judge_list_name(enum action action, enum kind kind)
{
	static const char *const names[ACTIONS][KINDS] = {
		{ "allow-clients", "allow-names", "allow-helos",
		    "allow-senders", "allow-recipients", "allow-headers",
		    "allow-logins" },
		{ "deny-clients", "deny-names", "deny-helos", "deny-senders",
		    "deny-recipients", "deny-headers", "deny-logins" },
		{ "tag-clients", "tag-names", "tag-helos", "tag-senders",
		    "tag-recipients", "tag-headers", "tag-logins" },
	};

	return names[action][kind];
}

/* One look-up; the functions below leave in key what they looked for. */
struct look {
	const struct judge *judge;
	struct mr_ctx *ctx;
	const struct mr_map *list;
	enum action action;
	const char *rcpt;
	const char *key;
};

static const char *
look_client(struct look *l)
{
	l->key = l->ctx->client->addr;
	return l->judge->map->client(l->ctx, l->list, l->key);
}

/* A name that does not resolve back is a claim: good enough to refuse. */
static const char *
look_name(struct look *l)
{
	const char *resolve;

	l->key = l->ctx->client->name;
	if (l->action == ALLOW) {
		resolve = l->ctx->host->macro(l->ctx, "{client_resolve}");
		if (resolve != NULL && strcasecmp(resolve, "OK") != 0)
			return NULL;
	}
	return l->judge->map->name(l->ctx, l->list, l->key);
}

static const char *
look_helo(struct look *l)
{
	l->key = l->ctx->client->helo;
	return l->key != NULL ? l->judge->map->name(l->ctx, l->list, l->key)
			      : NULL;
}

static const char *
look_sender(struct look *l)
{
	l->key = l->ctx->sender;
	return l->key != NULL ? l->judge->map->address(l->ctx, l->list, l->key)
			      : NULL;
}

static const char *
look_login(struct look *l)
{
	l->key = l->ctx->client->login;
	if (l->key == NULL)
		return NULL;
	if (strchr(l->key, '@') != NULL)
		return l->judge->map->address(l->ctx, l->list, l->key);
	return l->judge->map->text(l->ctx, l->list, l->key);
}

static const char *
look_every_recipient(struct look *l)
{
	const char *const *r = l->ctx->recipients;
	const char *value = NULL;

	for (; r != NULL && *r != NULL; r++) {
		l->key = *r;
		value = l->judge->map->address(l->ctx, l->list, *r);
		if (value == NULL)
			return NULL;
	}
	return value;
}

/* A recipient that is allowed brings no tag on the message. */
static const char *
look_some_recipient(struct look *l)
{
	const struct mr_map *allow = l->judge->lists[ALLOW][RECIPIENTS];
	const struct mr_map_service *map = l->judge->map;
	const char *const *r = l->ctx->recipients;
	const char *value;

	for (; r != NULL && *r != NULL; r++) {
		l->key = *r;
		value = map->address(l->ctx, l->list, *r);
		if (value != NULL && map->address(l->ctx, allow, *r) == NULL)
			return value;
	}
	return NULL;
}

static const char *
look_recipient(struct look *l)
{
	if (l->rcpt != NULL) {
		l->key = l->rcpt;
		return l->judge->map->address(l->ctx, l->list, l->rcpt);
	}
	return l->action == ALLOW ? look_every_recipient(l)
				  : look_some_recipient(l);
}

/* A list is of text as a person reads it. */
static const char *
look_header(struct look *l)
{
	char text[FIELD_BYTES];
	const char *raw, *value;

	for (uint32_t i = 0; l->ctx->host->header_at(l->ctx, i, &l->key, &raw);
	     i++) {
		raw = l->judge->address->decode(l->ctx, raw);
		if (strlen(l->key) >= FIELD_BYTES / 2)
			continue;
		snprintf(text, sizeof(text), "%s: %s", l->key, raw);
		value = l->judge->map->glob(l->ctx, l->list, text);
		if (value != NULL)
			return value;
	}
	return NULL;
}

static const char *(*const look[KINDS])(struct look *) = {
	[CLIENTS] = look_client,
	[NAMES] = look_name,
	[HELOS] = look_helo,
	[SENDERS] = look_sender,
	[RECIPIENTS] = look_recipient,
	[HEADERS] = look_header,
	[LOGINS] = look_login,
};

static bool
ask_list(const struct judge *j, struct mr_ctx *c, enum kind kind,
    const char *rcpt, struct finding *f)
{
	struct look l = { j, c, j->lists[f->action][kind], f->action, rcpt,
		NULL };
	const char *value;

	if (l.list == NULL || (value = look[kind](&l)) == NULL)
		return false;
	f->kind = kind;
	f->key = l.key;
	f->value = value;
	return true;
}

/* The lists of one action whose facts one stage brings. */
static bool
ask_stage(const struct judge *j, struct mr_ctx *c, uint32_t stage,
    const char *rcpt, struct finding *f)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (judge_stage_of[kind] == stage &&
		    ask_list(j, c, (enum kind)kind, rcpt, f))
			return true;
	return false;
}

bool
judge_find(const struct judge *j, struct mr_ctx *c, uint32_t stage,
    const char *rcpt, struct finding *found)
{
	static const uint32_t order[] = { MR_STAGE_CONNECT, MR_STAGE_HELO,
		MR_STAGE_MAIL, MR_STAGE_RCPT, MR_STAGE_EOH };
	bool late = stage > MR_STAGE_RCPT;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct finding f = { .action = ALLOW };

		if (order[i] > stage)
			break;
		if (ask_stage(j, c, order[i], rcpt, &f)) {
			*found = f;
			return true;
		}
		/* Each recipient has had its answer by now. */
		if (late && order[i] != MR_STAGE_EOH)
			continue;
		f.action = DENY;
		if (ask_stage(j, c, order[i], rcpt, &f)) {
			*found = f;
			return true;
		}
	}
	return false;
}

bool
judge_tag(const struct judge *j, struct mr_ctx *c, enum kind kind,
    struct finding *found)
{
	struct finding f = { .action = TAG };

	if (!ask_list(j, c, kind, NULL, &f))
		return false;
	*found = f;
	return true;
}
