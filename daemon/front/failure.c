/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a message that no worker could finish: the only one that the
 * front writes, from the events that it kept.
 */
#include <string.h>

#include "base/clock.h"
#include "front/private.h"

const char *
failure_word(enum fault_kind kind)
{
	static const char *const words[] = {
		[FAULT_NONE] = "no fault",
		[FAULT_DIED] = "it died",
		[FAULT_OVERRUN] = "an instance was over its deadline",
		[FAULT_SILENT] = "it gave no answer",
	};

	return words[kind];
}

static const char *
macro_of(const struct event *e, const char *name)
{
	for (size_t i = 0; e->macros != NULL && e->macros[i] != NULL; i += 2) {
		const char *n = e->macros[i];

		if (n[0] == '{')
			n++;
		if (strncmp(n, name, strlen(name)) == 0 &&
		    (n[strlen(name)] == '\0' || n[strlen(name)] == '}'))
			return e->macros[i + 1];
	}
	return NULL;
}

static void
add_recipient(struct arena *arena, struct record *r, const struct event *e,
    const struct answer *a)
{
	struct record_recipient *one = arena_alloc(arena, sizeof(*one));

	one->address = e->text;
	one->by_mta = e->rejected;
	one->answer = e->told ? e->given : a->kind;
	one->next = (struct record_recipient *)(uintptr_t)r->recipients;
	r->recipients = one;
}

static void
take_event(struct arena *arena, struct record *r, const struct event *e,
    const struct answer *a)
{
	const char *queue_id = macro_of(e, "i");
	const char *login = macro_of(e, "auth_authen");

	if (queue_id != NULL)
		r->queue_id = queue_id;
	if (login != NULL)
		r->login = login;
	switch (e->stage) {
	case STAGE_CONNECT:
		r->client_name = e->text;
		r->client_addr = e->value;
		break;
	case STAGE_HELO:
		r->helo = e->text;
		break;
	case STAGE_MAIL:
		r->sender = e->text;
		break;
	case STAGE_RCPT:
		add_recipient(arena, r, e, a);
		break;
	default:
		break;
	}
}

static void
take_log(struct arena *arena, struct record *r, const struct buf *log,
    const struct answer *a)
{
	struct span in = { log->p, log->n }, body;
	struct wire_frame f;
	struct body_range range;
	struct event e;

	while (wire_next(&in, &f, &body) == 1)
		if (f.type == FRAME_EVENT &&
		    frame_get_event(&f, body, arena, &e, &range))
			take_event(arena, r, &e, a);
}

void
failure_record(
    struct front_session *s, enum stage stage, const struct answer *a)
{
	struct arena *arena = arena_create(4096);
	struct record_fault fault = { .what = failure_word(s->open.fault),
		.stage = stage_name(stage) };
	struct record r = { .time_us = clock_wall_us(),
		.id = s->now->message_id,
		.listener = s->plan->needs->name,
		.size = s->now->body.size,
		.outcome = "tempfail",
		.stage = stage_name(stage),
		.reply = { a->code, a->dsn, a->text },
		.faults = s->open.fault != FAULT_NONE ? &fault : NULL };

	take_log(arena, &r, &s->session_log, a);
	take_log(arena, &r, &s->now->message_log, a);
	if (s->front->record != NULL)
		s->front->record(&r);
	arena_destroy(&arena);
}
