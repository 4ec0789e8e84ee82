/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the master and the fronts must know of a configuration.  They never
 * read it themselves: the first process of a generation does, because that
 * needs plugins, and sends them this.
 */
#ifndef LINK_PLAN_H
#define LINK_PLAN_H

#include "base/arena.h"
#include "base/span.h"
#include "config/config.h"
#include "core/chain.h"

struct plan_listener {
	const char *name, *socket, *owner, *group;
	uint32_t mode;
	struct config_place place;
	uint32_t stages, actions, wants; /* see struct needs */
	const char *macros[STAGE_COUNT]; /* "" for none */
	uint64_t macros_hash;
};

struct plan {
	struct arena *arena;
	struct config_globals globals;
	struct plan_listener *listeners;
	size_t nlisteners;
};

/* Of each listener only its needs and place in the config are read. */
void plan_encode(struct buf *, const struct config *, const struct chain *);
/* NULL if the bytes are not a plan. */
struct plan *plan_decode(struct span);
void plan_destroy(struct plan **);

/* May a session that negotiated a go on with a chain that needs b? */
bool plan_covers(const struct plan_listener *a, const struct plan_listener *b);

#endif
