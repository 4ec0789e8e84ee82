/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the connection: connects, says once a second that this host is
 * there, and lets nobody ask a server that has not yet been told what this
 * host took alone, or that has lost its data.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "millrace/thread.h"
#include "service/store_redis.h"

enum {
	FAILURES = 3, /* in a row, until nobody waits any more */
	BEAT_US = 1000 * 1000,
	COMPLAIN_US = 60 * 1000 * 1000,
	/*
	 * After a server lost its data hosts tell it what they took; until
	 * each has had time to, nobody takes more of it.
	 */
	SETTLE_US = 3 * 1000 * 1000,
};

static const int64_t NONCE_MS = INT64_C(3600) * 1000;

/* --- for those who ask --- */

static void
wait_for_change(struct store_redis *s, int64_t until_us)
{
	struct timespec t;

	t.tv_sec = until_us / 1000000;
	t.tv_nsec = until_us % 1000000 * 1000;
	pthread_cond_timedwait(&s->changed, &s->lock, &t);
}

bool
fleet_ready(struct store_redis *s, const struct store_call *call)
{
	bool ready;

	pthread_mutex_lock(&s->lock);
	while (!s->ready && !s->settling && s->failures < FAILURES &&
	       !s->stop && clock_steady_us() < call->until_us)
		wait_for_change(s, call->until_us);
	ready = s->ready;
	pthread_mutex_unlock(&s->lock);
	return ready;
}

void
fleet_failed(struct store_redis *s)
{
	if (redis_is_connected(s->redis))
		return; /* it answered, or was only slow for this one */
	pthread_mutex_lock(&s->lock);
	s->ready = false;
	s->hurry = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
fleet_hot(struct store_redis *s, struct mr_bytes group,
    const struct mr_limit *l, int64_t used)
{
	struct buf name = { 0 };
	unsigned i = 0;

	store_redis_key(&name, group, 'L', l->key);
	pthread_mutex_lock(&s->lock);
	while (i < s->nhot && (s->hot[i].n != name.n ||
				  memcmp(s->hot[i].p, name.p, name.n) != 0))
		i++;
	/* There is no room for all: who is left out is told next time. */
	if (i < FLEET_HOT) {
		buf_cut(&s->hot[i], 0);
		buf_put(&s->hot[i], name.p, name.n);
		s->hot_units[i] = used;
		s->hot_period_ms[i] = l->period_ms;
		s->nhot += i == s->nhot;
	}
	pthread_mutex_unlock(&s->lock);
	buf_finish(&name);
}

/* --- one beat --- */

static void
add_hot(struct store_redis *s, struct redis_command *c, struct buf *names)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->nhot;
	for (unsigned i = 0; i < n; i++)
		buf_put(names, s->hot[i].p, s->hot[i].n);
	for (unsigned i = 0, at = 0; i < n; i++) {
		redis_add_bytes(c,
		    (struct mr_bytes){ names->p + at, (uint32_t)s->hot[i].n });
		redis_add_number(c, s->hot_units[i]);
		redis_add_number(c, s->hot_period_ms[i]);
		at += (unsigned)s->hot[i].n;
	}
	s->nhot = 0;
	pthread_mutex_unlock(&s->lock);
}

struct beat {
	int64_t now_us, hosts, epoch_us;
	char epoch[MIRROR_EPOCH];
};

static int64_t
number_in(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING ? strtoll(r->str, NULL, 10) : 0;
}

static void
read_hot(struct store_redis *s, const redisReply *r, int64_t since,
    const struct beat *b)
{
	int64_t last = since, units, period;
	bool all = r->elements < 3 + 500 * 3;

	for (size_t i = 3; i + 2 < r->elements; i += 3) {
		const redisReply *name = r->element[i];
		const redisReply *used = r->element[i + 2];

		last = number_in(r->element[i + 1]);
		if (name->type == REDIS_REPLY_STRING &&
		    used->type == REDIS_REPLY_STRING &&
		    sscanf(used->str, "%" SCNd64 " %" SCNd64, &units,
			&period) == 2)
			mirror_heard_hot(s->mirror,
			    (struct mr_bytes){ name->str, (uint32_t)name->len },
			    units, period, last);
	}
	mirror_heard_all(s->mirror, last, all ? b->now_us : last);
}

