/* SPDX-License-Identifier: Apache-2.0 */
/* The master's table of generations. */
#include "process/master_private.h"

struct generation_child *
generations_in(enum generation_state state)
{
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		if (master.generations[i].state == state)
			return &master.generations[i];
	return NULL;
}

/* All sessions have left it, and no front would bind another. */
static bool
is_unused(const struct generation_child *g)
{
	for (int i = 0; i < BOARD_FRONTS; i++) {
		const struct front_child *f = &master.fronts[i];

		if (f->listening == -1)
			continue;
		if (f->taken < master.current && !f->ends)
			return false;
		if (atomic_load(
			&f->board->bound[g->number % FRONT_GENERATIONS]) != 0)
			return false;
	}
	return true;
}

void
generations_end(struct generation_child *g)
{
	if (g->state == GEN_NONE || g->state == GEN_ENDS)
		return;
	g->state = GEN_ENDS;
	orders_send_number(g->child.channel, ORDER_STOP,
	    master.plan != NULL ? (uint32_t)master.plan->globals.stop_limit
				: 0);
}

void
generations_end_unused(void)
{
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		if (master.generations[i].state == GEN_RETIRES &&
		    is_unused(&master.generations[i]))
			generations_end(&master.generations[i]);
}

bool
generations_all_ended(void)
{
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		if (master.generations[i].child.pid > 0)
			return false;
	return true;
}
