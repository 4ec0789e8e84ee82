/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void
front_init(struct front *f, struct front_board *board, const char *socket,
    void (*record)(const struct record *))
{
	memset(f, 0, sizeof(*f));
	f->board = board;
	f->socket = socket;
	f->record = record;
	pthread_mutex_init(&f->lock, NULL);
	for (int i = 0; i < FRONT_GENERATIONS; i++)
		atomic_store(&board->bound[i], 0);
	atomic_store(&board->sessions, 0);
	atomic_store(&board->messages, 0);
}

/* With the lock held. */
static void
drop(struct front_plan *p)
{
	if (p == NULL || --p->users > 0)
		return;
	plan_destroy(&p->plan);
	free(p);
}

static const struct plan_listener *
listener_on(const struct plan *plan, const char *socket)
{
	for (size_t i = 0; i < plan->nlisteners; i++)
		if (strcmp(plan->listeners[i].socket, socket) == 0)
			return &plan->listeners[i];
	return NULL;
}

bool
front_set_plan(struct front *f, struct plan *plan, uint32_t generation)
{
	const struct plan_listener *needs = listener_on(plan, f->socket);
	struct front_plan *p;

	if (needs == NULL) {
		plan_destroy(&plan);
		return false;
	}
	p = memory_zalloc(sizeof(*p));
	p->plan = plan;
	p->needs = needs;
	p->generation = generation;
	p->users = 1;
	pthread_mutex_lock(&f->lock);
	drop(f->current);
	f->current = p;
	pthread_mutex_unlock(&f->lock);
	return true;
}

void
front_stop(struct front *f)
{
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_mutex_unlock(&f->lock);
}

bool
front_stopping(struct front *f)
{
	bool stopping;

	pthread_mutex_lock(&f->lock);
	stopping = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return stopping;
}

struct front_plan *
front_hold(struct front *f)
{
	struct front_plan *p;

	pthread_mutex_lock(&f->lock);
	p = f->current;
	p->users++;
	pthread_mutex_unlock(&f->lock);
	return p;
}

void
front_release(struct front *f, struct front_plan *p)
{
	pthread_mutex_lock(&f->lock);
	drop(p);
	pthread_mutex_unlock(&f->lock);
}

static void
count(struct front *f, uint32_t generation, uint32_t n)
{
	atomic_fetch_add(&f->board->bound[generation % FRONT_GENERATIONS], n);
}

uint32_t
front_bind(struct front *f, uint32_t generation,
    const struct plan_listener *has, bool lost)
{
	pthread_mutex_lock(&f->lock);
	if (generation == 0 || lost || plan_covers(has, f->current->needs)) {
		if (generation != 0)
			count(f, generation, (uint32_t)-1);
		generation = f->current->generation;
		count(f, generation, 1);
	}
	pthread_mutex_unlock(&f->lock);
	return generation;
}

void
front_unbind(struct front *f, uint32_t generation)
{
	count(f, generation, (uint32_t)-1);
}
