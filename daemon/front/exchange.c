/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to one worker: tell it what it has not been told, wait for
 * its answer.  What a failure means is not decided here.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "front/private.h"
#include "link/channel.h"

enum {
	SEND_LIMIT_US = 2 * 1000 * 1000,
	LAST_WORDS_US = 50 * 1000,
	/* Sendmail takes 10 s of silence for the end, E=5m or not. */
	PROGRESS_US = 5 * 1000 * 1000,
	PATIENCE_MS = 100, /* how exact time limits are */
	WAKES_MAX = 8,
};

void
exchange_disconnect(struct front_session *s)
{
	if (s->sock != -1)
		close(s->sock);
	s->sock = -1;
	s->pid = 0;
	s->session_told = 0;
	s->opened = false;
	if (s->now == NULL)
		return;
	s->now->message_told = 0;
	s->now->body_told = 0;
	s->now->body_version = 0;
	buf_finish(&s->now->in);
	s->now->used = 0;
}

void
exchange_bind(struct front_session *s, bool lost)
{
	struct plan_listener has = *s->plan->needs;

	has.stages = s->open.stages;
	has.actions = s->open.actions;
	has.wants = s->open.wants;
	s->generation = front_bind(s->front, s->generation, &has, lost);
}

static int
connect_generation(const struct front_session *s)
{
	char path[108];

	snprintf(path, sizeof(path), "%s/workers/%u.sock",
	    s->plan->plan->globals.run_dir, s->generation);
	return channel_connect(path);
}

/*
 * One connection wakes one worker.  If that is stopped, or died at that
 * moment, another must be woken; it takes all that wait.
 */
static void
wake_another(const struct front_session *s)
{
	int sock = connect_generation(s);

	if (sock != -1)
		close(sock);
}

/* A message stays with the configuration that it began with. */
static bool
connect_worker(struct front_session *s)
{

	for (int try = 0; try < 2; try++) {
		if (!s->message_begun || try > 0)
			exchange_bind(s, try > 0);
		if ((s->sock = connect_generation(s)) != -1) {
			s->sock_generation = s->generation;
			return true;
		}
	}
	return false;
}

static bool
send_all(struct front_session *s, struct buf *out, int fd)
{
	struct span all = { out->p, out->n };
	bool ok =
	    channel_send(s->sock, all, fd, clock_steady_us() + SEND_LIMIT_US);

	buf_cut(out, 0);
	return ok;
}

static void
add_untold(struct buf *out, const struct buf *log, size_t *told, size_t end)
{
	if (end > *told)
		buf_put(out, log->p + *told, end - *told);
	*told = end;
}

/* The length of the log's first frame: MAIL, which opens the message. */
static size_t
first_frame(const struct buf *log)
{
	struct span in = { log->p, log->n }, body;
	struct wire_frame f;

	return wire_next(&in, &f, &body) == 1 ? log->n - in.n : 0;
}

/* The body so far: as bytes while it is in memory, else as a descriptor. */
static bool
tell_body(struct front_session *s, struct buf *out)
{
	size_t at;

	if (s->now->body.fd == -1) {
		if (s->now->body.memory.n == s->now->body_told)
			return true;
		at = wire_begin(out, FRAME_BODY, 0, 0);
		buf_put(out, s->now->body.memory.p + s->now->body_told,
		    s->now->body.memory.n - s->now->body_told);
		wire_end(out, at);
		s->now->body_told = s->now->body.memory.n;
		return true;
	}
	if (s->now->body_version == s->now->body.version)
		return true;
	s->now->body_version = s->now->body.version;
	if (out->n > 0 && !send_all(s, out, -1))
		return false;
	at = wire_begin(out, FRAME_BODY_FILE, 0, 0);
	wire_end(out, at);
	return send_all(s, out, s->now->body.fd);
}

static bool
tell_untold(struct front_session *s)
{
	struct buf out = { 0 };
	bool ok;

	if (!s->opened)
		frame_open(&out, &s->open);
	s->opened = true;
	add_untold(&out, &s->session_log, &s->session_told, s->session_log.n);
	if (s->now->message_told == 0)
		add_untold(&out, &s->now->message_log, &s->now->message_told,
		    first_frame(&s->now->message_log));
	ok = tell_body(s, &out);
	add_untold(&out, &s->now->message_log, &s->now->message_told,
	    s->now->message_log.n);
	ok = ok && (out.n == 0 || send_all(s, &out, -1));
	buf_finish(&out);
	return ok;
}

