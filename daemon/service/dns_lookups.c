/* SPDX-License-Identifier: Apache-2.0 */
#include "service/dns_lookups.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/table.h"

enum {
	ASKED_MAX = 8192,      /* questions with the resolver at a time */
	BYTES_A_BUCKET = 1024, /* of the size: about one look-up each */
	US = 1000000,
	/*
	 * What is prefetched at one stage is wanted at a later one, whatever
	 * its TTL.
	 */
	KEEP_LEAST_US = 5 * US,
	/* RFC 9520, 3.2: a failure is kept for a second at least. */
	KEEP_FAILURE_US = 1 * US,
};

struct lookup {
	struct dns_question question;
	struct lookups *owner;
	struct lookup *chain;         /* of its bucket */
	struct lookup *older, *newer; /* by last use */
	char *name;
	uint32_t hash;
	unsigned waiters;
	bool asked;                /* the resolver has it */
	struct dns_answer *answer; /* NULL: not yet */
	int64_t until_us;          /* given up, or not kept any longer */
	int64_t stale_us;          /* its TTL has run out */
	size_t bytes;
	pthread_cond_t changed; /* answer */
};

struct lookups {
	struct lookups_settings settings;
	pthread_mutex_t lock; /* guards all below and every look-up */
	struct lookup **buckets;
	uint32_t mask;
	struct lookup *oldest, *newest;
	size_t bytes;
	unsigned asked;
};

struct lookups *
lookups_create(const struct lookups_settings *settings)
{
	struct lookups *l = memory_zalloc(sizeof(*l));
	size_t n = 64;

	while (n < settings->size / BYTES_A_BUCKET && n < 1 << 24)
		n *= 2;
	l->settings = *settings;
	l->mask = (uint32_t)n - 1;
	l->buckets = memory_zalloc(n * sizeof(struct lookup *));
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

/* The list by age. */

static void
unlink_age(struct lookups *l, struct lookup *k)
{
	*(k->older != NULL ? &k->older->newer : &l->oldest) = k->newer;
	*(k->newer != NULL ? &k->newer->older : &l->newest) = k->older;
}

static void
link_newest(struct lookups *l, struct lookup *k)
{
	k->older = l->newest;
	k->newer = NULL;
	*(k->older != NULL ? &k->older->newer : &l->oldest) = k;
	l->newest = k;
}

static void
count_bytes(struct lookup *k)
{
	k->owner->bytes -= k->bytes;
	k->bytes = sizeof(*k) + strlen(k->name) + 1 +
		   (k->answer != NULL ? k->answer->bytes : 0);
	k->owner->bytes += k->bytes;
}

static void
lookup_free(struct lookup *k)
{
	pthread_cond_destroy(&k->changed);
	dns_answer_drop(&k->answer);
	free(k->name);
	free(k);
}

static void
forget(struct lookups *l, struct lookup *k)
{
	struct lookup **at = &l->buckets[k->hash & l->mask];

	while (*at != k)
		at = &(*at)->chain;
	*at = k->chain;
	unlink_age(l, k);
	l->bytes -= k->bytes;
	lookup_free(k);
}

/* The longest unused go; not what somebody waits for, nor keep. */
static void
make_room(struct lookups *l, const struct lookup *keep)
{
	struct lookup *k = l->oldest;

	while (k != NULL && l->bytes > l->settings.size) {
		struct lookup *next = k->newer;

		if (k != keep && k->waiters == 0 && !k->asked)
			forget(l, k);
		k = next;
	}
}

void
lookups_destroy(struct lookups **lookups)
{
	struct lookups *l = *lookups;

	if (l == NULL)
		return;
	while (l->oldest != NULL)
		forget(l, l->oldest);
	pthread_mutex_destroy(&l->lock);
	free(l->buckets);
	free(l);
	*lookups = NULL;
}

static struct lookup *
find(struct lookups *l, const char *name, mr_dns_type type, uint32_t hash)
{
	struct lookup *k = l->buckets[hash & l->mask];

	while (k != NULL && (k->hash != hash || k->question.type != type ||
				strcmp(k->name, name) != 0))
		k = k->chain;
	return k;
}

static uint32_t
hash_of(const char *name, mr_dns_type type)
{
	return table_hash(span_of(name), false) + type * 0x9e3779b1u;
}

/* Its answer, if it still counts. */
static bool
is_done(const struct lookup *k, int64_t now)
{
	return k->answer != NULL && now < k->until_us;
}

/* Under the lock; the old answer, if there was one, goes. */
static void
set_answer(struct lookup *k, struct dns_answer *a, int64_t now)
{
	int64_t keep = (int64_t)a->answer.ttl * US;

	dns_answer_drop(&k->answer);
	k->answer = a;
	k->stale_us = now + keep;
	if (a->answer.status == MR_DNS_TEMPFAIL)
		keep = KEEP_FAILURE_US;
	else if (keep < KEEP_LEAST_US)
		keep = KEEP_LEAST_US;
	k->until_us = now + keep;
	count_bytes(k);
	make_room(k->owner, k);
	pthread_cond_broadcast(&k->changed);
}

/* On the resolver's thread; perhaps long after everybody gave up. */
static void
answered(struct dns_question *question, struct dns_answer *a)
{
	struct lookup *k = (struct lookup *)(void *)question;
	struct lookups *l = k->owner;

	pthread_mutex_lock(&l->lock);
	k->asked = false;
	l->asked--;
	set_answer(k, a, clock_steady_us());
	pthread_mutex_unlock(&l->lock);
}

static struct lookup *
lookup_create(
    struct lookups *l, const char *name, mr_dns_type type, uint32_t hash)
{
	struct lookup *k = memory_zalloc(sizeof(*k));
	pthread_condattr_t steady;

	k->question.answered = answered;
	k->question.type = type;
	k->owner = l;
	k->name = memory_copy(name);
	k->hash = hash;
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &steady);
	pthread_condattr_destroy(&steady);
	k->chain = l->buckets[hash & l->mask];
	l->buckets[hash & l->mask] = k;
	link_newest(l, k);
	count_bytes(k);
	return k;
}

