/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a session, when a worker is asked, and what is done if it
 * fails: tell another one, once; then 451 for this message alone.
 */
#include "front/session.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "front/private.h"

enum { LOG_LIMIT = 32 * 1024 * 1024 }; /* bytes of events of a message */

struct front_session *
front_session_create(struct front *f, const struct plan_listener **needs)
{
	struct front_session *s = memory_zalloc(sizeof(*s));

	s->front = f;
	s->sock = -1;
	s->plan = front_hold(f);
	s->generation = front_bind(f, 0, NULL, false);
	s->open = (struct link_open){ .session = ids_session(),
		.socket = f->socket,
		.stages = s->plan->needs->stages,
		.actions = s->plan->needs->actions,
		.wants = s->plan->needs->wants,
		.macros = s->plan->needs->macros_hash,
		.instance = -1 };
	*needs = s->plan->needs;
	pthread_mutex_lock(&f->lock);
	s->next = f->sessions;
	s->link = &f->sessions;
	if (s->next != NULL)
		s->next->link = &s->next;
	f->sessions = s;
	pthread_mutex_unlock(&f->lock);
	atomic_fetch_add(&f->board->sessions, 1);
	atomic_fetch_add(&f->board->connections, 1);
	return s;
}

void
front_session_negotiated(
    struct front_session *s, uint32_t stages, uint32_t actions, uint32_t wants)
{
	s->open.stages = stages;
	s->open.actions = actions;
	s->open.wants = wants;
}

const char *
front_session_macros(const struct front_session *s, enum stage stage)
{
	return s->plan->needs->macros[stage];
}

static void
set_in_message(struct front_session *s, bool in)
{
	if (s->in_message != in)
		atomic_fetch_add(
		    &s->front->board->messages, in ? 1 : (uint64_t)-1);
	s->in_message = in;
}

/* The message is over: nothing of it has to be told again. */
static void
forget_message(struct front_session *s)
{
	set_in_message(s, false);
	s->deaths = 0;
	s->standing = NULL;
	s->message_begun = false;
	s->open.fault = FAULT_NONE;
	if (s->now == NULL)
		return;
	buf_finish(&s->now->message_log);
	s->now->message_told = 0;
	body_finish(&s->now->body);
	s->now->body_told = 0;
	s->now->body_version = 0;
}

/* What the last answer's strings lived in. */
static void
forget_answer(struct front_session *s)
{
	if (s->now == NULL)
		return;
	if (s->now->used > 0)
		buf_drop(&s->now->in, s->now->used);
	s->now->used = 0;
	if (s->now->in.n == 0)
		buf_finish(&s->now->in);
	buf_finish(&s->now->new_body);
	arena_destroy(&s->now->arena);
}

static struct front_now *
now_create(void)
{
	struct front_now *now = memory_zalloc(sizeof(*now));

	body_init(&now->body);
	return now;
}

/* Between messages, with nothing unread, there is nothing to keep. */
static void
now_forget(struct front_session *s)
{
	if (s->now == NULL || s->in_message || s->now->in.n > 0)
		return;
	free(s->now);
	s->now = NULL;
}

static bool
take(struct front_session *s)
{
	return !atomic_exchange_explicit(&s->busy, true, memory_order_acquire);
}

static void
give_back(struct front_session *s)
{
	atomic_store_explicit(&s->busy, false, memory_order_release);
}

void
front_session_destroy(struct front_session **session)
{
	struct front_session *s = *session;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->front->lock); /* not while it is swept */
	*s->link = s->next;
	if (s->next != NULL)
		s->next->link = s->link;
	pthread_mutex_unlock(&s->front->lock);
	exchange_disconnect(s);
	forget_message(s);
	forget_answer(s);
	now_forget(s);
	buf_finish(&s->session_log);
	front_unbind(s->front, s->generation);
	front_release(s->front, s->plan);
	atomic_fetch_add(&s->front->board->sessions, (uint64_t)-1);
	free(s);
	*session = NULL;
}

void
front_session_rest(struct front_session *s)
{
	forget_answer(s);
	now_forget(s);
	s->rested_us = clock_steady_us();
	if (s->ending) {
		atomic_store(&s->front->ended_us, s->rested_us);
		atomic_fetch_sub(&s->front->ending, 1);
		s->ending = false;
	}
	give_back(s);
}

