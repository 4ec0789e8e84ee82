/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP connection: which event belongs to which scope, what a decision
 * means at each stage, and what the MTA is told.
 */
#include "core/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "core/scope.h"

enum { SESSION_ARENA = 512 };

struct session *
session_create(struct core *core, const struct chain *chain, uint64_t id)
{
	struct arena *arena = arena_create(SESSION_ARENA);
	struct session *s = arena_alloc(
	    arena, sizeof(*s) + chain->count * sizeof(s->states[0]));

	s->core = core;
	s->chain = chain;
	s->id = id;
	s->arena = arena;
	s->macros.arena = arena;
	s->client.name = s->client.addr = "unknown";
	s->steps.end = &s->steps.first;
	symbols_init(&s->symbols);
	return s;
}

void *
session_keep(struct mr_ctx *ctx, enum keep which, size_t n)
{
	struct session *s = call_of(ctx)->session;

	if (s->keeps[which] == NULL)
		s->keeps[which] = arena_alloc(s->arena, n);
	return s->keeps[which];
}

/* message_end and session_end: the plugin may log, not decide. */
void
call_end(struct call *call, mr_outcome outcome)
{
	struct session *s = call->session;
	const struct core_watch *w = s->core->settings.watch;
	const struct mr_plugin *p = call->instance->plugin;
	int64_t deadline = call->instance->conf->common.deadline;
	bool whole = s->message == NULL;

	if (whole ? p->session_end == NULL : p->message_end == NULL)
		return;
	call_prepare(call);
	call->until_us = clock_steady_us() + deadline * 1000;
	if (w != NULL)
		w->enter(w->arg, call->instance->index, STAGE_ABORT, s->id,
		    call->ctx.message_id, deadline);
	if (whole)
		p->session_end(&call->ctx);
	else
		p->message_end(&call->ctx, outcome);
	if (w != NULL &&
	    !w->leave(w->arg, call->instance->index, MR_CONTINUE, 0))
		s->lost = true;
}

void
session_destroy(struct session **session, bool moved)
{
	struct session *s = *session;
	struct arena *arena;

	if (s == NULL)
		return;
	if (s->message != NULL) {
		if (!s->message->over && moved)
			s->message->outcome = MR_OUTCOME_MOVED;
		else
			message_abort(s->message);
		message_finish(s);
	}
	for (unsigned place = 0; place < s->chain->count; place++) {
		struct call call = {
			.session = s,
			.instance = s->chain->items[place],
			.place = place,
			.stage = STAGE_ABORT,
		};

		if (s->states[place] != NULL)
			call_end(&call, MR_OUTCOME_ABORTED);
	}
	free(s->helo);
	session_forget_faults(s);
	arena = s->arena; /* s lives in it */
	arena_destroy(&arena);
	*session = NULL;
}

void
session_forget_faults(struct session *s)
{
	while (s->faults != NULL) {
		struct record_fault *next = s->faults->next;

		free(s->faults);
		s->faults = next;
	}
	s->faulted = 0;
}

void
session_fault(
    struct session *s, int instance, const char *what, const char *stage)
{
	const struct config *config = s->core->settings.config;
	size_t n = strlen(what) + 1, m = strlen(stage) + 1;
	struct record_fault *f = memory_zalloc(sizeof(*f) + n + m);
	char *text = (char *)(f + 1);

	f->what = memcpy(text, what, n);
	f->stage = memcpy(text + n, stage, m);
	f->next = s->faults;
	if (instance >= 0 && (size_t)instance < config->ninstances) {
		f->instance = config->instances[instance].name;
		s->faulted |= UINT64_C(1) << instance;
	}
	s->faults = f;
}

bool
session_in_message(const struct session *s)
{
	return s->message != NULL && !s->message->over;
}

void
session_rest(struct session *s)
{
	if (s->message != NULL && s->message->over)
		message_finish(s);
}

static void
set_text(struct session *s, const char **slot, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	if (*slot == NULL || strcmp(*slot, value) != 0)
		*slot = arena_copy(s->arena, value);
}

static void
take_macros(struct session *s, const struct event *e)
{
	bool lasting = e->stage == STAGE_CONNECT || e->stage == STAGE_HELO ||
		       s->message == NULL;
	struct macros *macros = lasting ? &s->macros : &s->message->macros;

	if (e->macros == NULL)
		return;
	for (size_t i = 0; e->macros[i] != NULL && e->macros[i + 1] != NULL;
	     i += 2)
		macro_set(macros, e->macros[i], e->macros[i + 1]);
}

