/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the master at its control socket, and its answers. */
#include "base/json.h"
#include "process/journal.h"
#include "process/master_private.h"
#include "process/status.h"

/* Those who asked for a reload; why NULL: it is in force. */
void
requests_answer_reload(const char *why)
{
	struct buf b = { 0 };

	if (why == NULL) {
		json_open(&b, NULL, '{');
		json_bool(&b, "ok", true);
		json_int(&b, "generation", master.current);
		json_close(&b, '}');
	}
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *c = &master.control.clients[i];

		if (c->sock == -1 || !c->waits)
			continue;
		if (why != NULL)
			control_answer_error(c, why);
		else
			control_answer(c, (struct span){ b.p, b.n });
	}
	buf_finish(&b);
}

static void
answer_status(struct control_client *client)
{
	const struct generation_board *boards[BOARD_GENERATIONS];
	struct status_front fronts[BOARD_FRONTS];
	struct status s = { .started_us = master.started_us,
		.generation = master.current,
		.fronts = fronts,
		.generations = boards,
		.journal = master.plan->globals.journal };
	const struct generation_child *current = generations_in(GEN_CURRENT);
	struct buf b = { 0 };

	for (int i = 0; i < BOARD_FRONTS; i++)
		if (master.fronts[i].listening != -1)
			fronts[s.nfronts++] = (struct status_front){
				master.fronts[i].listener.name,
				master.fronts[i].listener.socket,
				master.fronts[i].board
			};
	if (current != NULL)
		boards[s.ngenerations++] = current->board;
	for (int i = 0; i < BOARD_GENERATIONS; i++) {
		const struct generation_child *g = &master.generations[i];

		if (g->board != NULL && g != current)
			boards[s.ngenerations++] = g->board;
	}
	for (size_t i = 0; i < s.ngenerations; i++)
		s.journal_lost += atomic_load(&boards[i]->journal_lost);
	status_json(&s, &b);
	control_answer(client, (struct span){ b.p, b.n });
	buf_finish(&b);
}

/* The journal's process answers, when all that came before is written. */
static void
answer_flush(struct control_client *client)
{
	if (master.journal.pid > 0 &&
	    journal_flush_for(master.journal_ends[0], client->sock))
		control_hand_over(client);
	else
		control_answer(client, span_of("{\"ok\":true}"));
}

void
requests_take(struct control *c, struct control_client *client,
    struct span verb, void *arg)
{
	(void)c;
	(void)arg;
	if (master.phase != PHASE_RUNS)
		control_answer_error(client, "millraced is being stopped");
	else if (span_equal(verb, span_of("status")))
		answer_status(client);
	else if (span_equal(verb, span_of("flush")))
		answer_flush(client);
	else if (span_equal(verb, span_of("reload")))
		master_reload(); /* answered when it is in force or not */
	else
		control_answer_error(
		    client, "unknown request: status, reload or flush");
}
