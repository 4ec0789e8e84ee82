/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "core/scope.h"

enum { LIMIT_US = 60 * 1000 * 1000 }; /* what time_left() begins with */

/* An instance that no configuration has, in a session that nobody opened. */
struct tool {
	struct core core;
	struct config_listener listener;
	struct config_instance conf;
	struct instance instance;
	struct chain chain;
	struct session *session;
	struct call call;
	unsigned messages;
};

struct tool *
tool_create(const struct core_settings *settings, const struct mr_plugin *p)
{
	struct tool *t = memory_zalloc(sizeof(*t));

	t->core.settings = *settings;
	t->conf.plugin = t->conf.name = p->name;
	t->instance.conf = &t->conf;
	t->instance.plugin = p;
	t->instance.core = &t->core;
	t->instance.host = host_table;
	t->instance.needs.wants = MR_WANT_HEADERS | MR_WANT_BODY;
	t->chain.listener = &t->listener;
	t->session = session_create(&t->core, &t->chain, 0);
	t->call.session = t->session;
	t->call.instance = &t->instance;
	t->call.stage = STAGE_ABORT;
	t->call.until_us = clock_steady_us() + LIMIT_US;
	t->call.ctx.host = &t->instance.host;
	t->call.ctx.client = &t->session->client;
	t->call.ctx.dry_run = settings->dry_run;
	return t;
}

void
tool_destroy(struct tool **tool)
{
	struct tool *t = *tool;

	if (t == NULL)
		return;
	session_destroy(&t->session, false);
	free(t);
	*tool = NULL;
}

struct mr_ctx *
tool_ctx(struct tool *t)
{
	return &t->call.ctx;
}

static void
tell(struct tool *t, const struct event *e)
{
	struct answer ignored;

	session_event(t->session, e, &ignored);
}

void
tool_message_begin(struct tool *t)
{
	struct mr_ctx *ctx = &t->call.ctx;
	struct message *m;
	char id[32];

	/* Each is one of its own for services that count for a message. */
	snprintf(id, sizeof(id), "command-%u", ++t->messages);
	tell(t, &(struct event){
		    .stage = STAGE_MAIL, .text = "<>", .message_id = id });
	m = t->session->message;
	ctx->message =
	    arena_alloc(m->arena, t->instance.plugin->message_size + 1);
	ctx->message_id = m->id;
	ctx->sender = m->sender;
	ctx->recipients = m->recipients;
}

void
tool_message_field(struct tool *t, const char *name, const char *value)
{
	tell(t, &(struct event){
		    .stage = STAGE_HEADER, .text = name, .value = value });
}

void
tool_message_body(struct tool *t, struct span body)
{
	t->session->message->body = body;
	t->call.stage = STAGE_EOM;
	t->call.until_us = clock_steady_us() + LIMIT_US;
}

void
tool_message_end(struct tool *t)
{
	struct mr_ctx *ctx = &t->call.ctx;

	tell(t, &(struct event){ .stage = STAGE_ABORT });
	t->call.stage = STAGE_ABORT;
	ctx->message = NULL;
	ctx->message_id = ctx->sender = NULL;
	ctx->recipients = NULL;
}
