/* SPDX-License-Identifier: Apache-2.0 */
#include "process/status.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"

static void
put_front(struct buf *b, const struct status_front *f)
{
	const struct front_board *o = f->board;

	json_open(b, NULL, '{');
	json_text(b, "listener", f->name);
	json_text(b, "socket", f->socket);
	json_int(b, "pid", atomic_load(&o->pid));
	json_int(b, "sessions", (int64_t)atomic_load(&o->sessions));
	json_int(b, "connections", (int64_t)atomic_load(&o->connections));
	json_int(b, "messages", (int64_t)atomic_load(&o->messages));
	json_int(b, "replays", (int64_t)atomic_load(&o->replays));
	json_int(b, "given_up", (int64_t)atomic_load(&o->given_up));
	json_open(b, "answers", '{');
	for (int i = 0; i < ANSWER_COUNT; i++)
		json_int(b, answer_name((enum answer_kind)i),
		    (int64_t)atomic_load(&o->answers[i]));
	json_close(b, '}');
	json_close(b, '}');
}

static void
put_worker(struct buf *b, const struct worker_board *w, uint32_t generation)
{
	static const char *const words[] = { "free", "starts", "serves",
		"retires", "done" };
	int32_t state = atomic_load(&w->state);

	if (state <= WORKER_FREE || state >= WORKER_DONE ||
	    atomic_load(&w->dead))
		return;
	json_open(b, NULL, '{');
	json_int(b, "pid", atomic_load(&w->pid));
	json_int(b, "generation", generation);
	json_text(b, "state", words[state]);
	json_int(b, "sessions", (int64_t)atomic_load(&w->sessions));
	json_int(b, "served", (int64_t)atomic_load(&w->served));
	json_close(b, '}');
}

static void
put_instance(struct buf *b, const struct instance_board *i)
{
	static const char *const modes[] = { "enforce", "observe", "off" };
	char name[sizeof(i->name) + 1] = { 0 };

	/* A worker could have spoilt it: take no more than there is. */
	for (size_t n = 0; n < sizeof(i->name) && i->name[n] != '\0'; n++)
		name[n] = i->name[n];
	json_open(b, NULL, '{');
	json_text(b, "name", name);
	for (size_t n = 0; n < sizeof(name); n++)
		name[n] = n < sizeof(i->plugin) ? i->plugin[n] : '\0';
	json_text(b, "plugin", name);
	json_text(
	    b, "mode", i->mode >= 0 && i->mode < 3 ? modes[i->mode] : "?");
	json_bool(b, "off", atomic_load(&i->off));
	json_int(b, "calls", (int64_t)atomic_load(&i->calls));
	json_int(b, "us", (int64_t)atomic_load(&i->us));
	json_open(b, "verdicts", '{');
	for (int v = 0; v < BOARD_VERDICTS; v++)
		json_int(
		    b, verdict_name(v), (int64_t)atomic_load(&i->verdicts[v]));
	json_close(b, '}');
	json_int(b, "overruns", (int64_t)atomic_load(&i->overruns));
	json_int(b, "deaths", (int64_t)atomic_load(&i->deaths));
	json_close(b, '}');
}

static void
put_instances(struct buf *b, const struct generation_board *g)
{
	uint32_t n = atomic_load(&g->ninstances);

	json_open(b, "instances", '[');
	for (uint32_t i = 0; i < n && i < CONFIG_INSTANCES; i++)
		put_instance(b, &g->instances[i]);
	json_close(b, ']');
}

/* {"dns": {"queries": 1, ...}, ...}: those of a service stand together. */
static void
put_services(struct buf *b, const struct generation_board *g)
{
	const char *open = NULL;

	json_open(b, "services", '{');
	for (int i = 0; i < METRICS; i++) {
		const char *service = metrics_service((enum metric)i);

		if (open == NULL || strcmp(open, service) != 0) {
			if (open != NULL)
				json_close(b, '}');
			json_open(b, service, '{');
		}
		open = service;
		json_int(b, metrics_name((enum metric)i),
		    (int64_t)atomic_load(&g->metrics.values[i]));
	}
	if (open != NULL)
		json_close(b, '}');
	json_close(b, '}');
}

void
status_json(const struct status *s, struct buf *b)
{
	json_open(b, NULL, '{');
	json_text(b, "version", MR_VERSION);
	json_int(b, "pid", getpid());
	json_int(b, "uptime_s", (clock_steady_us() - s->started_us) / 1000000);
	json_int(b, "generation", s->generation);
	json_open(b, "fronts", '[');
	for (size_t i = 0; i < s->nfronts; i++)
		put_front(b, &s->fronts[i]);
	json_close(b, ']');
	json_open(b, "workers", '[');
	for (size_t g = 0; g < s->ngenerations; g++)
		for (int i = 0; i < BOARD_WORKERS; i++)
			put_worker(b, &s->generations[g]->workers[i],
			    s->generations[g]->generation);
	json_close(b, ']');
	if (s->ngenerations > 0) {
		put_instances(b, s->generations[0]);
		put_services(b, s->generations[0]);
	}
	json_open(b, "journal", '{');
	json_text(b, "path", s->journal);
	json_int(b, "lost", (int64_t)s->journal_lost);
	json_close(b, '}');
	json_close(b, '}');
}
