/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <string.h>

void
health_init(struct health *h)
{
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
}

void
health_finish(struct health *h)
{
	pthread_mutex_destroy(&h->lock);
}

bool
health_off(struct health *h, int64_t now)
{
	bool off;

	pthread_mutex_lock(&h->lock);
	off = now < h->off_until;
	pthread_mutex_unlock(&h->lock);
	return off;
}

bool
health_test_due(struct health *h, int64_t now)
{
	bool due;

	pthread_mutex_lock(&h->lock);
	due = now >= h->test_at;
	pthread_mutex_unlock(&h->lock);
	return due;
}

void
health_tested(struct health *h, int64_t now, int64_t every_ms)
{
	pthread_mutex_lock(&h->lock);
	h->test_at = now + every_ms;
	pthread_mutex_unlock(&h->lock);
}

void
health_worked(struct health *h)
{
	pthread_mutex_lock(&h->lock);
	h->failures = 0;
	pthread_mutex_unlock(&h->lock);
}

/* Under the lock. */
static bool
turn_off(struct health *h, int64_t now, int64_t pause_ms)
{
	bool was_on = now >= h->off_until;

	h->off_until = now + pause_ms;
	h->test_at = h->off_until; /* it must prove itself first */
	h->failures = 0;
	return was_on;
}

bool
health_failed(struct health *h, int64_t now, unsigned most, int64_t pause_ms)
{
	bool off = false;

	pthread_mutex_lock(&h->lock);
	if (++h->failures >= most)
		off = turn_off(h, now, pause_ms);
	pthread_mutex_unlock(&h->lock);
	return off;
}

bool
health_switch_off(struct health *h, int64_t now, int64_t pause_ms)
{
	bool was_on;

	pthread_mutex_lock(&h->lock);
	was_on = turn_off(h, now, pause_ms);
	pthread_mutex_unlock(&h->lock);
	return was_on;
}