/*
 * Send it, unless the resolver still has it from an earlier time.  The lock
 * is let go meanwhile; a waiter keeps the look-up from being forgotten.
 */
static bool
send_question(struct lookups *l, struct lookup *k, int64_t now)
{
	bool sent;

	dns_answer_drop(&k->answer);
	count_bytes(k);
	k->until_us = now + l->settings.timeout_us;
	if (k->asked)
		return false;
	if (l->asked >= ASKED_MAX) {
		set_answer(k,
		    dns_answer_empty(
			MR_DNS_TEMPFAIL, "too many look-ups are under way"),
		    now);
		return false;
	}
	k->asked = true;
	l->asked++;
	pthread_mutex_unlock(&l->lock);
	sent = l->settings.ask(l->settings.resolver, k->name, &k->question);
	pthread_mutex_lock(&l->lock);
	if (sent)
		return true;
	k->asked = false;
	l->asked--;
	set_answer(k,
	    dns_answer_empty(MR_DNS_TEMPFAIL, "the resolver does not work"),
	    clock_steady_us());
	return false;
}

/* The look-up, found or made; used just now, with one waiter more. */
static struct lookup *
hold(struct lookups *l, const char *name, mr_dns_type type)
{
	uint32_t hash = hash_of(name, type);
	struct lookup *k = find(l, name, type, hash);

	if (k == NULL) {
		k = lookup_create(l, name, type, hash);
	} else {
		unlink_age(l, k);
		link_newest(l, k);
	}
	k->waiters++;
	return k;
}

static enum lookup_way
start(struct lookups *l, struct lookup *k, int64_t now)
{
	if (is_done(k, now))
		return LOOKUP_HIT;
	/* Somebody is at it: neither given up nor answered and expired. */
	if (k->answer == NULL && k->until_us > now)
		return LOOKUP_JOINED;
	return send_question(l, k, now) ? LOOKUP_SENT : LOOKUP_JOINED;
}

/* Until somebody answers, or the time is over: a waiter's or its own. */
static void
await(struct lookups *l, struct lookup *k, const struct lookups_wait *w)
{
	if (w->until_us > k->until_us && k->answer == NULL)
		k->until_us = w->until_us;
	while (k->answer == NULL) {
		int64_t until = w->until_us != 0 ? w->until_us : k->until_us;
		struct timespec at;

		if (until > w->never_us)
			until = w->never_us;
		if (clock_steady_us() >= until)
			return;
		at = (struct timespec){ .tv_sec = until / US,
			.tv_nsec = until % US * 1000 };
		pthread_cond_timedwait(&k->changed, &l->lock, &at);
	}
}

/* A failure for want of time; the look-up's own if its time is over too. */
static struct dns_answer *
give_up(struct lookup *k, int64_t began, struct lookups_wait *w)
{
	int64_t now = clock_steady_us();
	struct dns_answer *a;
	char why[64];

	w->timed_out = true;
	snprintf(why, sizeof(why), "no answer in %lld ms",
	    (long long)((now - began) / 1000));
	a = dns_answer_empty(MR_DNS_TEMPFAIL, why);
	if (now >= k->until_us)
		set_answer(k, dns_answer_hold(a), now);
	return a;
}

static uint32_t
ttl_left(const struct lookup *k)
{
	int64_t left = k->stale_us - clock_steady_us();

	return left > 0 ? (uint32_t)((left + US - 1) / US) : 0;
}

struct dns_answer *
lookups_get(struct lookups *l, const char *name, mr_dns_type type,
    struct lookups_wait *w)
{
	int64_t began = clock_steady_us();
	struct dns_answer *a;
	struct lookup *k;

	w->timed_out = false;
	w->ttl = 0;
	pthread_mutex_lock(&l->lock);
	k = hold(l, name, type);
	w->way = start(l, k, began);
	await(l, k, w);
	if (k->answer != NULL) {
		a = dns_answer_hold(k->answer);
		w->ttl = ttl_left(k);
	} else {
		a = give_up(k, began, w);
	}
	k->waiters--;
	make_room(l, NULL);
	pthread_mutex_unlock(&l->lock);
	return a;
}

bool
lookups_begin(struct lookups *l, const char *name, mr_dns_type type)
{
	struct lookup *k;
	bool sent;

	pthread_mutex_lock(&l->lock);
	k = hold(l, name, type);
	sent = start(l, k, clock_steady_us()) == LOOKUP_SENT;
	k->waiters--;
	make_room(l, NULL);
	pthread_mutex_unlock(&l->lock);
	return sent;
}

bool
lookups_done(struct lookups *l, const char *name, mr_dns_type type)
{
	struct lookup *k;
	bool done;

	pthread_mutex_lock(&l->lock);
	k = find(l, name, type, hash_of(name, type));
	done = k != NULL && is_done(k, clock_steady_us());
	pthread_mutex_unlock(&l->lock);
	return done;
}
