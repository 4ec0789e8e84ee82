/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tool.h"

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