void
front_sweep(struct front *f, int64_t idle_us)
{
	int64_t before = clock_steady_us() - idle_us;

	pthread_mutex_lock(&f->lock);
	for (struct front_session *s = f->sessions; s != NULL; s = s->next) {
		if (!take(s))
			continue;
		if (!s->in_message && s->sock != -1 && s->rested_us < before)
			exchange_disconnect(s);
		give_back(s);
	}
	pthread_mutex_unlock(&f->lock);
}

bool
front_is_quiet(const struct front *f, int64_t grace_us)
{
	return atomic_load(&f->ending) == 0 &&
	       atomic_load(&f->ended_us) < clock_steady_us() - grace_us;
}

static bool
asks(const struct front_session *s, enum stage stage)
{
	return stage == STAGE_EOM || s->open.stages & STAGE_BIT(stage);
}

/* A new HELO takes the place of the last one. */
static void
keep_session_event(struct front_session *s, const struct event *e)
{
	buf_cut(
	    &s->session_log, e->stage == STAGE_CONNECT ? 0 : s->connect_end);
	if (s->session_told > s->session_log.n)
		s->session_told = s->session_log.n;
	s->now->asked_in = &s->session_log;
	s->now->asked_at = s->session_log.n;
	frame_event(
	    &s->session_log, e, asks(s, e->stage) ? EVENT_ASKS : 0, NULL);
	if (e->stage == STAGE_CONNECT)
		s->connect_end = s->session_log.n;
	buf_fit(&s->session_log); /* it stays as long as the session */
}

static void
keep_message_event(struct front_session *s, const struct event *e)
{
	struct body_range range = { 0 };

	if (e->stage == STAGE_BODY)
		range = (struct body_range){ s->now->body.size - e->bytes.n,
			e->bytes.n };
	else if (e->stage == STAGE_EOM)
		range.length = s->now->body.size;
	s->now->asked_in = &s->now->message_log;
	s->now->asked_at = s->now->message_log.n;
	frame_event(&s->now->message_log, e, asks(s, e->stage) ? EVENT_ASKS : 0,
	    &range);
}

static bool
keep_body(struct front_session *s, const struct event *e)
{
	const struct config_globals *g = &s->plan->plan->globals;

	if ((s->open.wants & MR_WANT_BODY) == 0)
		return true;
	if (!body_append(&s->now->body, e->bytes, (uint64_t)g->spool_above,
		g->spool_dir)) {
		log_error("no room for the body of %s in %s: %s",
		    s->now->message_id, g->spool_dir, strerror(errno));
		return false;
	}
	/* A chunk that nobody waits for needs no event of its own. */
	if (asks(s, STAGE_BODY))
		keep_message_event(s, e);
	return true;
}

/* False: there is no room to keep it, so the message cannot be taken. */
static bool
keep(struct front_session *s, const struct event *e)
{
	if (e->stage == STAGE_CONNECT || e->stage == STAGE_HELO)
		keep_session_event(s, e);
	else if (e->stage == STAGE_BODY)
		return keep_body(s, e);
	else
		keep_message_event(s, e);
	return s->now->message_log.n < LOG_LIMIT;
}

static const struct answer no_room = { .kind = ANSWER_TEMPFAIL,
	.code = 452,
	.dsn = "4.3.1",
	.text = "Insufficient system storage" };

static const struct answer stopping = { .kind = ANSWER_TEMPFAIL,
	.code = 421,
	.dsn = "4.3.2",
	.text = "Mail filter is being stopped, please try again later" };

static const struct answer failed = { .kind = ANSWER_TEMPFAIL,
	.code = 451,
	.dsn = "4.3.0",
	.text = "Temporary filter problem, please try again later" };

/* An answer that ends the message ends what must be kept of it. */
static bool
ends_message(enum stage stage, const struct answer *a)
{
	bool refused = a->kind == ANSWER_REJECT || a->kind == ANSWER_TEMPFAIL;

	if (stage == STAGE_EOM)
		return true;
	if (stage < STAGE_MAIL || stage == STAGE_UNKNOWN)
		return false;
	if (refused)
		return stage != STAGE_RCPT;
	return a->kind == ANSWER_DISCARD || a->kind == ANSWER_ACCEPT;
}

/*
 * No worker is asked about the rest of the message.  Where the MTA does not
 * wait it has not heard the answer: it stands until there it does.
 */
static void
refuse_rest(struct front_session *s, enum stage stage,
    const struct answer *standing, struct answer *answer)
{
	*answer = *standing;
	s->standing = standing;
	if (asks(s, stage) && ends_message(stage, standing))
		forget_message(s);
}

