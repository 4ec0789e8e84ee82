/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "stream/1": one question to one of several servers.  It knows
 * bytes and time; what an answer means, its caller says.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "service/service.h"
#include "service/stream_server.h"

enum {
	CHUNK = 16384,
	ANSWER_MAX = 16 * 1024 * 1024,
	/* What the caller needs, once it is told, to answer in time. */
	MARGIN_MS = 50,
};

/* One try at one server.  why is constant text, or of strerror(). */
struct talk {
	const struct mr_stream_question *q;
	int fd;
	int64_t until;        /* ms */
	size_t piece, offset; /* of what is to be sent next */
	bool sent, ended;     /* all of it; the server's side is closed */
	bool willing;         /* it is in order, but could not do it */
	struct buf answer;
	const char *why;
};

static int64_t
now_ms(void)
{
	return clock_steady_us() / 1000;
}

static bool
fails(struct talk *t, const char *why)
{
	t->why = why;
	return false;
}

/* False at the deadline. */
static bool
wait_for(struct talk *t, short events, short *got)
{
	struct pollfd p = { .fd = t->fd, .events = events };

	for (;;) {
		int64_t left = t->until - now_ms();
		int n;

		if (left <= 0)
			return false;
		n = poll(&p, 1, left < INT32_MAX ? (int)left : INT32_MAX);
		if (n > 0) {
			*got = p.revents;
			return true;
		}
		if (n == -1 && errno != EINTR)
			return false;
	}
}

static bool
talk_connect(struct talk *t, const struct stream_server *s)
{
	int one = 1, error = 0;
	socklen_t n = sizeof(error);
	short got;

	t->fd = socket(s->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd == -1)
		return fails(t, strerror(errno));
	if (s->address.ss_family != AF_UNIX)
		setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(t->fd, (const void *)&s->address, s->length) == 0)
		return true;
	/* EAGAIN: the backlog of a unix socket is full, and stays so. */
	if (errno != EINPROGRESS && errno != EINTR)
		return fails(t, errno == EAGAIN ? "it takes no more connections"
						: strerror(errno));
	if (!wait_for(t, POLLOUT, &got))
		return fails(t, "no connection in time");
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	return error == 0 || fails(t, strerror(error));
}

/* How many of the pieces are left, and where. */
static int
talk_left(const struct talk *t, struct iovec left[MR_STREAM_PIECES])
{
	size_t offset = t->offset;
	int n = 0;

	for (size_t i = t->piece; i < t->q->count; i++) {
		union {
			const void *in;
			void *out;
		} at = { t->q->pieces[i].p };

		left[n].iov_base = (char *)at.out + offset;
		left[n].iov_len = t->q->pieces[i].n - offset;
		offset = 0;
		n++;
	}
	return n;
}

static void
talk_advance(struct talk *t, size_t n)
{
	while (t->piece < t->q->count) {
		size_t here = t->q->pieces[t->piece].n - t->offset;

		if (n < here) {
			t->offset += n;
			return;
		}
		n -= here;
		t->piece++;
		t->offset = 0;
	}
}

/*
 * A server that has said all it wants to say may close before it has read
 * all: what it said counts, so an error here only ends the sending.
 */
static void
talk_send(struct talk *t)
{
	struct iovec left[MR_STREAM_PIECES];
	struct msghdr m = { .msg_iov = left };
	ssize_t n;

	m.msg_iovlen = (size_t)talk_left(t, left);
	n = sendmsg(t->fd, &m, MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= 0)
		talk_advance(t, (size_t)n);
	if (n == -1 || t->piece == t->q->count) {
		t->sent = true;
		if (t->q->close)
			shutdown(t->fd, SHUT_WR);
	}
}