/* What the MTA is told of a decision. */
static void
answer_decision(struct session *s, const struct decision *d)
{
	struct answer *a = &s->answer;

	switch (d->verdict) {
	case MR_REJECT:
	case MR_TEMPFAIL:
		a->kind =
		    d->verdict == MR_REJECT ? ANSWER_REJECT : ANSWER_TEMPFAIL;
		a->code = d->reply.code;
		a->dsn = d->reply.dsn;
		a->text = d->reply.text;
		break;
	case MR_DISCARD:
		a->kind = ANSWER_DISCARD;
		break;
	default:
		a->kind = ANSWER_CONTINUE;
	}
}

/* What was told once stays told: a refusal cannot come after the fact. */
static void
keep_given(const struct event *e, struct decision *d)
{
	bool refused = e->given == ANSWER_REJECT || e->given == ANSWER_TEMPFAIL;

	if (!e->told)
		return;
	if (!refused && (d->verdict == MR_REJECT || d->verdict == MR_TEMPFAIL ||
			    d->verdict == MR_DISCARD))
		*d = (struct decision){ .verdict = MR_CONTINUE };
	if (refused && d->verdict != MR_REJECT && d->verdict != MR_TEMPFAIL)
		d->verdict =
		    e->given == ANSWER_REJECT ? MR_REJECT : MR_TEMPFAIL;
}

/* Accept and quarantine end the questions, not the message. */
static void
stop_asking(struct message *m, const struct event *e, const struct decision *d)
{
	const char *why;

	if (d->verdict != MR_ACCEPT && d->verdict != MR_QUARANTINE)
		return;
	m->accepted = true;
	m->by = d->by->conf->name;
	m->stage = e->stage;
	if (d->verdict == MR_QUARANTINE && m->held == NULL) {
		m->held = arena_printf(m->arena, "held by %s", m->by);
		edit_quarantine(m->edits, m->by, m->held, &why);
	}
}

static bool
ask(struct session *s, const struct event *e, const char *address,
    struct decision *d)
{
	*d = (struct decision){ .verdict = MR_CONTINUE };
	if (s->message != NULL ? s->message->accepted : s->accepted)
		return true;
	if (!stage_run(s, e, address, d))
		return false;
	keep_given(e, d);
	if (e->rejected) /* the MTA has refused it, whatever we say */
		*d = (struct decision){ .verdict = MR_CONTINUE };
	if (s->message != NULL)
		stop_asking(s->message, e, d);
	return true;
}

static bool
take_connection(struct session *s, const struct event *e)
{
	struct decision d;

	if (!ask(s, e, NULL, &d))
		return false;
	if (d.verdict == MR_ACCEPT)
		s->accepted = true;
	answer_decision(s, &d);
	if (s->answer.kind != ANSWER_CONTINUE && !e->told && d.by != NULL)
		message_record_refusal(s, e->stage, &d);
	return true;
}

static bool
take_connect(struct session *s, const struct event *e)
{
	set_text(s, &s->client.name, e->text);
	s->client.addr = e->local           ? "local"
			 : e->value == NULL ? "unknown"
					    : arena_copy(s->arena, e->value);
	s->client.port = e->port;
	return take_connection(s, e);
}

static bool
take_helo(struct session *s, const struct event *e)
{
	/* Of several HELOs only the last counts. */
	struct record_step **end = &s->steps.first;

	while (*end != NULL && (*end)->stage == STAGE_CONNECT)
		end = &(*end)->next;
	*end = NULL;
	s->steps.end = end;
	symbols_cut(&s->symbols, STAGE_CONNECT);
	free(s->helo);
	s->helo = memory_copy(e->text);
	s->client.helo = s->helo;
	set_text(s, &s->client.tls, macro_get(&s->macros, "tls_version"));
	return take_connection(s, e);
}

/* A refusal or discard ends the message. */
static void
close_if_final(
    struct session *s, const struct event *e, const struct decision *d)
{
	static const struct {
		mr_verdict verdict;
		mr_outcome outcome;
	} rows[] = {
		{ MR_REJECT, MR_OUTCOME_REJECTED },
		{ MR_TEMPFAIL, MR_OUTCOME_TEMPFAILED },
		{ MR_DISCARD, MR_OUTCOME_DISCARDED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].verdict == d->verdict)
			message_close(s->message, rows[i].outcome, e->stage, d);
}

/* data, header, eoh, body, and mail. */
static bool
take_plain(struct session *s, const struct event *e, const char *address)
{
	struct decision d;

	if (!ask(s, e, address, &d))
		return false;
	answer_decision(s, &d);
	close_if_final(s, e, &d);
	return true;
}

/* The MTA says it with each message; kept once, however many there are. */
static void
take_login(struct session *s, const char *login)
{
	set_text(s, &s->login, login);
	s->client.login = login != NULL && login[0] != '\0' ? s->login : NULL;
}

static bool
take_mail(struct session *s, const struct event *e)
{
	message_begin(s, e);
	take_macros(s, e);
	take_login(s, macro_get(&s->message->macros, "auth_authen"));
	return take_plain(s, e, s->message->sender);
}

