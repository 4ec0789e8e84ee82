/* SPDX-License-Identifier: Apache-2.0 */
/* A message from MAIL to its record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "core/scope.h"

enum { MESSAGE_ARENA = 4096 };

const char *
address_bare(struct arena *arena, const char *text)
{
	size_t n;

	text += strspn(text, " \t");
	if (text[0] != '<')
		return arena_copy(arena, text);
	text++;
	if (text[0] == '@' && strchr(text, ':') != NULL)
		text = strchr(text, ':') + 1; /* a source route */
	n = strlen(text);
	if (n > 0 && text[n - 1] == '>')
		n--;
	return arena_copy_span(arena, (struct span){ text, n });
}

void *
message_keep(struct mr_ctx *ctx, enum keep which, size_t n)
{
	struct message *m = call_of(ctx)->session->message;

	if (m != NULL && m->keeps[which] == NULL)
		m->keeps[which] = arena_alloc(m->arena, n);
	return m != NULL ? m->keeps[which] : NULL;
}

struct arena *
keep_arena(struct mr_ctx *ctx)
{
	return session_scope(call_of(ctx)->session);
}

struct message *
message_begin(struct session *s, const struct event *e)
{
	struct arena *arena = arena_create(MESSAGE_ARENA);
	struct message *m = arena_alloc(
	    arena, sizeof(*m) + s->chain->count * sizeof(m->states[0]));

	m->session = s;
	m->arena = arena;
	m->id = arena_copy(arena, e->message_id != NULL ? e->message_id : "-");
	m->sender = address_bare(arena, e->text);
	m->started_us = clock_wall_us();
	m->macros.arena = arena;
	m->recipients = arena_alloc(arena, sizeof(*m->recipients));
	m->recipients_end = &m->told_recipients;
	m->edits = edit_create(arena);
	symbols_init(&m->symbols);
	for (const struct record_symbol *i = s->symbols.first; i != NULL;
	     i = i->next)
		symbols_add(&m->symbols, arena, i);
	m->steps.end = &m->steps.first;
	m->outcome = MR_OUTCOME_ABORTED;
	m->stage = STAGE_ABORT;
	m->accepted = s->accepted;
	s->message = m;
	return m;
}

static void
keep_recipient(struct message *m, const char *address)
{
	/* Room for a power of two, and the NULL at the end. */
	if ((m->nrecipients & (m->nrecipients + 1)) == 0) {
		const char **grown = arena_alloc(
		    m->arena, (2 * m->nrecipients + 2) * sizeof(*grown));

		memcpy(grown, m->recipients, m->nrecipients * sizeof(*grown));
		m->recipients = grown;
	}
	m->recipients[m->nrecipients++] = address;
}

void
message_add_recipient(struct message *m, const char *address,
    const struct event *e, const struct decision *d, bool refused)
{
	struct record_recipient *r = arena_alloc(m->arena, sizeof(*r));

	r->address = address;
	r->by_mta = e->rejected;
	if (refused) {
		r->answer =
		    d->verdict == MR_REJECT ? ANSWER_REJECT : ANSWER_TEMPFAIL;
		r->reply = d->reply;
		r->by = d->by != NULL ? d->by->conf->name : NULL;
	} else if (!e->rejected) {
		keep_recipient(m, address);
	}
	*m->recipients_end = r;
	m->recipients_end = &r->next;
}

void
message_close(struct message *m, mr_outcome outcome, enum stage stage,
    const struct decision *d)
{
	m->over = true;
	m->outcome = outcome;
	m->stage = stage;
	m->by = d->by != NULL ? d->by->conf->name : m->by;
	m->reply = d->reply;
}

/* The last recipient that we refused, if none was taken. */
static const struct record_recipient *
all_refused(const struct message *m)
{
	const struct record_recipient *last = NULL;

	if (m->nrecipients > 0)
		return NULL;
	for (const struct record_recipient *r = m->told_recipients; r != NULL;
	     r = r->next)
		if (r->answer != ANSWER_CONTINUE)
			last = r;
	return last;
}

void
message_abort(struct message *m)
{
	const struct record_recipient *r = all_refused(m);

	if (m->over)
		return;
	m->over = true;
	m->outcome = MR_OUTCOME_ABORTED;
	m->stage = STAGE_ABORT;
	if (r == NULL)
		return;
	m->outcome = r->answer == ANSWER_REJECT ? MR_OUTCOME_REJECTED
						: MR_OUTCOME_TEMPFAILED;
	m->stage = STAGE_RCPT;
	m->by = r->by;
	m->reply = r->reply;
}

/* Fields that claim to be our own results are removed, highest first. */
static void
remove_forged(struct message *m, const char *id)
{
	static const char name[] = "Authentication-Results";
	const char *value, *why;
	uint32_t n = 0;

	while (edit_header(m->edits, name, n + 1) != NULL)
		n++;
	for (; n > 0; n--) {
		value = edit_header(m->edits, name, n);
		if (authres_is_forged(value, id))
			edit_delete(m->edits, "millrace", name, n, &why);
	}
}