static enum attempt
take_frame(struct front_session *s, const struct wire_frame *f,
    struct span body, struct answer *answer)
{
	struct span new_body = { s->now->new_body.p, s->now->new_body.n };
	struct link_hello hello;

	switch (f->type) {
	case FRAME_HELLO:
		if (!frame_get_hello(body, &hello))
			return FAILED;
		s->pid = hello.pid;
		return AGAIN;
	case FRAME_NEW_BODY:
		buf_put(&s->now->new_body, body.p, body.n);
		return AGAIN;
	case FRAME_ANSWER:
		if (s->now->arena == NULL)
			s->now->arena = arena_create(1024);
		return frame_get_answer(body, s->now->arena, new_body, answer)
			   ? ANSWERED
			   : FAILED;
	case FRAME_OVERRUN:
		s->open.fault = FAULT_OVERRUN;
		frame_get_overrun(body, &s->open.instance);
		return FAILED;
	default:
		return FAILED;
	}
}

/* Take frames off what was read until the answer is among them. */
static enum attempt
take_frames(struct front_session *s, bool *parked, struct answer *answer)
{
	for (;;) {
		struct span in = { s->now->in.p + s->now->used,
			s->now->in.n - s->now->used };
		struct wire_frame f;
		struct span body;
		enum attempt a;
		int n = wire_next(&in, &f, &body);

		if (n <= 0)
			return n == 0 ? AGAIN : FAILED;
		s->now->used = s->now->in.n - in.n;
		if (f.type == FRAME_PARKED) {
			*parked = true;
			return AGAIN;
		}
		if ((a = take_frame(s, &f, body, answer)) != AGAIN)
			return a;
	}
}

/* Keep the MTA patient while an instance is slow. */
static void
report_progress(struct waiting *w, int64_t now)
{
	if (w->progress == NULL)
		return;
	if (w->next_progress == 0)
		w->next_progress = now + PROGRESS_US;
	if (now < w->next_progress)
		return;
	w->progress(w->arg);
	w->next_progress = now + PROGRESS_US;
}

/* Read until the answer, the end of the connection, or the time is up. */
static enum attempt
wait_answer(struct front_session *s, struct waiting *w, int64_t until,
    struct answer *answer)
{
	bool parked = false;
	int wakes = 0;

	for (;;) {
		enum attempt a;

		switch (channel_read_wait(
		    s->sock, &s->now->in, NULL, PATIENCE_MS)) {
		case CHANNEL_END:
			/* Nobody took the connection: no worker's death. */
			if (s->pid == 0)
				return AGAIN;
			s->open.fault = FAULT_DIED;
			return FAILED;
		case CHANNEL_NOTHING:
			if (s->pid == 0 && wakes++ < WAKES_MAX)
				wake_another(s);
			report_progress(w, clock_steady_us());
			if (clock_steady_us() < until)
				continue;
			s->open.fault = FAULT_SILENT;
			return FAILED;
		case CHANNEL_GOT:
			break;
		}
		a = take_frames(s, &parked, answer);
		if (a != AGAIN || parked)
			return a;
	}
}

enum attempt
exchange(struct front_session *s, struct waiting *w, int64_t until,
    struct answer *answer)
{
	enum fault_kind before = s->open.fault;
	enum attempt a;
	bool fresh, sent;

	if (s->sock == -1 && !connect_worker(s)) {
		usleep(10 * 1000); /* workers are just being started */
		return AGAIN;
	}
	s->message_begun = s->in_message;
	buf_cut(&s->now->new_body, 0);
	fresh = s->now->message_told == 0;
	sent = tell_untold(s);
	/* If it could not be told, what it said before it went counts. */
	a = wait_answer(
	    s, w, sent ? until : clock_steady_us() + LAST_WORDS_US, answer);
	if (a == ANSWERED)
		return a;
	/* It had ended before it heard of this message. */
	if (a == FAILED && !sent && fresh && s->open.fault == FAULT_DIED) {
		s->open.fault = before;
		a = AGAIN;
	}
	if (a == FAILED)
		s->open.pid = s->pid;
	exchange_disconnect(s);
	return a;
}

void
exchange_abort(struct front_session *s)
{
	static const struct event event = { .stage = STAGE_ABORT };
	struct buf b = { 0 };

	if (s->sock == -1 || s->now->message_told == 0)
		return;
	frame_event(&b, &event, 0, NULL);
	if (!channel_send(
		s->sock, (struct span){ b.p, b.n }, -1, clock_steady_us()))
		exchange_disconnect(s);
	buf_finish(&b);
}