static bool
read_beat(const redisReply *r, struct beat *b)
{
	const char *blank;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 3 ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_INTEGER ||
	    r->element[2]->type != REDIS_REPLY_STRING ||
	    r->element[2]->len >= MIRROR_EPOCH)
		return false;
	b->now_us = r->element[0]->integer;
	b->hosts = r->element[1]->integer;
	snprintf(b->epoch, sizeof(b->epoch), "%s", r->element[2]->str);
	blank = strchr(b->epoch, ' ');
	b->epoch_us = blank != NULL ? strtoll(blank + 1, NULL, 10) : 0;
	return b->hosts > 0;
}

static void
add_epoch(struct redis_command *c, char name[32])
{
	uint64_t random[2] = { 0 };
	ssize_t ignored = getrandom(random, sizeof(random), 0);

	(void)ignored;
	snprintf(name, 32, "%" PRIx64, random[0] ^ random[1]);
	redis_add(c, name);
}

static bool
beat(struct store_redis *s, struct beat *b)
{
	struct redis_command c = { .n = 0 };
	int64_t sent = clock_steady_us(), since = -1;
	struct buf names = { 0 };
	char epoch[32];
	redisReply *reply;
	bool ok;

	redis_add(&c, "mr:{fleet}:hosts");
	redis_add(&c, "mr:{fleet}:epoch");
	redis_add(&c, "mr:{fleet}:hot");
	redis_add(&c, "mr:{fleet}:used");
	redis_add(&c, mirror_host(s->mirror));
	add_epoch(&c, epoch);
	if (!mirror_asks(s->mirror, &since))
		since = -1;
	redis_add_number(&c, since);
	add_hot(s, &c, &names);
	reply = redis_run(s->redis, REDIS_BEAT, 4, &c, sent + s->timeout_us);
	buf_finish(&names);
	if (reply == NULL)
		return false;
	ok = read_beat(reply, b);
	if (ok) {
		mirror_set_time(
		    s->mirror, b->now_us + (clock_steady_us() - sent) / 2);
		mirror_heard_hosts(s->mirror, (uint32_t)b->hosts);
		if (since >= 0)
			read_hot(s, reply, since, b);
	}
	freeReplyObject(reply);
	return ok;
}

/* --- telling what was taken alone --- */

static bool
tell(struct store_redis *s, const struct mirror_delta *d, bool with_key)
{
	struct redis_command c = { .n = 0 };
	struct buf key = { 0 }, nonce = { 0 }, name = { 0 };
	redisReply *reply;

	if (d->n == 0)
		return true;
	store_redis_key(&key, d->group, 'L', d->key);
	buf_text(&name, d->nonce);
	if (with_key) {
		buf_char(&name, ':');
		buf_put(&name, d->key.p, d->key.n);
	}
	store_redis_key(&nonce, d->group, 'N',
	    (struct mr_bytes){ name.p, (uint32_t)name.n });
	redis_add_bytes(&c, (struct mr_bytes){ key.p, (uint32_t)key.n });
	redis_add_bytes(&c, (struct mr_bytes){ nonce.p, (uint32_t)nonce.n });
	redis_add_number(&c, d->period_ms);
	redis_add_number(&c, NONCE_MS);
	for (unsigned i = 0; i < d->n; i++) {
		redis_add_number(&c, d->slots[i]);
		redis_add_number(&c, d->units[i]);
	}
	reply = redis_run(
	    s->redis, REDIS_MERGE, 2, &c, clock_steady_us() + s->timeout_us);
	buf_finish(&key);
	buf_finish(&nonce);
	buf_finish(&name);
	if (reply == NULL)
		return false;
	freeReplyObject(reply);
	return true;
}

