/* SPDX-License-Identifier: Apache-2.0 */
#include "link/plan.h"

#include "base/arena.h"
#include "base/wire.h"

/* The members of the globals, so that both directions agree. */
static const size_t texts[] = {
	offsetof(struct config_globals, user),
	offsetof(struct config_globals, group),
	offsetof(struct config_globals, run_dir),
	offsetof(struct config_globals, spool_dir),
	offsetof(struct config_globals, pid_file),
	offsetof(struct config_globals, plugin_dir),
	offsetof(struct config_globals, control_group),
	offsetof(struct config_globals, journal),
};

static const size_t numbers[] = {
	offsetof(struct config_globals, workers),
	offsetof(struct config_globals, threads),
	offsetof(struct config_globals, worker_memory),
	offsetof(struct config_globals, crash_limit),
	offsetof(struct config_globals, crash_within),
	offsetof(struct config_globals, stop_limit),
	offsetof(struct config_globals, spool_above),
	offsetof(struct config_globals, journal_days),
	offsetof(struct config_globals, log_level),
	offsetof(struct config_globals, log_target),
	offsetof(struct config_globals, log_format),
};

enum { LISTENERS_MAX = 1024 };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* FNV-1a: only equality matters. */
static uint64_t
hash_text(uint64_t h, const char *p)
{
	for (; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static void
put_listener(struct buf *b, const struct chain *c)
{
	const struct config_listener *l = c->listener;

	wire_text(b, l->name);
	wire_text(b, l->socket);
	wire_text(b, l->owner);
	wire_text(b, l->group);
	wire_u32(b, (uint32_t)l->mode);
	wire_text(b, l->place.file);
	wire_u32(b, l->place.line);
	wire_u32(b, c->needs.stages);
	wire_u32(b, c->needs.actions);
	wire_u32(b, c->needs.wants);
	for (int s = 0; s < STAGE_COUNT; s++)
		wire_text(
		    b, c->needs.macros[s].n > 0 ? c->needs.macros[s].p : "");
}

void
plan_encode(
    struct buf *b, const struct config *config, const struct chain *chains)
{
	const char *globals = (const char *)&config->globals;

	for (size_t i = 0; i < COUNT(texts); i++)
		wire_text(b, *(const char *const *)(globals + texts[i]));
	for (size_t i = 0; i < COUNT(numbers); i++)
		wire_u64(
		    b, (uint64_t) * (const int64_t *)(globals + numbers[i]));
	wire_u32(b, (uint32_t)config->nlisteners);
	for (size_t i = 0; i < config->nlisteners; i++)
		put_listener(b, &chains[i]);
}

static const char *
get_text(struct wire *w, struct arena *arena)
{
	const char *text = wire_get_text(w);

	return text != NULL ? arena_copy(arena, text) : NULL;
}

static void
get_listener(struct wire *w, struct arena *arena, struct plan_listener *l)
{
	l->name = get_text(w, arena);
	l->socket = get_text(w, arena);
	l->owner = get_text(w, arena);
	l->group = get_text(w, arena);
	l->mode = wire_get_u32(w);
	l->place.file = get_text(w, arena);
	l->place.line = wire_get_u32(w);
	l->stages = wire_get_u32(w);
	l->actions = wire_get_u32(w);
	l->wants = wire_get_u32(w);
	l->macros_hash = UINT64_C(14695981039346656037);
	for (int s = 0; s < STAGE_COUNT; s++) {
		if ((l->macros[s] = get_text(w, arena)) == NULL) {
			w->bad = true;
			return;
		}
		l->macros_hash = hash_text(l->macros_hash, l->macros[s]);
	}
	if (l->name == NULL || l->socket == NULL || l->place.file == NULL)
		w->bad = true;
}

struct plan *
plan_decode(struct span in)
{
	struct arena *arena = arena_create(4096);
	struct plan *p = arena_alloc(arena, sizeof(*p));
	struct wire w = { .in = in };
	char *globals = (char *)&p->globals;
	uint32_t n;

	p->arena = arena;
	for (size_t i = 0; i < COUNT(texts); i++)
		*(const char **)(globals + texts[i]) = get_text(&w, arena);
	for (size_t i = 0; i < COUNT(numbers); i++)
		*(int64_t *)(globals + numbers[i]) = (int64_t)wire_get_u64(&w);
	n = wire_get_u32(&w);
	if (n > LISTENERS_MAX || p->globals.run_dir == NULL)
		w.bad = true;
	p->nlisteners = w.bad ? 0 : n;
	p->listeners =
	    arena_alloc(arena, (p->nlisteners + 1) * sizeof(*p->listeners));
	for (size_t i = 0; i < p->nlisteners && !w.bad; i++)
		get_listener(&w, arena, &p->listeners[i]);
	if (w.bad)
		plan_destroy(&p);
	return p;
}

void
plan_destroy(struct plan **plan)
{
	struct arena *arena;

	if (*plan == NULL)
		return;
	arena = (*plan)->arena;
	arena_destroy(&arena);
	*plan = NULL;
}

bool
plan_covers(const struct plan_listener *a, const struct plan_listener *b)
{
	return (b->stages & ~a->stages) == 0 &&
	       (b->actions & ~a->actions) == 0 && (b->wants & ~a->wants) == 0 &&
	       a->macros_hash == b->macros_hash;
}
