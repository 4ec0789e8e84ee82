/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits against an exact log of all that was taken: a million random steps
 * with refunds, clocks that step, and changes of the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/limit.h"

enum { STEPS = 1000 * 1000, LOG = 4096 };

struct taken {
	int64_t us, units; /* units that are still meant to count */
	uint64_t token;
};

struct world {
	uint64_t random;
	struct mr_limit limit;
	char bytes[LIMIT_RECORD_MOST];
	size_t n;         /* of bytes: the record as a store keeps it */
	int64_t clock_us; /* as it is shown; steps */
	int64_t us;       /* as the record takes it */
	int64_t saved_us; /* what the record was last told */
	struct taken log[LOG];
	size_t first, end; /* of the log, modulo LOG */
	unsigned long taken, refused, refunds;
};

static uint64_t
rnd(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static struct taken *
entry(struct world *w, size_t i)
{
	return &w->log[i % LOG];
}

static int64_t
slot_of(const struct world *w, int64_t us)
{
	return us / limit_slot_us(w->limit.period_ms);
}

/* Units that were taken at us or later. */
static int64_t
units_since(struct world *w, int64_t us)
{
	int64_t sum = 0;

	for (size_t i = w->end; i-- > w->first && entry(w, i)->us >= us;)
		sum += entry(w, i)->units;
	return sum;
}

/* All that counts is as if taken now; the rate begins a new log. */
static void
move_all(struct world *w)
{
	int64_t oldest = slot_of(w, w->saved_us) - LIMIT_SLOTS;

	while (w->first < w->end &&
	       (w->limit.kind == MR_LIMIT_RATE ||
		   slot_of(w, entry(w, w->first)->us) < oldest))
		w->first++;
	for (size_t i = w->first; i < w->end; i++)
		entry(w, i)->us = w->clock_us;
}

/* What the clock means to the record. */
static void
tell(struct world *w)
{
	int64_t back = w->saved_us - w->clock_us;
	bool far =
	    w->limit.kind == MR_LIMIT_WINDOW
		? slot_of(w, w->saved_us) - slot_of(w, w->clock_us) >
		      LIMIT_SLOTS
		: w->saved_us / 1000 - w->clock_us / 1000 > w->limit.period_ms;

	if (far)
		move_all(w);
	w->us = far || back < 0 ? w->clock_us : w->saved_us;
}

static void
save(struct world *w, const struct limit_record *r)
{
	w->n = limit_encode(r, w->bytes);
	w->saved_us = w->us;
}

static void
load(struct world *w, struct limit_record *r)
{
	tell(w);
	assert_true(
	    w->n == 0 || limit_decode((struct span){ w->bytes, w->n }, r));
	if (w->n == 0)
		*r = (struct limit_record){ 0 };
	limit_advance(r, &w->limit, w->clock_us);
	/* A store writes only what was changed; a far step is a change. */
	if (w->us < w->saved_us || rnd(w, 2) == 0)
		save(w, r);
}

/* What the clock shows next, whatever the record makes of it. */
static void
pass_time(struct world *w)
{
	int64_t period = w->limit.period_ms * 1000;

	switch (rnd(w, 64)) {
	case 0: /* back a little */
		w->clock_us -= (int64_t)rnd(w, (uint64_t)period / 4);
		break;
	case 1: /* back, far */
		if (rnd(w, 20) == 0)
			w->clock_us -= (int64_t)rnd(w, (uint64_t)period * 9);
		break;
	case 2: /* forth, far */
		if (rnd(w, 8) == 0)
			w->clock_us += (int64_t)rnd(w, (uint64_t)period * 4);
		break;
	case 3: /* exactly to the end of a period of something */
		w->clock_us = w->us + period;
		break;
	default:
		w->clock_us += (int64_t)rnd(w, (uint64_t)period / 40);
		break;
	}
	if (w->clock_us < period * 1000)
		w->clock_us = period * 1000;
}

static void
forget_old(struct world *w)
{
	int64_t old = w->us - w->limit.period_ms * 3000;

	while (w->first < w->end &&
	       (entry(w, w->first)->us < old || w->end - w->first == LOG))
		w->first++;
}

/* The promise, and that what is refused had to be. */
static void
check_window(struct world *w, bool ok, int64_t before)
{
	int64_t period = w->limit.period_ms * 1000;

	if (ok && w->limit.cost > 0 && w->limit.amount >= 0)
		assert_true(units_since(w, w->us - period) <= w->limit.amount);
	if (!ok)
		assert_true(before + w->limit.cost > w->limit.amount);
}

/*
 * In every interval that ends now; units that were given back are not in the
 * log.  Times are whole milliseconds as the bucket leaks.
 */
static void
check_rate(struct world *w, bool ok)
{
	const struct mr_limit *l = &w->limit;
	int64_t sum = 0, ms;

	if (!ok || l->cost == 0)
		return;
	for (size_t i = w->end; i-- > w->first;) {
		sum += entry(w, i)->units;
		ms = w->us / 1000 - entry(w, i)->us / 1000;
		assert_true(sum * l->period_ms <=
			    l->burst * l->period_ms + ms * l->amount);
	}
}

static void
step_take(struct world *w)
{
	struct limit_record r;
	struct mr_limit_state s;
	uint64_t token = 0;
	uint32_t refused;
	int64_t before;
	bool ok;

	w->limit.cost = (int64_t)rnd(w, 8) / 2;
	load(w, &r);
	assert_int_equal(r.last_us, w->us);
	before = units_since(w, (slot_of(w, w->us) - LIMIT_SLOTS) *
				    limit_slot_us(w->limit.period_ms));
	limit_show(&r, &w->limit, &s);
	if (w->limit.kind == MR_LIMIT_WINDOW)
		assert_int_equal(s.used, before);
	ok = limit_reserve(&r, &w->limit, 1, &token, &refused);
	assert_true(ok == (s.retry_ms == 0) || w->limit.cost == 0);
	if (ok && w->limit.cost > 0) {
		forget_old(w);
		*entry(w, w->end++) =
		    (struct taken){ w->us, w->limit.cost, token };
		save(w, &r);
	}
	w->taken += ok;
	w->refused += !ok;
	if (w->limit.kind == MR_LIMIT_WINDOW)
		check_window(w, ok, before);
	else
		check_rate(w, ok);
}

/* The wait that a refusal names is enough, and a ms less is not. */
static void
step_wait(struct world *w)
{
	struct limit_record r, later;
	struct mr_limit_state s;
	uint64_t token;
	uint32_t refused;

	w->limit.cost = 1 + (int64_t)rnd(w, 3);
	load(w, &r);
	limit_show(&r, &w->limit, &s);
	if (s.retry_ms <= 0)
		return;
	later = r;
	limit_advance(&later, &w->limit, w->us + (s.retry_ms - 1) * 1000);
	assert_false(limit_reserve(&later, &w->limit, 1, &token, &refused));
	later = r;
	limit_advance(&later, &w->limit, w->us + s.retry_ms * 1000);
	assert_true(limit_reserve(&later, &w->limit, 1, &token, &refused));
}

static void
step_refund(struct world *w)
{
	struct limit_record r;
	struct taken *t;

	if (w->first == w->end)
		return;
	t = entry(w, w->first + rnd(w, w->end - w->first));
	if (t->units == 0)
		return;
	load(w, &r);
	w->limit.cost =
	    rnd(w, 3) == 0 ? t->units : 1 + (int64_t)rnd(w, (uint64_t)t->units);
	if (limit_refund(&r, &w->limit, t->token)) {
		save(w, &r);
		w->refunds++;
		t->units -= w->limit.cost;
		return;
	}
	if (w->limit.kind == MR_LIMIT_RATE) /* it was not sent all the same */
		t->units -= w->limit.cost;
	else if (slot_of(w, w->us) - slot_of(w, t->us) <= LIMIT_SLOTS)
		/* moved by a clock that went far back */
		assert_true(t->token >> 42 != r.gen);
}

static void
step_reset(struct world *w)
{
	struct limit_record r;

	load(w, &r);
	limit_reset(&r, &w->limit, w->us);
	save(w, &r);
	for (size_t i = w->first; i < w->end; i++)
		entry(w, i)->units = 0;
}

/* Another amount, at times another period. */
static void
step_change(struct world *w)
{
	struct limit_record r;

	w->limit.amount = 1 + (int64_t)rnd(w, 40);
	w->limit.burst = 1 + (int64_t)rnd(w, 20);
	/* A lower rate would make what was sent too much in hindsight. */
	if (w->limit.kind == MR_LIMIT_WINDOW && rnd(w, 4) != 0)
		return;
	w->limit.period_ms =
	    (int64_t[]){ 1000, 60000, 3600000, 86400000, 1234567 }[rnd(w, 5)];
	if (w->clock_us < w->limit.period_ms * 1000000)
		w->clock_us += w->limit.period_ms * 1000000;
	load(w, &r);
	limit_reset(&r, &w->limit, w->clock_us);
	w->us = r.last_us;
	save(w, &r);
	w->first = w->end;
	assert_true(w->us >= w->clock_us);
}

static void
run(mr_limit_kind kind, uint64_t seed)
{
	static struct world w;

	w = (struct world){ .random = seed,
		.limit = { .kind = kind,
		    .amount = 10,
		    .period_ms = 3600000,
		    .burst = 5 },
		.clock_us = INT64_C(1700000000) * 1000000 };
	w.us = w.saved_us = w.clock_us;
	for (int i = 0; i < STEPS; i++) {
		unsigned what = (unsigned)rnd(&w, 1000);

		pass_time(&w);
		if (what < 200)
			step_refund(&w);
		else if (what < 250)
			step_wait(&w);
		else if (what == 997)
			step_reset(&w);
		else if (what > 997)
			step_change(&w);
		else
			step_take(&w);
	}
	print_message("%lu taken, %lu refused, %lu given back\n", w.taken,
	    w.refused, w.refunds);
	assert_true(w.taken > STEPS / 20);
	assert_true(w.refused > STEPS / 20);
	assert_true(w.refunds > STEPS / 50);
}

static void
test_window(void **state)
{
	(void)state;
	run(MR_LIMIT_WINDOW, 88172645463325252);
}

static void
test_rate(void **state)
{
	(void)state;
	run(MR_LIMIT_RATE, 362436069521288629);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