/* The server has lost its data, or is another: it is told all. */
static bool
tell_all(struct store_redis *s, const struct beat *b)
{
	struct mirror_delta d = { .n = 0 };
	struct buf at = { 0 };
	unsigned n = 0;
	bool ok = true;

	while (ok && mirror_own(s->mirror, &at, b->epoch_us, b->epoch, &d)) {
		ok = tell(s, &d, true);
		n += d.n > 0;
	}
	if (ok && n > 0)
		log_warn("store: the server knew nothing of this host: told "
			 "it what %u limits have counted here",
		    n);
	if (ok)
		mirror_set_epoch(s->mirror, b->epoch, b->epoch_us);
	mirror_delta_finish(&d);
	buf_finish(&at);
	return ok;
}

static bool
tell_pending(struct store_redis *s)
{
	struct mirror_delta d = { .n = 0 };
	bool ok = true;
	unsigned n = 0;

	while (ok && mirror_pending(s->mirror, &d)) {
		ok = tell(s, &d, false);
		if (ok)
			mirror_told(s->mirror, &d);
		n += ok;
	}
	if (n > 0)
		log_info("store: told the server what %u limits have counted "
			 "here while it was down",
		    n);
	mirror_delta_finish(&d);
	return ok;
}

/* --- the thread --- */

static void
set_state(struct store_redis *s, bool ready, bool settling, bool failed)
{
	bool was, open;

	pthread_mutex_lock(&s->lock);
	was = s->ready;
	open = s->failures == FAILURES;
	s->failures = !failed                  ? 0
		      : s->failures < FAILURES ? s->failures + 1
					       : FAILURES;
	open = !open && s->failures == FAILURES;
	s->ready = ready;
	s->settling = settling;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (ready && !was)
		log_info("store: the server answers");
	if (open)
		log_error("store: the server does not answer: it is tried "
			  "each second");
}

/* Connected: is it one that may be asked? */
static void
look_after(struct store_redis *s)
{
	char epoch[MIRROR_EPOCH];
	struct beat b = { 0 };
	bool settling;

	if (s->mirror == NULL) {
		set_state(s, true, false, false);
		return;
	}
	if (!beat(s, &b))
		goto failed;
	pthread_mutex_lock(&s->lock);
	s->hosts = (uint32_t)b.hosts;
	pthread_mutex_unlock(&s->lock);
	mirror_epoch(s->mirror, epoch);
	settling = b.now_us - b.epoch_us < SETTLE_US;
	if (strcmp(epoch, b.epoch) != 0) {
		set_state(s, false, settling, false);
		if (!tell_all(s, &b))
			goto failed;
	}
	if (!tell_pending(s))
		goto failed;
	set_state(s, !settling, settling, false);
	return;
failed:
	/* What does not answer now shall not be asked. */
	set_state(s, false, false, true);
}

/* The first times, then once a minute. */
static void
complain(struct store_redis *s, const char *why)
{
	int64_t now = clock_steady_us();

	if (s->failures >= FAILURES && now - s->complained_us < COMPLAIN_US)
		return;
	s->complained_us = now;
	log_warn("store: %s", why);
}

static int64_t
next_look(struct store_redis *s)
{
	/* The first failures may be a moment; then once a second. */
	if (s->failures > 0 && s->failures < FAILURES)
		return clock_steady_us() + BEAT_US / 20;
	return clock_steady_us() + BEAT_US;
}

static void *
tend(void *arg)
{
	struct store_redis *s = arg;
	int64_t next;
	char *why;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		pthread_mutex_unlock(&s->lock);
		if (s->mirror != NULL)
			mirror_tend(s->mirror);
		if (redis_connect(s->redis, &why)) {
			look_after(s);
		} else {
			complain(s, why);
			set_state(s, false, false, true);
		}
		free(why);
		pthread_mutex_lock(&s->lock);
		next = next_look(s);
		while (!s->stop && !s->hurry && clock_steady_us() < next)
			wait_for_change(s, next);
		s->hurry = false;
	}
	pthread_mutex_unlock(&s->lock);
	/* What is half used here is the last thing to be said. */
	if (s->ready && s->nhot > 0) {
		struct beat last;

		beat(s, &last);
	}
	return NULL;
}

void
fleet_start(struct store_redis *s)
{
	s->tends = mr_thread_start(&s->tender, tend, s);
	if (!s->tends)
		log_error("store: no thread to connect with");
}

void
fleet_stop(struct store_redis *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->tends)
		pthread_join(s->tender, NULL);
}
