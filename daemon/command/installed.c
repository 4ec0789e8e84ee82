/* SPDX-License-Identifier: Apache-2.0 */
#include "command/installed.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nearest.h"

void
installed_quiet(void)
{
	const struct log_settings s = { LOG_LEVEL_ERROR, LOG_TARGET_STDERR,
		LOG_FORMAT_TEXT };

	log_open("millrace", &s);
}

bool
installed_load(const struct common *c, struct setup *s)
{
	char *why = NULL;

	installed_quiet();
	if (setup_load(s, command_conf(c), &why))
		return true;
	complain("%s", why);
	free(why);
	setup_finish(s);
	return false;
}

const struct chain *
installed_chain(const struct core *core, const char *listener)
{
	struct nearest n = { .wrong = listener };

	if (core_chains(core) == 0) {
		complain("no listener is configured");
		return NULL;
	}
	if (listener == NULL)
		return core_chain(core, 0);
	for (size_t i = 0; i < core_chains(core); i++) {
		const char *name = core_chain(core, i)->listener->name;

		if (strcmp(name, listener) == 0)
			return core_chain(core, i);
		nearest_offer(&n, name);
	}
	if (n.best == NULL)
		n.best = core_chain(core, 0)->listener->name;
	complain("there is no listener \"%s\": did you mean \"%s\"?", listener,
	    n.best);
	return NULL;
}
