/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <err.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_ERRORS = 100, /* then the run ends */
	RETRY_US = 1000,
	SECOND_US = 1000000,
};

uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* May another message or probe begin?  Counts it if so. */
static bool
take_work(struct load *l)
{
	if (l->stop || (l->budget != 0 && l->begun == l->budget) ||
	    (l->until != 0 && now_us() >= l->until))
		return false;
	l->begun++;
	return true;
}

static bool
work_left(const struct load *l)
{
	return !l->stop && (l->budget == 0 || l->begun < l->budget) &&
	       (l->until == 0 || now_us() < l->until);
}

static void
session_wait(struct session *s, uint64_t delay)
{
	struct load *l = s->load;

	s->phase = PHASE_WAITING;
	s->not_before = now_us() + delay;
	s->next = NULL;
	*l->waiting_tail = s;
	l->waiting_tail = &s->next;
}

void
session_start(struct session *s)
{
	struct load *l = s->load;

	l->opening++;
	l->busy += s->kind != SESSION_IDLE;
	l->begun += s->kind == SESSION_PROBE;
	s->began = now_us();
	session_wait(s, 0);
}

static void
session_close(struct session *s)
{
	struct load *l = s->load;

	l->opening -= s->phase < PHASE_HELD;
	l->busy -= s->kind != SESSION_IDLE;
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->now = NULL;
	s->phase = PHASE_CLOSED;
	buffer_finish(&s->in);
	buffer_finish(&s->out);
}

/* Close; all but an idle one begin anew while there is work. */
static void
session_over(struct session *s)
{
	session_close(s);
	if (s->kind != SESSION_IDLE && work_left(s->load))
		session_start(s);
}

static __attribute__((format(printf, 2, 3))) void
session_fail(struct session *s, const char *format, ...)
{
	struct load *l = s->load;
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	tally_add(&l->r->errors, text);
	if (l->r->errors.total >= MAX_ERRORS)
		l->stop = true;
	session_over(s);
}

static uint64_t
answer_due(const struct session *s)
{
	return now_us() + s->load->o->timeout * (uint64_t)SECOND_US;
}

/* Where in the dialogue: for errors. */
static const char *
session_point(const struct session *s)
{
	static const struct {
		char command;
		const char *name;
	} points[] = {
		{ SMFIC_CONNECT, "connect" },
		{ SMFIC_HELO, "helo" },
		{ SMFIC_MAIL, "mail" },
		{ SMFIC_RCPT, "rcpt" },
		{ SMFIC_DATA, "data" },
		{ SMFIC_HEADER, "header" },
		{ SMFIC_EOH, "eoh" },
		{ SMFIC_BODY, "body" },
		{ SMFIC_BODYEOB, "eom" },
	};

	if (s->phase == PHASE_HELD)
		return "an idle session";
	if (s->phase <= PHASE_NEGOTIATING)
		return "negotiation";
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (s->now != NULL && s->now->command == points[i].command)
			return points[i].name;
	return "no command";
}

/* Write what is queued; false if that ended the session. */
static bool
session_flush(struct session *s)
{
	while (s->out.n > 0) {
		ssize_t n = write(s->fd, s->out.p, s->out.n);

		if (n == -1 && errno == EAGAIN)
			return true;
		if (n == -1) {
			session_fail(s, "write at %s: %s", session_point(s),
			    strerror(errno));
			return false;
		}
		buffer_drop(&s->out, (size_t)n);
	}
	return true;
}

static void
queue_command(struct session *s, char command)
{
	packet_end(&s->out, packet_begin(&s->out, command));
}