static bool
take_rcpt(struct session *s, const struct event *e)
{
	struct message *m = s->message;
	const char *address = address_bare(m->arena, e->text);
	struct decision d;
	bool refused;

	if (!ask(s, e, address, &d))
		return false;
	refused = d.verdict == MR_REJECT || d.verdict == MR_TEMPFAIL;
	message_add_recipient(m, address, e, &d, refused);
	answer_decision(s, &d);
	if (d.verdict == MR_DISCARD)
		message_close(m, MR_OUTCOME_DISCARDED, e->stage, &d);
	return true;
}

static bool
take_header(struct session *s, const struct event *e)
{
	edit_original(s->message->edits, e->text, e->value);
	return take_plain(s, e, NULL);
}

/* Nobody has a question left that the body could answer. */
static bool
body_is_done(const struct session *s)
{
	for (unsigned place = 0; place < s->chain->count; place++) {
		const struct instance *i = s->chain->items[place];
		bool wants = i->needs.wants & MR_WANT_BODY;

		if (wants && (s->message->skip >> place & 1) == 0)
			return false;
	}
	return true;
}

static bool
take_body(struct session *s, const struct event *e)
{
	s->message->body_seen += e->bytes.n;
	if (!take_plain(s, e, NULL))
		return false;
	if (s->answer.kind == ANSWER_CONTINUE &&
	    (s->message->accepted || body_is_done(s)))
		s->answer.kind = ANSWER_SKIP;
	return true;
}

/* Delivered to nobody is thrown away: say so, rather than let it happen. */
static void
accept_message(struct session *s, const struct decision *d)
{
	struct message *m = s->message;
	struct decision by = *d;

	message_edits(m, &s->answer);
	if (edit_leaves_no_recipient(m->edits, m->recipients)) {
		s->answer.kind = ANSWER_DISCARD;
		message_close(m, MR_OUTCOME_DISCARDED, STAGE_EOM, &by);
		return;
	}
	s->answer.kind = ANSWER_ACCEPT;
	message_close(m,
	    m->held != NULL ? MR_OUTCOME_QUARANTINED : MR_OUTCOME_ACCEPTED,
	    m->accepted ? m->stage : STAGE_EOM, &by);
}

static bool
take_eom(struct session *s, const struct event *e)
{
	struct decision d;

	s->message->body = e->bytes;
	if (e->bytes.n > s->message->body_seen)
		s->message->body_seen = e->bytes.n;
	if (!ask(s, e, NULL, &d))
		return false;
	answer_decision(s, &d);
	close_if_final(s, e, &d);
	if (!s->message->over)
		accept_message(s, &d);
	return true;
}

static bool
take_unknown(struct session *s, const struct event *e)
{
	struct decision d;

	if (!ask(s, e, NULL, &d))
		return false;
	answer_decision(s, &d);
	return true;
}

static bool
take_message_event(struct session *s, const struct event *e)
{
	return take_plain(s, e, NULL);
}

static bool
take_abort(struct session *s, const struct event *e)
{
	(void)s;
	(void)e;
	return true;
}

/* What an event does to a message that is open when it comes. */
enum effect { KEEPS, NEEDS_ONE, ENDS_IT };

static const struct {
	enum effect effect;
	bool (*take)(struct session *, const struct event *);
} rows[STAGE_COUNT] = {
	[STAGE_CONNECT] = { ENDS_IT, take_connect },
	[STAGE_HELO] = { ENDS_IT, take_helo },
	[STAGE_MAIL] = { ENDS_IT, take_mail },
	[STAGE_RCPT] = { NEEDS_ONE, take_rcpt },
	[STAGE_DATA] = { NEEDS_ONE, take_message_event },
	[STAGE_UNKNOWN] = { KEEPS, take_unknown },
	[STAGE_HEADER] = { NEEDS_ONE, take_header },
	[STAGE_EOH] = { NEEDS_ONE, take_message_event },
	[STAGE_BODY] = { NEEDS_ONE, take_body },
	[STAGE_EOM] = { NEEDS_ONE, take_eom },
	[STAGE_ABORT] = { ENDS_IT, take_abort },
};

bool
session_event(struct session *s, const struct event *e, struct answer *answer)
{
	bool ok = true;

	session_rest(s);
	s->answer = (struct answer){ .kind = ANSWER_CONTINUE };
	if (rows[e->stage].effect == ENDS_IT && s->message != NULL) {
		message_abort(s->message);
		message_finish(s);
	}
	/* An event for a message that is not there is no reason to fail. */
	if (rows[e->stage].effect != NEEDS_ONE || session_in_message(s)) {
		if (e->stage != STAGE_MAIL)
			take_macros(s, e);
		ok = rows[e->stage].take(s, e);
	}
	*answer = s->answer;
	return ok && !s->lost;
}
