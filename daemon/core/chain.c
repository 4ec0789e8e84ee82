/* SPDX-License-Identifier: Apache-2.0 */
#include "core/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Which callback stands behind which stage. */
static uint32_t
stages_with_callback(const struct mr_plugin *p)
{
	const struct {
		uint32_t stage;
		bool there;
	} rows[] = {
		{ MR_STAGE_CONNECT, p->on_connect != NULL },
		{ MR_STAGE_HELO, p->on_helo != NULL },
		{ MR_STAGE_MAIL, p->on_mail != NULL },
		{ MR_STAGE_RCPT, p->on_rcpt != NULL },
		{ MR_STAGE_DATA, p->on_data != NULL },
		{ MR_STAGE_UNKNOWN, p->on_unknown != NULL },
		{ MR_STAGE_HEADER, p->on_header != NULL },
		{ MR_STAGE_EOH, p->on_eoh != NULL },
		{ MR_STAGE_BODY, p->on_body != NULL },
		{ MR_STAGE_EOM, p->on_eom != NULL },
	};
	uint32_t stages = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].there)
			stages |= rows[i].stage;
	return stages;
}

static bool
has_word(const struct buf *list, const char *word, size_t n)
{
	const char *at = list->n > 0 ? list->p : "";

	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		if (len == n && memcmp(at, word, n) == 0)
			return true;
		at += len;
		at += strspn(at, " ");
	}
	return false;
}

void
needs_add_macros(struct needs *needs, enum stage stage, const char *names)
{
	struct buf *list = &needs->macros[stage];

	for (;;) {
		size_t n;

		names += strspn(names, " \t,");
		if ((n = strcspn(names, " \t,")) == 0)
			return;
		if (!has_word(list, names, n)) {
			if (list->n > 0)
				buf_char(list, ' ');
			buf_put(list, names, n);
		}
		names += n;
	}
}

void
needs_join(struct needs *needs, const struct needs *other)
{
	needs->stages |= other->stages;
	needs->actions |= other->actions;
	needs->wants |= other->wants;
	for (int s = 0; s < STAGE_COUNT; s++)
		if (other->macros[s].n > 0)
			needs_add_macros(
			    needs, (enum stage)s, other->macros[s].p);
}

void
needs_finish(struct needs *needs)
{
	for (int s = 0; s < STAGE_COUNT; s++)
		buf_finish(&needs->macros[s]);
}

/* mr_plan is all a plugin sees; the needs stand behind it. */
struct planning {
	struct mr_plan plan;
	struct needs *needs;
};

static void
plan_macros(struct mr_plan *plan, uint32_t stage, const char *names)
{
	struct planning *p = (struct planning *)plan;

	for (int s = 0; s < STAGE_COUNT; s++)
		if (stage == STAGE_BIT(s) && names != NULL)
			needs_add_macros(p->needs, (enum stage)s, names);
}

/* See applies(): what can be judged when. */
static uint32_t
first_stage(const struct config_common *c)
{
	if (c->recipients != NULL || c->except_recipients != NULL)
		return MR_STAGE_RCPT;
	if (c->senders != NULL || c->except_senders != NULL ||
	    c->authenticated != AUTHENTICATED_ANY)
		return MR_STAGE_MAIL;
	return MR_STAGE_CONNECT;
}

static void
plan_instance(struct instance *i)
{
	uint32_t callbacks = stages_with_callback(i->plugin);
	struct planning p = {
		.plan = { .stages = callbacks,
		    .actions = i->plugin->actions,
		    .wants = i->plugin->wants,
		    .macros = plan_macros,
		    .first = first_stage(&i->conf->common) },
		.needs = &i->needs,
	};

	if (i->plugin->plan != NULL)
		i->plugin->plan(i->conf->conf, &p.plan);
	i->needs.stages = p.plan.stages & callbacks;
	i->needs.actions = p.plan.actions;
	i->needs.wants = p.plan.wants;
	/* A header or body callback cannot work without the thing itself. */
	if (i->needs.stages & MR_STAGE_HEADER)
		i->needs.wants |= MR_WANT_HEADERS;
	if (i->needs.stages & MR_STAGE_BODY)
		i->needs.wants |= MR_WANT_BODY;
}

static const struct mr_plugin *
plugin_of(const struct plugin_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->plugins[i].desc.name, name) == 0)
			return &set->plugins[i].desc;
	abort(); /* config_load accepts only names of this set */
}

void
chain_plan(struct instance *instances, const struct config *config,
    const struct plugin_set *plugins)
{
	for (size_t i = 0; i < config->ninstances; i++) {
		struct instance *instance = &instances[i];

		instance->index = (unsigned)i;
		instance->conf = &config->instances[i];
		instance->plugin = plugin_of(plugins, instance->conf->plugin);
		plan_instance(instance);
	}
}

static struct instance *
instance_named(
    struct instance *instances, const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->ninstances; i++)
		if (strcmp(config->instances[i].name, name) == 0)
			return &instances[i];
	abort(); /* checked by config_load */
}

/* Forged fields are found by reading headers and removed by changing them. */
static void
need_auth_results(struct chain *chain)
{
	static const uint32_t actions =
	    MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER;
	const struct config_listener *l = chain->listener;

	chain->auth_results = l->auth_results == AUTH_RESULTS_ON ||
			      (l->auth_results == AUTH_RESULTS_AUTO &&
				  chain->needs.wants & MR_WANT_AUTH_RESULTS);
	if (!chain->auth_results)
		return;
	chain->needs.wants |= MR_WANT_HEADERS;
	chain->needs.actions |= actions;
}

/*
 * What the daemon itself reads or records.  Asking for macros takes the place
 * of the MTA's own lists, so these are always asked for.
 */
static void
need_own_macros(struct needs *needs)
{
	static const struct {
		enum stage stage;
		const char *names;
	} rows[] = {
		{ STAGE_CONNECT, "j {daemon_name} {client_resolve}" },
		{ STAGE_HELO, "{tls_version} {cipher} {cipher_bits}" },
		{ STAGE_MAIL, "i {auth_type} {auth_authen}" },
		{ STAGE_RCPT, "i" },
		{ STAGE_DATA, "i" },
		{ STAGE_EOM, "i" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		needs_add_macros(needs, rows[i].stage, rows[i].names);
	if (needs->wants & MR_WANT_REJECTED_RCPT)
		needs_add_macros(
		    needs, STAGE_RCPT, "{rcpt_mailer} {rcpt_host} {rcpt_addr}");
}

void
chain_build(struct chain *chain, const struct config *config,
    const struct config_listener *listener, struct instance *instances)
{
	memset(chain, 0, sizeof(*chain));
	chain->listener = listener;
	chain->items =
	    memory_zalloc((listener->chain->count + 1) * sizeof(void *));
	for (uint32_t i = 0; i < listener->chain->count; i++) {
		struct instance *instance = instance_named(
		    instances, config, listener->chain->items[i]);

		if (instance->conf->common.mode == MODE_OFF)
			continue;
		chain->items[chain->count++] = instance;
		needs_join(&chain->needs, &instance->needs);
	}
	need_auth_results(chain);
	need_own_macros(&chain->needs);
}

void
chain_finish(struct chain *chain)
{
	needs_finish(&chain->needs);
	free(chain->items);
	memset(chain, 0, sizeof(*chain));
}