static void
add_auth_results(struct message *m)
{
	const struct session *s = m->session;
	const char *id = s->chain->listener->authserv_id, *why;

	if (id == NULL)
		id = macro_get(&s->macros, "j");
	if (id == NULL || !authres_id_ok(id))
		id = "localhost";
	remove_forged(m, id);
	edit_insert(m->edits, "millrace", "Authentication-Results",
	    authres_build(m->arena, id, m->auth, m->nauth), &why);
}

void
message_edits(struct message *m, struct answer *answer)
{
	if (m->session->chain->auth_results)
		add_auth_results(m);
	answer->nedits = edit_finish(m->edits, &answer->edits);
}

static const char *
outcome_word(mr_outcome outcome)
{
	static const char *const words[] = {
		[MR_OUTCOME_ACCEPTED] = "accept",
		[MR_OUTCOME_REJECTED] = "reject",
		[MR_OUTCOME_TEMPFAILED] = "tempfail",
		[MR_OUTCOME_DISCARDED] = "discard",
		[MR_OUTCOME_QUARANTINED] = "quarantine",
		[MR_OUTCOME_ABORTED] = "abort",
	};

	return words[outcome];
}

static void
fill_session(struct record *r, const struct session *s)
{
	r->listener = s->chain->listener->name;
	r->client_addr = s->client.addr;
	r->client_name = s->client.name;
	r->helo = s->client.helo;
	r->login = s->client.login;
	r->tls = s->client.tls;
	r->faults = s->faults;
	r->steps = s->steps.first;
}

static void
fill_message(struct record *r, struct message *m)
{
	r->time_us = m->started_us;
	r->took_us = clock_wall_us() - m->started_us;
	r->id = m->id;
	r->queue_id = macro_get(&m->macros, "i");
	r->sender = m->sender;
	r->recipients = m->told_recipients;
	r->header_from = edit_header(m->edits, "From", 1);
	r->message_id = edit_header(m->edits, "Message-ID", 1);
	r->size = m->body_seen;
	r->outcome = outcome_word(m->outcome);
	r->stage = stage_name(m->stage);
	r->by = m->by;
	r->reply = m->reply;
	r->score = symbols_score(&m->symbols, false);
	r->symbols = m->symbols.first;
	r->auth = m->auth;
	r->nauth = m->nauth;
	r->nedits = m->session->answer.nedits;
	r->edits = m->session->answer.edits;
	r->observed_edits = m->observed_edits;
	r->nobserved = m->nobserved;
	r->nconflicts = edit_conflicts(m->edits, &r->conflicts);
}

static void
write_record(struct session *s, struct message *m)
{
	struct record r = { 0 };
	struct record_step **session_end = s->steps.end;

	if (s->core->settings.record == NULL)
		return;
	fill_session(&r, s);
	fill_message(&r, m);
	/* The session's steps and the message's, as one list for a moment. */
	if (session_end != NULL && s->steps.first != NULL)
		*session_end = m->steps.first;
	else
		r.steps = m->steps.first;
	s->core->settings.record(s->core->settings.record_arg, &r);
	if (session_end != NULL && s->steps.first != NULL)
		*session_end = NULL;
}

void
message_record_refusal(
    struct session *s, enum stage stage, const struct decision *d)
{
	struct record r = { 0 };
	char id[32];

	if (s->core->settings.record == NULL)
		return;
	fill_session(&r, s);
	snprintf(id, sizeof(id), "s%016llx", (unsigned long long)s->id);
	r.time_us = clock_wall_us();
	r.id = id;
	r.outcome = d->verdict == MR_REJECT ? "reject" : "tempfail";
	r.stage = stage_name(stage);
	r.by = d->by->conf->name;
	r.reply = d->reply;
	r.symbols = s->symbols.first;
	r.score = symbols_score(&s->symbols, false);
	s->core->settings.record(s->core->settings.record_arg, &r);
}

static void
tell_instances(struct session *s, struct message *m)
{
	for (unsigned place = 0; place < s->chain->count; place++) {
		struct call call = {
			.session = s,
			.instance = s->chain->items[place],
			.place = place,
			.stage = STAGE_ABORT,
		};

		if (m->states[place] == NULL ||
		    call.instance->plugin->message_end == NULL)
			continue;
		call_end(&call, m->outcome);
	}
}

void
message_finish(struct session *s)
{
	struct message *m = s->message;
	struct arena *arena = m->arena; /* m lives in it */

	if (m->outcome != MR_OUTCOME_MOVED)
		write_record(s, m);
	tell_instances(s, m);
	s->message = NULL;
	s->answer = (struct answer){ 0 };
	session_forget_faults(s);
	arena_destroy(&arena);
}
