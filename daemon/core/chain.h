/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances and chains: the configuration made ready to run.
 */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config.h"
#include "core/plugin.h"
#include "core/stage.h"

/* What a chain, or one instance, needs from the MTA. */
struct needs {
	uint32_t stages;  /* STAGE_BIT: an answer is needed there */
	uint32_t actions; /* MR_ACTION_* */
	uint32_t wants;   /* MR_WANT_* */
	/* Macros by stage, names apart by a blank, no name twice. */
	struct buf macros[STAGE_COUNT];
};

/* Add the words of names to the list, each once. */
void needs_add_macros(struct needs *, enum stage, const char *names);
void needs_join(struct needs *, const struct needs *other);
void needs_finish(struct needs *);

struct core;

struct instance {
	unsigned index; /* in config->instances */
	const struct config_instance *conf;
	const struct mr_plugin *plugin;
	void *self;
	struct mr_host host; /* its address tells which instance is speaking */
	struct core *core;
	struct needs needs;
	bool opened;
};

/* What a listener runs. */
struct chain {
	const struct config_listener *listener;
	struct instance **items; /* mode off is left out */
	size_t count;
	struct needs needs;
	bool auth_results; /* the daemon writes Authentication-Results */
};

/*
 * From config and plugins to what each instance needs; opens nothing.
 * instances: config->ninstances of them, zeroed.
 */
void chain_plan(struct instance *instances, const struct config *,
    const struct plugin_set *);
/* A chain of instances that chain_plan made. */
void chain_build(struct chain *, const struct config *,
    const struct config_listener *, struct instance *instances);
void chain_finish(struct chain *);

#endif
