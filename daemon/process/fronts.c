/* SPDX-License-Identifier: Apache-2.0 */
/* The master's table of fronts, one a listening socket. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/master_private.h"
#include "process/socket.h"

enum { QUICK_DEATH_US = 500 * 1000 };

static void
start_front(struct front_child *f)
{
	struct children_context c = master_context();

	f->taken = master.current;
	f->started_us = clock_steady_us();
	f->child = children_front(&c, &f->listener, f->listening, f->board,
	    (struct span){ master.plan_bytes.p, master.plan_bytes.n },
	    master.current);
	atomic_store(&f->board->pid, f->child.pid);
}

static struct front_child *
front_on(const char *socket)
{
	for (int i = 0; i < BOARD_FRONTS; i++) {
		struct front_child *f = &master.fronts[i];

		if (f->listening != -1 && !f->ends &&
		    strcmp(f->listener.socket, socket) == 0)
			return f;
	}
	return NULL;
}

static struct front_child *
free_front(void)
{
	for (int i = 0; i < BOARD_FRONTS; i++)
		if (master.fronts[i].listening == -1)
			return &master.fronts[i];
	return NULL;
}

/*
 * Open the sockets that the plan has and we have not.  On failure those
 * opened for it are closed again.
 */
bool
fronts_open(const struct plan *plan, int *opened, char **why)
{
	for (size_t i = 0; i < plan->nlisteners; i++)
		opened[i] = -1;
	for (size_t i = 0; i < plan->nlisteners; i++) {
		const struct plan_listener *l = &plan->listeners[i];

		if (front_on(l->socket) != NULL)
			continue;
		if ((opened[i] = socket_open(l, why)) != -1)
			continue;
		for (size_t k = 0; k < i; k++)
			if (opened[k] != -1) {
				socket_remove(&plan->listeners[k]);
				close(opened[k]);
			}
		return false;
	}
	return true;
}

static void
stop_front(struct front_child *f)
{
	f->ends = true;
	if (f->child.channel != -1)
		orders_send_number(f->child.channel, ORDER_STOP,
		    (uint32_t)master.plan->globals.stop_limit);
}

static void
tell_plan(struct front_child *f)
{
	struct buf b = { 0 };

	wire_u32(&b, master.current);
	buf_put(&b, master.plan_bytes.p, master.plan_bytes.n);
	orders_send(f->child.channel, ORDER_PLAN, (struct span){ b.p, b.n });
	buf_finish(&b);
}

/* It outlives the plan that it came from. */
static void
own_listener(struct front_child *f)
{
	f->name = memory_copy(f->listener.name);
	f->socket = memory_copy(f->listener.socket);
	f->listener =
	    (struct plan_listener){ .name = f->name, .socket = f->socket };
}

static void
forget_listener(struct front_child *f)
{
	socket_remove(&f->listener);
	close(f->listening);
	f->listening = -1;
	f->listener = (struct plan_listener){ 0 };
	free(f->name);
	free(f->socket);
	f->name = f->socket = NULL;
}

/* Fronts for the plan in force: new ones, told ones, ended ones. */
void
fronts_arrange(const int *opened)
{
	bool kept[BOARD_FRONTS] = { false };

	for (size_t i = 0; i < master.plan->nlisteners; i++) {
		const struct plan_listener *l = &master.plan->listeners[i];
		struct front_child *f =
		    opened[i] == -1 ? front_on(l->socket) : free_front();

		if (f == NULL) {
			log_error("no place for listener %s", l->name);
			continue;
		}
		f->listener = *l;
		kept[f - master.fronts] = true;
		if (opened[i] == -1) {
			tell_plan(f);
			continue;
		}
		f->listening = opened[i];
		f->ends = false;
		start_front(f);
	}
	for (int i = 0; i < BOARD_FRONTS; i++) {
		struct front_child *f = &master.fronts[i];

		if (f->listening == -1 || f->ends || kept[i])
			continue;
		own_listener(f);
		stop_front(f);
	}
}

void
fronts_take_order(void *arg, enum order order, struct span body)
{
	struct front_child *f = arg;
	uint32_t n;

	if (order == ORDER_TAKEN && orders_get_number(&body, &n))
		f->taken = n;
}

void
fronts_died(struct front_child *f, int status)
{
	char what[128];

	board_describe_status(status, what);
	child_forget(&f->child);
	for (int i = 0; i < FRONT_GENERATIONS; i++)
		atomic_store(&f->board->bound[i], 0);
	atomic_store(&f->board->sessions, 0);
	atomic_store(&f->board->messages, 0);
	if (f->ends || master.phase != PHASE_RUNS) {
		forget_listener(f);
		return;
	}
	log_error(
	    "front %s ended: %s; starting it again", f->listener.name, what);
	if (clock_steady_us() - f->started_us < QUICK_DEATH_US)
		usleep(50 * 1000);
	start_front(f);
}

void
fronts_stop(void)
{
	for (int i = 0; i < BOARD_FRONTS; i++)
		if (master.fronts[i].listening != -1)
			stop_front(&master.fronts[i]);
}

bool
fronts_all_ended(void)
{
	for (int i = 0; i < BOARD_FRONTS; i++)
		if (master.fronts[i].listening != -1)
			return false;
	return true;
}

bool
fronts_all_taken(void)
{
	for (int i = 0; i < BOARD_FRONTS; i++) {
		const struct front_child *f = &master.fronts[i];

		if (f->listening != -1 && !f->ends &&
		    f->taken != master.current)
			return false;
	}
	return true;
}
