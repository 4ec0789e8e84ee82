/* SPDX-License-Identifier: Apache-2.0 */
#include "command/plugin_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/message_file.h"
#include "command/past.h"
#include "core/tool.h"
#include "process/privileges.h"
#include "service/service.h"

/* What a plugin sees, and what stands behind it. */
struct running {
	struct mr_tool tool;
	const struct common *common;
	struct tool *scope;
};

const struct mr_plugin *
plugin_command_find(const struct setup *s, const char *name)
{
	for (size_t i = 0; i < s->plugins.count; i++) {
		const struct mr_plugin *p = &s->plugins.plugins[i].desc;

		if (p->command != NULL && p->commands != NULL &&
		    strcmp(p->command, name) == 0)
			return p;
	}
	return NULL;
}

void
plugin_command_offer(const struct setup *s, struct nearest *n)
{
	for (size_t i = 0; i < s->plugins.count; i++)
		if (s->plugins.plugins[i].desc.command != NULL)
			nearest_offer(n, s->plugins.plugins[i].desc.command);
}

void
plugin_command_list(const struct setup *s)
{
	for (size_t i = 0; i < s->plugins.count; i++) {
		const struct mr_plugin *p = &s->plugins.plugins[i].desc;

		if (p->command != NULL)
			printf("  %-10sof plugin %s: %s\n", p->command, p->name,
			    p->summary);
	}
}

static void
print_usage(const struct mr_plugin *p, const struct mr_command *c)
{
	printf("  millrace %s%s%s%s%s\n      %s\n", p->command,
	    c->name[0] != '\0' ? " " : "", c->name, c->usage != NULL ? " " : "",
	    c->usage != NULL ? c->usage : "", c->summary);
}

static void
print_help(const struct mr_plugin *p, const struct mr_command *only)
{
	puts("usage:");
	for (const struct mr_command *c = p->commands; c->name != NULL; c++)
		if (only == NULL || c == only)
			print_usage(p, c);
	printf("\nEach takes --json and --conf FILE.  millrace-%s(5) says "
	       "more.\n",
	    p->name);
}

static const struct mr_command *
named(const struct mr_plugin *p, const char *name)
{
	const struct mr_command *c = p->commands;

	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	return c->name != NULL ? c : NULL;
}

/* The command that the words mean; *skip words of them are its name. */
static const struct mr_command *
choose(const struct mr_plugin *p, int argc, char **argv, int *skip)
{
	const struct mr_command *c = argc > 1 ? named(p, argv[1]) : NULL;
	struct nearest n = { .wrong = argc > 1 ? argv[1] : "" };

	*skip = c != NULL;
	if (c != NULL || (c = named(p, "")) != NULL)
		return c;
	for (c = p->commands; c->name != NULL; c++)
		nearest_offer(&n, c->name);
	if (argc < 2)
		complain("millrace %s: say what to do; --help shows what "
			 "there is",
		    p->command);
	else if (n.best != NULL)
		complain("millrace %s: there is no \"%s\": did you mean "
			 "\"%s\"?",
		    p->command, argv[1], n.best);
	else
		complain("millrace %s: there is no \"%s\": --help shows what "
			 "there is",
		    p->command, argv[1]);
	return NULL;
}

struct listing {
	bool (*seen)(void *arg, const char *json);
	void *arg;
	bool enough;
};

static void
show(void *arg, const char *json)
{
	struct listing *l = arg;

	l->enough = l->enough || !l->seen(l->arg, json);
}

static bool
history(const struct mr_tool *tool, int64_t since, int64_t until,
    bool (*seen)(void *arg, const char *json), void *arg)
{
	const struct running *r = (const struct running *)(const void *)tool;
	const struct journal_search search = { .since_us = since * 1000,
		.until_us = until * 1000 };
	struct listing l = { seen, arg, false };
	struct journal_reader *reader;
	char *why = NULL;
	bool fresh;
	int n;

	if ((reader = past_open(r->common, NULL, &fresh)) == NULL)
		return false;
	n = journal_read_search(reader, &search, show, &l, &why);
	if (n == -1)
		complain("%s", why);
	free(why);
	journal_read_close(&reader);
	return n != -1;
}

static void
message(const struct mr_tool *tool, const void *text, size_t len,
    void (*use)(void *arg, struct mr_ctx *), void *arg)
{
	const struct running *r = (const struct running *)(const void *)tool;
	struct span in = { text, len }, name, raw;
	struct buf body = { 0 };

	tool_message_begin(r->scope);
	message_file_begin(&in);
	while (message_file_field(&in, &name, &raw)) {
		char *n = memory_printf("%.*s", (int)name.n, name.p);
		struct buf value = { 0 };

		message_file_value(&value, raw);
		tool_message_field(r->scope, n, value.p);
		buf_finish(&value);
		free(n);
	}
	message_file_body(&body, in);
	tool_message_body(r->scope, (struct span){ body.p, body.n });
	use(arg, tool_ctx(r->scope));
	tool_message_end(r->scope);
	buf_finish(&body);
}

/* The instances of the plugin: names and options. */
static void
add_instances(struct mr_tool *t, const struct config *c, const char *plugin)
{
	const char **names =
	    memory_zalloc((c->ninstances + 1) * sizeof(*names));
	const void **confs =
	    memory_zalloc((c->ninstances + 1) * sizeof(*confs));

	for (size_t i = 0; i < c->ninstances; i++) {
		if (strcmp(c->instances[i].plugin, plugin) != 0)
			continue;
		names[t->count] = c->instances[i].name;
		confs[t->count++] = c->instances[i].conf;
	}
	t->names = names;
	t->confs = confs;
}

/* If the daemon has not made it yet, it must be the daemon's all the same. */
static void
make_store(const struct config *c)
{
	struct privileges p;
	char *why = NULL;

	if (privileges_find(&c->globals, &p, &why))
		privileges_make_store(&c->globals, &p);
	free(why);
}

static int
run(const struct common *common, const struct setup *setup,
    const struct mr_plugin *p, const struct mr_command *c, int argc,
    char **argv)
{
	const struct core_settings settings = {
		.config = setup->config,
		.plugins = &setup->plugins,
		.service = service_find,
	};
	struct running r = { .common = common };
	int status;

	make_store(setup->config);
	service_prepare(setup->config, false);
	r.scope = tool_create(&settings, p);
	r.tool = (struct mr_tool){ .size = sizeof(r.tool),
		.json = common->json,
		.ctx = tool_ctx(r.scope),
		.history = history,
		.message = message };
	add_instances(&r.tool, setup->config, p->name);
	status = c->run(&r.tool, argc, argv);
	free((void *)(uintptr_t)r.tool.names);
	free((void *)(uintptr_t)r.tool.confs);
	tool_destroy(&r.scope);
	service_finish();
	return status;
}

int
plugin_command_run(const struct common *common, const struct setup *setup,
    const struct mr_plugin *p, int argc, char **argv)
{
	const struct mr_command *c;
	int skip;

	if (common->help) {
		print_help(p, argc > 1 ? named(p, argv[1]) : NULL);
		return EXIT_OK;
	}
	if ((c = choose(p, argc, argv, &skip)) == NULL)
		return EXIT_USAGE;
	return run(common, setup, p, c, argc - skip, argv + skip);
}
