/* SPDX-License-Identifier: Apache-2.0 */
#include "service/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

/* A command under way; its caller may have gone. */
struct question {
	redisReply *replies[REDIS_LINK_MOST];
	unsigned count, got;
	int64_t sent_us;
	bool abandoned, failed;
	pthread_cond_t wake;
	struct question *next;
};

struct redis_link {
	pthread_mutex_t lock; /* guards all below */
	redisContext *c;
	int64_t patience_us;
	unsigned holders;
	bool broken, read_by_one;
	struct question *first, **end; /* in the order of their commands */
};

struct redis_link *
redis_link_create(redisContext *c, int64_t patience_us)
{
	struct redis_link *l = memory_zalloc(sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	l->c = c;
	l->patience_us = patience_us;
	l->holders = 1;
	l->end = &l->first;
	return l;
}

void
redis_link_hold(struct redis_link *l)
{
	pthread_mutex_lock(&l->lock);
	l->holders++;
	pthread_mutex_unlock(&l->lock);
}

static void
question_destroy(struct question *q)
{
	for (unsigned i = 0; i < q->got; i++)
		if (q->replies[i] != NULL)
			freeReplyObject(q->replies[i]);
	pthread_cond_destroy(&q->wake);
	free(q);
}

void
redis_link_drop(struct redis_link **link)
{
	struct redis_link *l = *link;
	unsigned left;

	if (l == NULL)
		return;
	*link = NULL;
	pthread_mutex_lock(&l->lock);
	left = --l->holders;
	pthread_mutex_unlock(&l->lock);
	if (left > 0)
		return;
	while (l->first != NULL) {
		struct question *q = l->first;

		l->first = q->next;
		question_destroy(q);
	}
	redisFree(l->c);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool
redis_link_works(struct redis_link *l)
{
	bool works;

	pthread_mutex_lock(&l->lock);
	works = !l->broken;
	pthread_mutex_unlock(&l->lock);
	return works;
}

/* --- with the lock held --- */

static void
take_first(struct redis_link *l)
{
	struct question *q = l->first;

	l->first = q->next;
	if (l->first == NULL)
		l->end = &l->first;
	if (q->abandoned)
		question_destroy(q);
	else
		pthread_cond_signal(&q->wake);
}

static void
give_up(struct redis_link *l)
{
	l->broken = true;
	/* Not closed: another thread may be in poll() with it. */
	shutdown(l->c->fd, SHUT_RDWR);
	while (l->first != NULL) {
		l->first->failed = true;
		take_first(l);
	}
}

/* Hand out every reply that has come whole. */
static void
hand_out(struct redis_link *l)
{
	void *reply = NULL;

	for (;;) {
		if (redisGetReplyFromReader(l->c, &reply) != REDIS_OK) {
			give_up(l);
			return;
		}
		if (reply == NULL)
			return;
		if (l->first == NULL) { /* an answer that nobody asked for */
			freeReplyObject(reply);
			give_up(l);
			return;
		}
		l->first->replies[l->first->got++] = reply;
		if (l->first->got == l->first->count)
			take_first(l);
	}
}

/* Wait without the lock.  What poll() returned. */
static int
wait_for_server(struct redis_link *l, short events, int64_t until_us)
{
	struct pollfd p = { .fd = l->c->fd, .events = events };
	int64_t left = until_us - clock_steady_us();
	int n;

	pthread_mutex_unlock(&l->lock);
	n = left > 0 ? poll(&p, 1, (int)(left / 1000 + 1)) : 0;
	pthread_mutex_lock(&l->lock);
	return n;
}

/* Until all is with the kernel; it seldom takes more than one write. */
static bool
flush(struct redis_link *l, int64_t until_us)
{
	int done = 0;

	while (!l->broken && !done) {
		if (redisBufferWrite(l->c, &done) != REDIS_OK)
			give_up(l);
		else if (!done && wait_for_server(l, POLLOUT, until_us) == 0)
			give_up(l); /* half a command cannot be taken back */
	}
	return !l->broken;
}

static void
read_for_all(struct redis_link *l, int64_t until_us)
{
	int n;

	l->read_by_one = true;
	n = wait_for_server(l, POLLIN, until_us);
	l->read_by_one = false;
	if (l->broken || n == 0 || (n == -1 && errno == EINTR))
		return;
	if (n == -1 || redisBufferRead(l->c) != REDIS_OK)
		give_up(l);
	else
		hand_out(l);
}

static void
wait_for_reader(struct redis_link *l, struct question *q, int64_t until_us)
{
	struct timespec t;

	t.tv_sec = until_us / 1000000;
	t.tv_nsec = until_us % 1000000 * 1000;
	pthread_cond_timedwait(&q->wake, &l->lock, &t);
}

static bool
is_answered(const struct question *q)
{
	return q->failed || q->got == q->count;
}

/* Somebody must read for those who still wait. */
static void
call_a_reader(struct redis_link *l)
{
	struct question *q = l->first;

	while (q != NULL && q->abandoned)
		q = q->next;
	if (q != NULL)
		pthread_cond_signal(&q->wake);
}

static void
wait_for_answer(struct redis_link *l, struct question *q, int64_t until_us)
{
	while (!is_answered(q) && clock_steady_us() < until_us) {
		if (l->read_by_one)
			wait_for_reader(l, q, until_us);
		else
			read_for_all(l, until_us);
	}
	if (!l->read_by_one)
		call_a_reader(l);
}

static struct question *
question_create(unsigned count)
{
	struct question *q = memory_zalloc(sizeof(*q));
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &a);
	pthread_condattr_destroy(&a);
	q->count = count;
	return q;
}

/* --- from outside --- */

void
redis_link_break(struct redis_link *l)
{
	pthread_mutex_lock(&l->lock);
	if (!l->broken)
		give_up(l);
	pthread_mutex_unlock(&l->lock);
}

bool
redis_link_ask(struct redis_link *l, const char *bytes, size_t n,
    unsigned count, int64_t until_us, redisReply *replies[REDIS_LINK_MOST])
{
	struct question *q = question_create(count);
	bool ok;

	pthread_mutex_lock(&l->lock);
	if (l->broken ||
	    redisAppendFormattedCommand(l->c, bytes, n) != REDIS_OK) {
		pthread_mutex_unlock(&l->lock);
		question_destroy(q);
		return false;
	}
	q->sent_us = clock_steady_us();
	*l->end = q;
	l->end = &q->next;
	if (flush(l, until_us))
		wait_for_answer(l, q, until_us);
	ok = !q->failed && q->got == q->count;
	if (!is_answered(q)) {
		/*
		 * A caller may have less time than the server deserves; the
		 * others go on waiting.
		 */
		q->abandoned = true;
		if (clock_steady_us() - q->sent_us >= l->patience_us)
			give_up(l);
		pthread_mutex_unlock(&l->lock);
		return false;
	}
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < count && ok; i++) {
		replies[i] = q->replies[i];
		q->replies[i] = NULL;
	}
	question_destroy(q);
	return ok;
}