/* Digits and letters; every message has its own. */
static void
queue_id_write(char *to, uint64_t id)
{
	for (int i = QUEUE_ID_LENGTH - 1; i >= 0; i--, id /= 36)
		to[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[id % 36];
}

/* Each of the accounts as likely as any other. */
static void
login_write(struct load *l, char *to)
{
	unsigned n;

	l->random = l->random * 1664525u + 1013904223u;
	n = (unsigned)(((uint64_t)l->random * l->o->accounts) >> 32);
	for (int i = LOGIN_DIGITS - 1; i >= 0; i--, n /= 10)
		to[i] = (char)('0' + n % 10);
}

/* Append a step; Sendmail writes its macros and itself apart. */
static bool
session_queue(struct session *s, const struct step *step)
{
	struct load *l = s->load;
	const char *bytes = s->script->bytes.p + step->at;
	size_t before = s->out.n;

	buffer_put(&s->out, bytes, step->macros_n);
	if (step->queue_id != 0)
		queue_id_write(
		    s->out.p + before + step->queue_id - step->at, l->queue_id);
	if (step->login != 0)
		login_write(l, s->out.p + before + step->login - step->at);
	if (l->o->sendmail && !session_flush(s))
		return false;
	buffer_put(&s->out, bytes + step->macros_n, step->n - step->macros_n);
	return !l->o->sendmail || session_flush(s);
}

/*
 * Send steps up to the next that is answered, all in one write as Postfix
 * does.  Returns true if none is left.
 */
static bool
session_advance(struct session *s)
{
	s->now = NULL;
	while (s->next_step < s->end) {
		const struct step *step = s->next_step++;

		if (!session_queue(s, step))
			return false;
		if (step->answered) {
			s->now = step;
			s->deadline = answer_due(s);
			session_flush(s);
			return false;
		}
	}
	return true;
}

static void session_opened(struct session *);

static void
session_open(struct session *s)
{
	s->phase = PHASE_OPENING;
	s->messages = 0;
	s->now = NULL;
	s->next_step = s->script->steps;
	s->end = s->script->steps + s->script->session_n;
	if (session_advance(s))
		session_opened(s);
}

/* Postfix aborts what may be open, Sendmail only quits. */
static void
session_quit(struct session *s)
{
	struct load *l = s->load;

	if (l->o->quit_nc && s->kind == SESSION_LOAD && work_left(l)) {
		queue_command(s, SMFIC_QUIT_NC);
		l->opening++;
		s->began = now_us();
		session_open(s);
		return;
	}
	if (!l->o->sendmail)
		queue_command(s, SMFIC_ABORT);
	queue_command(s, SMFIC_QUIT);
	if (session_flush(s))
		session_over(s);
}

static void
session_message(struct session *s)
{
	struct load *l = s->load;

	if (s->messages == l->o->per_session || !take_work(l)) {
		session_quit(s);
		return;
	}
	s->messages++;
	l->queue_id++;
	if (!s->marked)
		s->script = &l->scripts[l->queue_id % l->nscripts];
	s->phase = PHASE_MESSAGE;
	s->next_step = s->script->steps + s->script->session_n;
	s->end = s->script->steps + s->script->n;
	s->mailed = now_us();
	session_advance(s); /* never the end: EOM is always answered */
}

static void
session_opened(struct session *s)
{
	struct load *l = s->load;

	l->opening--;
	s->phase = PHASE_HELD;
	if (!session_flush(s))
		return;
	samples_add(&l->r->session, now_us() - s->began);
	if (s->kind == SESSION_PROBE)
		session_quit(s);
	else if (s->kind == SESSION_LOAD)
		session_message(s);
}

/*
 * Postfix aborts after every message, Sendmail one that did not come to EOM.
 * libmilter takes QUIT_NC right after EOM only: it reads the CONNECT that
 * follows one after ABORT, and never answers.
 */
static bool
aborted(const struct session *s)
{
	const struct client_options *o = s->load->o;
	bool at_eom = s->now->command == SMFIC_BODYEOB;

	if (o->quit_nc && s->messages == o->per_session)
		return !at_eom;
	return !o->sendmail || !at_eom;
}

static void
message_over(struct session *s, const char *verdict)
{
	struct results *r = s->load->r;
	char text[64];
	bool at_eom = s->now->command == SMFIC_BODYEOB;

	samples_add(
	    s->marked ? &r->marked : &r->unmarked, now_us() - s->mailed);
	r->messages++;
	if (at_eom)
		snprintf(text, sizeof(text), "%s", verdict);
	else
		snprintf(
		    text, sizeof(text), "%s at %s", verdict, session_point(s));
	tally_add(&r->verdicts, text);
	if (aborted(s))
		queue_command(s, SMFIC_ABORT);
	session_message(s);
}

/* The names of final answers; NULL if this letter is none. */
static const char *
verdict_name(char command)
{
	static const struct {
		char command;
		const char *name;
	} verdicts[] = {
		{ SMFIR_CONTINUE, "continue" },
		{ SMFIR_ACCEPT, "accept" },
		{ SMFIR_DISCARD, "discard" },
		{ SMFIR_REJECT, "reject" },
		{ SMFIR_TEMPFAIL, "tempfail" },
		{ SMFIR_REPLYCODE, "replycode" },
		{ SMFIR_CONN_FAIL, "conn_fail" },
		{ SMFIR_SHUTDOWN, "shutdown" },
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (verdicts[i].command == command)
			return verdicts[i].name;
	return NULL;
}

/* What a filter may say at EOM before its verdict. */
static bool
interim(struct session *s, char command)
{
	static const char edits[] = { SMFIR_ADDRCPT, SMFIR_DELRCPT,
		SMFIR_ADDRCPT_PAR, SMFIR_REPLBODY, SMFIR_CHGFROM,
		SMFIR_ADDHEADER, SMFIR_INSHEADER, SMFIR_CHGHEADER,
		SMFIR_QUARANTINE };

	if (s->now->command != SMFIC_BODYEOB)
		return false;
	if (command == SMFIR_PROGRESS) {
		s->load->r->progress++;
		s->deadline = answer_due(s);
		return true;
	}
	if (memchr(edits, command, sizeof(edits)) == NULL)
		return false;
	s->load->r->edits++;
	return true;
}

static void
skip_rest(struct session *s)
{
	while (
	    s->next_step < s->end && s->next_step->command == s->now->command)
		s->next_step++;
	session_advance(s);
}

static void
session_answer(struct session *s, const struct packet *p)
{
	const char *verdict = verdict_name(p->command);
	bool at_eom = s->now->command == SMFIC_BODYEOB;

	if (p->command == SMFIR_SKIP && s->phase == PHASE_MESSAGE && !at_eom)
		skip_rest(s);
	else if (p->command == SMFIR_CONTINUE && !at_eom) {
		if (session_advance(s))
			session_opened(s);
	} else if (verdict != NULL && s->phase == PHASE_MESSAGE)
		message_over(s, verdict);
	else if (verdict != NULL)
		session_fail(s, "%s at %s", verdict, session_point(s));
	else
		session_fail(s, "answer 0x%02x at %s",
		    (unsigned char)p->command, session_point(s));
}

static void
session_negotiated(struct session *s, const struct packet *p)
{
	const struct buffer *agreed = &s->load->agreed->raw;

	if (p->command != SMFIC_OPTNEG || p->n != agreed->n ||
	    memcmp(p->data, agreed->p, p->n) != 0)
		session_fail(s, "negotiated otherwise than before");
	else
		session_open(s);
}

/*
 * last: no byte came after it.  What comes after an answer was sent before
 * the next command: it would be taken for the answer to that.
 */
static void
session_packet(struct session *s, const struct packet *p, bool last)
{
	bool asked = s->now != NULL || s->phase == PHASE_NEGOTIATING;

	if (s->now != NULL && interim(s, p->command))
		return;
	if (!asked || !last)
		session_fail(s, "unasked answer 0x%02x at %s",
		    (unsigned char)p->command, session_point(s));
	else if (s->phase == PHASE_NEGOTIATING)
		session_negotiated(s, p);
	else
		session_answer(s, p);
}

/* Take the packets that are whole; a session may end on the way. */
static void
session_input(struct session *s)
{
	size_t at = 0;
	struct packet packet;
	enum packet_next got;

	while ((got = packet_next(&s->in, &at, &packet)) == PACKET_READY) {
		session_packet(s, &packet, at == s->in.n);
		if (s->fd == -1)
			return;
	}
	if (got == PACKET_BAD)
		session_fail(s, "malformed packet at %s", session_point(s));
	else
		buffer_drop(&s->in, at);
}

static void
session_readable(struct session *s)
{
	char bytes[65536];
	ssize_t n;

	do {
		n = read(s->fd, bytes, sizeof(bytes));
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1)
			session_fail(s, "read at %s: %s", session_point(s),
			    strerror(errno));
		else if (n == 0)
			session_fail(s, "closed at %s", session_point(s));
		else {
			buffer_put(&s->in, bytes, (size_t)n);
			session_input(s);
		}
	} while (n == (ssize_t)sizeof(bytes) && s->fd != -1);
}

void
session_event(struct session *s, uint32_t events)
{
	int error;

	if (s->phase == PHASE_CONNECTING) {
		if ((error = dial_result(s->fd)) != 0) {
			session_fail(s, "connect: %s", strerror(error));
			return;
		}
		if ((events & EPOLLOUT) == 0)
			return;
		s->phase = PHASE_NEGOTIATING;
		negotiate_offer(&s->out);
	}
	if (!session_flush(s))
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		session_readable(s);
}

void
session_connect(struct session *s)
{
	struct load *l = s->load;
	struct epoll_event e = { EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		{ .ptr = s } };

	s->fd = dial_start(l->dial);
	if (s->fd == -1 && errno == EAGAIN) {
		session_wait(s, RETRY_US);
		return;
	}
	if (s->fd == -1) {
		session_fail(s, "connect: %s", strerror(errno));
		return;
	}
	s->phase = PHASE_CONNECTING;
	s->deadline = answer_due(s);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &e) == -1)
		err(1, "epoll_ctl");
}

void
session_expire(struct session *s, uint64_t now)
{
	bool awaited = s->now != NULL || s->phase == PHASE_CONNECTING ||
		       s->phase == PHASE_NEGOTIATING;

	if (s->fd != -1 && awaited && now > s->deadline)
		session_fail(s, "no answer at %s", session_point(s));
}

void
session_init(
    struct session *s, struct load *l, enum session_kind kind, bool marked)
{
	*s = (struct session){ .load = l,
		.kind = kind,
		.marked = marked,
		.fd = -1,
		.script = marked ? &l->marked : l->scripts };
}

void
session_finish(struct session *s)
{
	if (s->phase != PHASE_CLOSED)
		session_close(s);
}