static void
talk_receive(struct talk *t)
{
	char bytes[CHUNK];
	ssize_t n = recv(t->fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		buf_put(&t->answer, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		t->ended = true;
}

static mr_stream_state
talk_read(const struct talk *t)
{
	size_t most = t->q->answer_max < ANSWER_MAX ? t->q->answer_max
						    : (size_t)ANSWER_MAX;

	if (t->answer.n > most)
		return MR_STREAM_BAD;
	return t->q->read(t->q->arg, t->answer.n > 0 ? t->answer.p : "",
	    t->answer.n, t->ended);
}

static bool
talk_exchange(struct talk *t)
{
	for (;;) {
		mr_stream_state state;
		short got;

		if (!wait_for(
			t, (short)(t->sent ? POLLIN : POLLIN | POLLOUT), &got))
			return fails(t, "no answer in time");
		if (!t->sent && (got & (POLLOUT | POLLERR | POLLHUP)) != 0)
			talk_send(t);
		if ((got & (POLLIN | POLLERR | POLLHUP)) == 0)
			continue;
		talk_receive(t);
		if ((state = talk_read(t)) == MR_STREAM_DONE)
			return true;
		t->willing = state == MR_STREAM_NEXT;
		if (t->willing)
			return fails(t, "it cannot do it for this message");
		if (state != MR_STREAM_MORE)
			return fails(t, "its answer makes no sense");
		if (t->ended)
			return fails(t, t->answer.n > 0
					    ? "it hung up in the middle"
					    : "it hung up without an answer");
	}
}

static int64_t
deadline_of(struct mr_ctx *c)
{
	int64_t left = c->host->time_left(c);

	return now_ms() + (left > 2 * MARGIN_MS ? left - MARGIN_MS : left / 2);
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* deadline: the caller's, which no server's own goes beyond. */
static bool
talk_try(struct talk *t, const struct stream_server *s, int64_t deadline)
{
	bool ok;

	t->fd = -1;
	t->until = least(deadline, now_ms() + t->q->connect_ms);
	ok = talk_connect(t, s);
	if (ok) {
		t->until = least(deadline, now_ms() + t->q->answer_ms);
		ok = talk_exchange(t);
	}
	if (t->fd != -1)
		close(t->fd);
	return ok;
}

/* strerror() and our own text are printable; so is a configured address. */
static const char *
line_of(struct mr_ctx *c, const char *server, const char *what)
{
	size_t n = strlen(server) + strlen(what) + 3;
	char *line = c->host->alloc(c, n);

	snprintf(line, n, "%s: %s", server, what);
	return line;
}

static void
say(struct mr_ctx *c, int32_t level, const char *line)
{
	c->host->log(c->host, c, level, line);
}

static const char *
keep(struct mr_ctx *c, const struct buf *b)
{
	char *kept = c->host->alloc(c, b->n + 1);

	return b->n > 0 ? memcpy(kept, b->p, b->n) : kept;
}

static bool
ask_one(struct mr_ctx *c, struct mr_stream *s, int at, struct talk *t,
    int64_t deadline, const char **why)
{
	const struct stream_server *v = &s->servers[at];
	bool ok = talk_try(t, v, deadline);

	if (!ok)
		*why = line_of(c, v->name, t->why);
	if (!ok && !t->willing) {
		if (stream_server_failed(s, at, now_ms()))
			say(c, MR_LOG_WARN, *why);
	} else if (stream_server_worked(s, at)) {
		say(c, MR_LOG_INFO, line_of(c, v->name, "works again"));
	}
	return ok;
}

static bool
stream_ask(struct mr_ctx *c, struct mr_stream *s,
    const struct mr_stream_question *q, const char **bytes, size_t *n,
    const char **why)
{
	int64_t deadline = deadline_of(c);
	uint32_t tried = 0;
	bool ok = false;
	int at;

	*why = "there is no time left to ask";
	while (!ok && now_ms() < deadline &&
	       (at = stream_server_next(s, tried, now_ms())) != -1) {
		struct talk t = { .q = q };

		tried |= UINT32_C(1) << at;
		ok = ask_one(c, s, at, &t, deadline, why);
		if (ok) {
			*bytes = keep(c, &t.answer);
			*n = t.answer.n;
		}
		buf_finish(&t.answer);
	}
	return ok;
}

static struct mr_stream *
stream_open(
    const struct mr_list *servers, int64_t retry_ms, char why[MR_STREAM_WHY])
{
	struct mr_stream *s;

	if (servers->count == 0 || servers->count > MR_STREAM_SERVERS) {
		snprintf(why, MR_STREAM_WHY,
		    "name at least one server, and at most %d",
		    MR_STREAM_SERVERS);
		return NULL;
	}
	s = memory_zalloc(sizeof(*s));
	s->retry_ms = retry_ms;
	for (; s->count < servers->count; s->count++)
		if (!stream_server_parse(
			servers->items[s->count], &s->servers[s->count], why)) {
			free(s);
			return NULL;
		}
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void
stream_close(struct mr_stream *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Bytes that a field takes; folds come as LF and go as CRLF. */
static size_t
put_field(char *to, const char *name, const char *value)
{
	size_t n = strlen(name);

	if (to != NULL) {
		memcpy(to, name, n);
		to[n] = ':';
	}
	n++;
	for (char last = ':'; *value != '\0'; last = *value++) {
		if (*value == '\n' && last != '\r') {
			if (to != NULL)
				to[n] = '\r';
			n++;
		}
		if (to != NULL)
			to[n] = *value;
		n++;
	}
	if (to != NULL)
		memcpy(to + n, "\r\n", 2);
	return n + 2;
}

static const char *
stream_header(struct mr_ctx *c, size_t *n)
{
	const char *name, *value;
	char *text = NULL;
	size_t at = 0;

	for (int round = 0; round < 2; round++) {
		at = 0;
		for (uint32_t i = 0; c->host->header_at(c, i, &name, &value);
		     i++)
			at += put_field(
			    text != NULL ? text + at : NULL, name, value);
		if (text == NULL)
			text = c->host->alloc(c, at + 3);
	}
	memcpy(text + at, "\r\n", 2);
	*n = at + 2;
	return text;
}

static const struct mr_stream_service table = {
	.size = sizeof(struct mr_stream_service),
	.open = stream_open,
	.close = stream_close,
	.ask = stream_ask,
	.header = stream_header,
};

const struct service stream_service = {
	.id = MR_STREAM_SERVICE,
	.table = &table,
};
