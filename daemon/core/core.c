/* SPDX-License-Identifier: Apache-2.0 */
/* The core of one worker: instances opened, chains built. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/scope.h"

static bool
open_instance(struct instance *i, char **why)
{
	host_begin_open(i, why);
	i->self = i->conf->conf;
	if (i->plugin->open != NULL &&
	    !i->plugin->open(&i->host, i->conf->conf, &i->self)) {
		if (*why == NULL)
			i->host.config_error(
			    &i->host, NULL, "it could not be opened");
		return false;
	}
	i->opened = true;
	return *why == NULL;
}

/* Only what some chain runs is opened. */
static bool
is_used(const struct core *core, const struct instance *instance)
{
	for (size_t c = 0; c < core->nchains; c++)
		for (size_t i = 0; i < core->chains[c].count; i++)
			if (core->chains[c].items[i] == instance)
				return true;
	return false;
}

/* All are tried, so that one run names every mistake. */
static bool
open_all(struct core *core, char **why)
{
	char *errors = NULL;
	bool ok = true;

	for (size_t i = 0; i < core->settings.config->ninstances; i++) {
		struct instance *instance = &core->instances[i];
		char *one = NULL;

		if (!is_used(core, instance) || open_instance(instance, &one))
			continue;
		ok = false;
		if (errors != NULL) {
			char *both = memory_printf("%s\n%s", errors, one);

			free(errors);
			free(one);
			one = both;
		}
		errors = one;
	}
	host_end_open();
	*why = errors;
	return ok;
}

struct core *
core_create(const struct core_settings *settings, char **why)
{
	const struct config *config = settings->config;
	struct core *core = memory_zalloc(sizeof(*core));

	core->settings = *settings;
	core->instances =
	    memory_zalloc((config->ninstances + 1) * sizeof(*core->instances));
	core->nchains = config->nlisteners;
	core->chains =
	    memory_zalloc((core->nchains + 1) * sizeof(*core->chains));
	chain_plan(core->instances, config, settings->plugins);
	for (size_t i = 0; i < config->ninstances; i++)
		core->instances[i].core = core;
	for (size_t i = 0; i < core->nchains; i++)
		chain_build(&core->chains[i], config, &config->listeners[i],
		    core->instances);
	if (!open_all(core, why))
		core_destroy(&core);
	return core;
}

void
core_destroy(struct core **core)
{
	struct core *c = *core;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->settings.config->ninstances; i++) {
		struct instance *instance = &c->instances[i];

		if (instance->opened && instance->plugin->close != NULL)
			instance->plugin->close(instance->self);
		needs_finish(&instance->needs);
	}
	for (size_t i = 0; i < c->nchains; i++)
		chain_finish(&c->chains[i]);
	free(c->chains);
	free(c->instances);
	free(c);
	*core = NULL;
}

size_t
core_chains(const struct core *core)
{
	return core->nchains;
}

const struct chain *
core_chain(const struct core *core, size_t index)
{
	return &core->chains[index];
}