static void
give_up(struct front_session *s, enum stage stage, struct answer *answer)
{
	*answer = failed;
	atomic_fetch_add(&s->front->board->given_up, 1);
	exchange_disconnect(s);
	if (s->in_message) {
		failure_record(s, stage, answer);
		refuse_rest(s, stage, &failed, answer);
	} else {
		s->deaths = 0;
		s->open.fault = FAULT_NONE;
	}
}

/*
 * Milliseconds for the first try and for all, so that a second one fits under
 * the smaller of the MTAs' own time-outs (Sendmail: 10 s, 5 min at eom).
 */
static const struct budget {
	int64_t first_ms, all_ms;
} before_eom = { 6000, 8000 }, at_eom = { 180000, 240000 };

/* False: it was given up. */
static bool
get_answer(struct front_session *s, enum stage stage, struct waiting *w,
    struct answer *answer)
{
	const struct budget *b = stage == STAGE_EOM ? &at_eom : &before_eom;
	int64_t began = clock_steady_us();
	int64_t end = began + b->all_ms * 1000;

	for (;;) {
		int64_t until =
		    s->deaths == 0 ? began + b->first_ms * 1000 : end;
		enum attempt a = exchange(s, w, until, answer);

		if (a == ANSWERED)
			return true;
		if (a == FAILED) {
			s->deaths++;
			atomic_fetch_add(&s->front->board->replays, 1);
			log_warn("worker %d failed at %s of %s: %s",
			    s->open.pid, stage_name(stage),
			    s->in_message ? s->now->message_id : "a session",
			    failure_word(s->open.fault));
		}
		if (s->deaths >= 2 || clock_steady_us() >= end) {
			give_up(s, stage, answer);
			return false;
		}
	}
}

static void
begin_message(struct front_session *s)
{
	exchange_abort(s);
	forget_message(s);
	set_in_message(s, true);
	ids_message(s->now->message_id);
	/* A new configuration comes into force between messages. */
	exchange_bind(s, false);
	if (s->sock != -1 && s->sock_generation != s->generation)
		exchange_disconnect(s);
}

/* Events that no worker is asked about.  True: *answer is set. */
static bool
answer_alone(
    struct front_session *s, const struct event *e, struct answer *answer)
{
	*answer = (struct answer){ .kind = ANSWER_CONTINUE };
	if (e->stage == STAGE_ABORT) {
		exchange_abort(s);
		forget_message(s);
		return true;
	}
	if (e->stage == STAGE_MAIL) {
		begin_message(s);
		if (!front_stopping(s->front))
			return false;
		s->standing = &stopping;
	}
	if (s->standing != NULL && e->stage >= STAGE_MAIL &&
	    e->stage != STAGE_UNKNOWN) {
		refuse_rest(s, e->stage, s->standing, answer);
		return true;
	}
	/* Of a message that is over already: the MTA goes on politely. */
	return e->stage > STAGE_MAIL && e->stage != STAGE_UNKNOWN &&
	       !s->in_message;
}

static void
answered(struct front_session *s, enum stage stage, const struct answer *a)
{
	frame_mark_told(s->now->asked_in->p + s->now->asked_at, a->kind);
	if (ends_message(stage, a)) {
		s->ending = true;
		atomic_fetch_add(&s->front->ending, 1);
		atomic_fetch_add(&s->front->board->answers[a->kind], 1);
		forget_message(s);
	} else if (!s->in_message) {
		/* UNKNOWN between messages: no need to repeat it. */
		buf_finish(&s->now->message_log);
		s->now->message_told = 0;
	}
}

void
front_tell(struct front_session *s, const struct event *event,
    struct answer *answer, void (*progress)(void *), void *arg)
{
	struct waiting w = { .progress = progress, .arg = arg };
	struct event e = *event;

	while (!take(s))
		sched_yield(); /* the sweep has it for a moment */
	if (s->now == NULL)
		s->now = now_create();
	forget_answer(s);
	if (answer_alone(s, &e, answer))
		return;
	if (e.stage == STAGE_MAIL)
		e.message_id = s->now->message_id;
	if (!keep(s, &e)) {
		exchange_abort(s);
		failure_record(s, e.stage, &no_room);
		refuse_rest(s, e.stage, &no_room, answer);
		return;
	}
	if (asks(s, e.stage) && get_answer(s, e.stage, &w, answer))
		answered(s, e.stage, answer);
}
