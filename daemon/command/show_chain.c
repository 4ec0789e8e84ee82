/* SPDX-License-Identifier: Apache-2.0 */
/*
 * millrace chain: who is asked when, and what is negotiated with the mail
 * server for it.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "command/installed.h"
#include "command/render.h"
#include "service/service.h"

static const struct bit {
	uint32_t bit;
	const char *name;
} actions[] = {
	{ MR_ACTION_ADD_HEADER, "add-header" },
	{ MR_ACTION_CHANGE_HEADER, "change-header" },
	{ MR_ACTION_CHANGE_SENDER, "change-sender" },
	{ MR_ACTION_ADD_RECIPIENT, "add-recipient" },
	{ MR_ACTION_DELETE_RECIPIENT, "delete-recipient" },
	{ MR_ACTION_REPLACE_BODY, "replace-body" },
	{ MR_ACTION_QUARANTINE, "quarantine" },
	{ 0, NULL },
}, wants[] = {
	{ MR_WANT_HEADERS, "headers" },
	{ MR_WANT_BODY, "body" },
	{ MR_WANT_REJECTED_RCPT, "rejected-recipients" },
	{ MR_WANT_AUTH_RESULTS, "auth-results" },
	{ 0, NULL },
};

static const char *const modes[] = { "enforce", "observe", "off" };

static bool
is_asked(const struct instance *i, int stage)
{
	return i->needs.stages & STAGE_BIT(stage);
}

static void
json_bits(struct buf *b, const char *key, uint32_t set, const struct bit *bits)
{
	json_open(b, key, '[');
	for (; bits->name != NULL; bits++)
		if (set & bits->bit)
			json_text(b, NULL, bits->name);
	json_close(b, ']');
}

static void
json_stages(struct buf *b, const struct chain *chain)
{
	json_open(b, "stages", '[');
	for (int s = 0; s < STAGE_ABORT; s++) {
		const struct buf *macros = &chain->needs.macros[s];

		json_open(b, NULL, '{');
		json_text(b, "stage", stage_name((enum stage)s));
		json_open(b, "instances", '[');
		for (size_t i = 0; i < chain->count; i++)
			if (is_asked(chain->items[i], s))
				json_text(b, NULL, chain->items[i]->conf->name);
		json_close(b, ']');
		json_text(b, "macros", macros->n > 0 ? macros->p : "");
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_json(struct buf *b, const struct chain *chain)
{
	json_open(b, NULL, '{');
	json_text(b, "listener", chain->listener->name);
	json_text(b, "socket", chain->listener->socket);
	json_open(b, "chain", '[');
	for (size_t i = 0; i < chain->count; i++) {
		const struct config_instance *c = chain->items[i]->conf;

		json_open(b, NULL, '{');
		json_text(b, "name", c->name);
		json_text(b, "plugin", c->plugin);
		json_text(b, "mode", modes[c->common.mode]);
		json_close(b, '}');
	}
	json_close(b, ']');
	json_stages(b, chain);
	json_bits(b, "actions", chain->needs.actions, actions);
	json_bits(b, "wants", chain->needs.wants, wants);
	json_bool(b, "writes_auth_results", chain->auth_results);
	json_close(b, '}');
	buf_char(b, '\n');
}

static void
put_stage(struct buf *b, const struct chain *chain, int s)
{
	const struct buf *macros = &chain->needs.macros[s];
	bool any = false;

	buf_text(b, "  ");
	render_cell(b, stage_name((enum stage)s), 8);
	for (size_t i = 0; i < chain->count; i++)
		if (is_asked(chain->items[i], s)) {
			buf_text(b, any ? ", " : "");
			render_put(b, chain->items[i]->conf->name);
			any = true;
		}
	if (!any)
		buf_char(b, '-');
	if (macros->n > 0) {
		buf_text(b, "    [macros ");
		render_put(b, macros->p);
		buf_char(b, ']');
	}
	buf_char(b, '\n');
}

static void
put_bits(struct buf *b, const char *label, uint32_t set, const struct bit *bits)
{
	bool any = false;

	render_cell(b, label, 10);
	for (; bits->name != NULL; bits++)
		if (set & bits->bit) {
			buf_text(b, any ? ", " : "");
			buf_text(b, bits->name);
			any = true;
		}
	buf_text(b, any ? "\n" : "-\n");
}

static void
put_text(struct buf *b, const struct chain *chain)
{
	render_put(b, chain->listener->name);
	buf_text(b, " on ");
	render_put(b, chain->listener->socket);
	buf_text(b, ":");
	for (size_t i = 0; i < chain->count; i++) {
		const struct config_instance *c = chain->items[i]->conf;

		buf_text(b, i > 0 ? ", " : " ");
		render_put(b, c->name);
		if (c->common.mode == MODE_OBSERVE)
			buf_text(b, " (observe)");
	}
	buf_text(b, chain->count > 0 ? "\n" : " nothing\n");
	for (int s = 0; s < STAGE_ABORT; s++)
		put_stage(b, chain, s);
	put_bits(b, "actions", chain->needs.actions, actions);
	put_bits(b, "wants", chain->needs.wants, wants);
	if (chain->auth_results)
		buf_text(b, "millrace writes Authentication-Results\n");
}

static int
show(const struct common *c, const struct core *core, const char *listener)
{
	const struct chain *chain = installed_chain(core, listener);
	struct buf out = { 0 };

	if (chain == NULL)
		return EXIT_USAGE;
	if (c->json)
		put_json(&out, chain);
	else
		put_text(&out, chain);
	render_out(&out);
	return EXIT_OK;
}

static int
show_chain(const struct common *c, char **operands)
{
	struct setup setup = { 0 };
	struct core_settings settings = { .service = service_find,
		.dry_run = true };
	struct core *core;
	char *why = NULL;
	int status = EXIT_USAGE;

	if (!installed_load(c, &setup))
		return EXIT_USAGE;
	settings.config = setup.config;
	settings.plugins = &setup.plugins;
	service_prepare(setup.config, true);
	if ((core = core_create(&settings, &why)) != NULL)
		status = show(c, core, operands[0]);
	else
		complain("%s", why);
	free(why);
	core_destroy(&core);
	service_finish();
	setup_finish(&setup);
	return status;
}

const struct command chain_command = {
	.name = "chain",
	.operands = "[LISTENER]",
	.max = 1,
	.summary = "show which instances a listener asks at which stage",
	.run = show_chain,
};
