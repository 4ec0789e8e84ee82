/* SPDX-License-Identifier: Apache-2.0 */
/* millrace plugins: what is installed, and what is not used, and why. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "command/installed.h"
#include "command/render.h"

static const char *
type_name(mr_type type)
{
	static const char *const names[] = {
		[MR_BOOL] = "bool",
		[MR_INT] = "int",
		[MR_DURATION] = "duration",
		[MR_SIZE] = "size",
		[MR_REAL] = "real",
		[MR_STRING] = "string",
		[MR_CHOICE] = "choice",
		[MR_LIST] = "list",
		[MR_MAP] = "map",
	};

	if (type < MR_BOOL || type > MR_MAP)
		return "unknown";
	return names[type];
}

static const struct mr_option *
next_option(const struct mr_plugin *p, const struct mr_option *o)
{
	if (p->options == NULL)
		return NULL;
	o = o == NULL ? p->options
		      : (const void *)((const char *)o + p->option_size);
	return o->name != NULL ? o : NULL;
}

static void
json_limit(
    struct buf *b, const char *key, const struct mr_option *o, int64_t limit)
{
	if (o->min == 0 && o->max == 0)
		json_text(b, key, NULL);
	else
		json_int(b, key, limit);
}

static void
json_options(struct buf *b, const struct mr_plugin *p)
{
	const struct mr_option *o = NULL;

	json_open(b, "options", '[');
	while ((o = next_option(p, o)) != NULL) {
		json_open(b, NULL, '{');
		json_text(b, "name", o->name);
		json_text(b, "type", type_name(o->type));
		json_text(b, "default", o->fallback);
		json_limit(b, "min", o, o->min);
		json_limit(b, "max", o, o->max);
		json_text(b, "choices", o->choices);
		json_text(b, "text", o->text);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_json(struct buf *b, const struct plugin_set *set)
{
	json_open(b, NULL, '[');
	for (size_t i = 0; i < set->count; i++) {
		const struct mr_plugin *p = &set->plugins[i].desc;
		char *abi =
		    memory_printf("%u.%u", p->abi >> 16, p->abi & 0xffff);

		json_open(b, NULL, '{');
		json_text(b, "name", p->name);
		json_text(b, "version", p->version);
		json_text(b, "summary", p->summary);
		json_text(b, "abi", abi);
		json_text(b, "path", set->plugins[i].path);
		json_options(b, p);
		json_close(b, '}');
		free(abi);
	}
	json_close(b, ']');
	buf_char(b, '\n');
}

static void
put_option(struct buf *b, const struct mr_option *o)
{
	buf_text(b, "    ");
	render_cell(b, o->name, 20);
	render_cell(
	    b, o->type == MR_CHOICE ? o->choices : type_name(o->type), 10);
	if (o->fallback != NULL) {
		buf_text(b, "default ");
		render_put(b, o->fallback[0] != '\0' ? o->fallback : "\"\"");
	}
	buf_text(b, "\n        ");
	render_put(b, o->text);
	buf_char(b, '\n');
}

static void
put_text(struct buf *b, const struct plugin_set *set)
{
	const struct mr_option *o;

	for (size_t i = 0; i < set->count; i++) {
		const struct mr_plugin *p = &set->plugins[i].desc;

		render_put(b, p->name);
		buf_char(b, ' ');
		render_put(b, p->version);
		buf_printf(b, " (ABI %u.%u): ", p->abi >> 16, p->abi & 0xffff);
		render_put(b, p->summary);
		buf_text(b, "\n  ");
		render_put(b, set->plugins[i].path);
		buf_char(b, '\n');
		for (o = NULL; (o = next_option(p, o)) != NULL;)
			put_option(b, o);
	}
	if (set->count == 0)
		buf_text(b, "no plugin is installed\n");
}

static int
show_plugins(const struct common *c, char **operands)
{
	struct plugin_set set = { 0 };
	struct buf out = { 0 };
	char *why = NULL, *dir;
	bool ok;

	(void)operands;
	installed_quiet();
	dir = config_plugin_dir(command_conf(c), &why);
	ok = dir != NULL && plugin_load_all(dir, &set, &why);
	if (!ok)
		complain("%s", why);
	else if (c->json)
		put_json(&out, &set);
	else
		put_text(&out, &set);
	render_out(&out);
	for (char **r = set.refused; ok && r != NULL && *r != NULL; r++)
		complain("not used: %s", *r);
	if (ok)
		plugin_set_finish(&set);
	free(dir);
	free(why);
	return ok ? EXIT_OK : EXIT_USAGE;
}

const struct command plugins_command = {
	.name = "plugins",
	.operands = "",
	.summary = "list the installed plugins and their options",
	.run = show_plugins,
};
