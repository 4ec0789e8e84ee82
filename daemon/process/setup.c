/* SPDX-License-Identifier: Apache-2.0 */
#include "process/setup.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "core/session.h"
#include "service/service.h"

static void
describe_plugins(struct setup *s)
{
	s->schemas =
	    memory_zalloc((s->plugins.count + 1) * sizeof(*s->schemas));
	for (size_t i = 0; i < s->plugins.count; i++) {
		const struct mr_plugin *d = &s->plugins.plugins[i].desc;

		s->schemas[i] = (struct config_plugin){ .name = d->name,
			.needs = d->needs,
			.options = d->options,
			.option_size = d->option_size,
			.conf_size = d->conf_size };
	}
	for (char **r = s->plugins.refused; r != NULL && *r != NULL; r++)
		log_warn("plugin not used: %s", *r);
}

bool
setup_load(struct setup *s, const char *path, char **why)
{
	char *dir = config_plugin_dir(path, why);
	bool ok;

	*s = (struct setup){ 0 };
	if (dir == NULL)
		return false;
	ok = plugin_load_all(dir, &s->plugins, why);
	free(dir);
	if (!ok)
		return false;
	describe_plugins(s);
	s->config = config_load(path, s->schemas, s->plugins.count, why);
	return s->config != NULL;
}

void
setup_finish(struct setup *s)
{
	config_destroy(&s->config);
	free(s->schemas);
	plugin_set_finish(&s->plugins);
}

bool
setup_check(const char *config_path, char **summary, char **why)
{
	struct core_settings s = { .service = service_find, .dry_run = true };
	struct setup setup;
	struct core *core;
	bool ok = false;

	if (setup_load(&setup, config_path, why)) {
		s.config = setup.config;
		s.plugins = &setup.plugins;
		service_prepare(setup.config, true);
		if ((core = core_create(&s, why)) != NULL) {
			*summary = memory_printf(
			    "listeners %zu, instances %zu, plugins %zu",
			    setup.config->nlisteners, setup.config->ninstances,
			    setup.plugins.count);
			core_destroy(&core);
			ok = true;
		}
		service_finish();
	}
	setup_finish(&setup);
	return ok;
}
