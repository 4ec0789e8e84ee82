/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "session.h"

enum {
	OPENING_AT_ONCE = 64, /* idle sessions on their way at one time */
	EVENTS = 256,
	SWEEP_US = 250000,
};

struct client {
	struct load load;
	struct letter *letters;
	struct session *idle, *busy;
	unsigned nidle, nbusy;
	uint64_t swept;
};

static struct session *
sessions_create(struct client *c, unsigned n, enum session_kind kind)
{
	unsigned every = c->load.o->slow_every;
	struct session *s = calloc(n > 0 ? n : 1, sizeof(*s));

	if (s == NULL)
		err(1, "out of memory");
	for (unsigned i = 0; i < n; i++)
		session_init(&s[i], &c->load, kind,
		    kind == SESSION_LOAD && every > 0 && (i + 1) % every == 0);
	return s;
}

static void
sessions_destroy(struct session **s, unsigned *n)
{
	for (unsigned i = 0; i < *n; i++)
		session_finish(&(*s)[i]);
	free(*s);
	*s = NULL;
	*n = 0;
}

/* A script for each letter, or the one of our own. */
static void
scripts_create(struct client *c, struct script_options options)
{
	struct load *l = &c->load;

	l->nscripts = 1;
	if (l->o->letters != NULL)
		c->letters = letters_read(l->o->letters, &l->nscripts);
	l->scripts = calloc(l->nscripts, sizeof(*l->scripts));
	if (l->scripts == NULL)
		err(1, "out of memory");
	for (size_t i = 0; i < l->nscripts; i++) {
		options.letter = c->letters != NULL ? &c->letters[i] : NULL;
		script_init(&l->scripts[i], l->agreed, &options);
	}
	options.letter = NULL;
	options.marked = true;
	script_init(&l->marked, l->agreed, &options);
}

static void
scripts_destroy(struct client *c)
{
	struct load *l = &c->load;

	for (size_t i = 0; i < l->nscripts; i++)
		script_finish(&l->scripts[i]);
	free(l->scripts);
	script_finish(&l->marked);
	if (c->letters != NULL)
		letters_free(c->letters, l->nscripts);
}

struct client *
client_create(const struct client_options *o, const struct dial *dial,
    const struct negotiated *agreed, struct results *r)
{
	struct script_options options = { .body = o->body,
		.client = o->client,
		.sender = o->sender,
		.recipient = o->recipient,
		.logins = o->accounts > 0,
		.empty_macros = !o->sendmail };
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		err(1, "out of memory");
	c->load =
	    (struct load){ .o = o, .dial = dial, .agreed = agreed, .r = r };
	c->load.waiting_tail = &c->load.waiting;
	c->load.queue_id = now_us();
	c->load.random = (unsigned)now_us();
	scripts_create(c, options);
	if ((c->load.epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		err(1, "epoll_create1");
	return c;
}

void
client_destroy(struct client **c)
{
	if (*c == NULL)
		return;
	sessions_destroy(&(*c)->busy, &(*c)->nbusy);
	sessions_destroy(&(*c)->idle, &(*c)->nidle);
	scripts_destroy(*c);
	close((*c)->load.epoll);
	free(*c);
	*c = NULL;
}

/* Start what waits and is due; how long until the next, in ms. */
static int
start_waiting(struct load *l)
{
	struct session *s = l->waiting, *next;
	uint64_t now = now_us();

	l->waiting = NULL;
	l->waiting_tail = &l->waiting;
	for (; s != NULL; s = next) {
		next = s->next;
		if (s->not_before <= now) {
			session_connect(s);
			continue;
		}
		s->next = NULL;
		*l->waiting_tail = s;
		l->waiting_tail = &s->next;
	}
	return l->waiting != NULL ? 1 : SWEEP_US / 1000;
}

static void
sweep(struct client *c)
{
	uint64_t now = now_us();

	if (now - c->swept < SWEEP_US)
		return;
	c->swept = now;
	for (unsigned i = 0; i < c->nidle; i++)
		session_expire(&c->idle[i], now);
	for (unsigned i = 0; i < c->nbusy; i++)
		session_expire(&c->busy[i], now);
}

static void
turn(struct client *c)
{
	struct epoll_event events[EVENTS];
	int timeout = start_waiting(&c->load);
	int n = epoll_wait(c->load.epoll, events, EVENTS, timeout);

	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++)
		session_event(events[i].data.ptr, events[i].events);
	sweep(c);
}

bool
client_hold(struct client *c, unsigned n)
{
	struct load *l = &c->load;
	uint64_t errors = l->r->errors.total;
	unsigned started = 0;

	c->idle = sessions_create(c, n, SESSION_IDLE);
	c->nidle = n;
	while (!l->stop && (started < n || l->opening > 0)) {
		while (started < n && l->opening < OPENING_AT_ONCE)
			session_start(&c->idle[started++]);
		turn(c);
	}
	/* How they were opened says nothing of how long one takes. */
	samples_finish(&l->r->session);
	return l->r->errors.total == errors;
}

/* Run the busy sessions until each is done and no work is left. */
static void
run(struct client *c, unsigned n, enum session_kind kind)
{
	struct load *l = &c->load;
	uint64_t began = now_us();

	c->busy = sessions_create(c, n, kind);
	c->nbusy = n;
	for (unsigned i = 0; i < n; i++)
		session_start(&c->busy[i]);
	while (l->busy > 0)
		turn(c);
	l->r->seconds = (double)(now_us() - began) / 1e6;
	sessions_destroy(&c->busy, &c->nbusy);
}

void
client_probe(struct client *c, unsigned n)
{
	c->load.begun = 0;
	c->load.budget = n;
	c->load.until = 0;
	run(c, 1, SESSION_PROBE);
}

void
client_load(struct client *c)
{
	const struct client_options *o = c->load.o;

	c->load.begun = 0;
	c->load.budget = o->messages;
	c->load.until =
	    o->messages > 0 ? 0 : now_us() + (uint64_t)(o->seconds * 1e6);
	run(c, o->connections, SESSION_LOAD);
}
