/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of limits: cases by hand.  test_limit_log.c has a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/limit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { S = 1000 * 1000, BEGIN = 1000000 };

static const struct mr_limit hour = {
	.kind = MR_LIMIT_WINDOW, .amount = 10, .period_ms = 3600000, .cost = 1
};

/* At a time (s): take cost of 10 an hour.  A slot is a minute. */
static const struct window_case {
	const char *name;
	struct {
		int64_t at, cost;
	} steps[6];
	int64_t free, retry_ms; /* after the last, if cost were 1 */
	bool taken;             /* the last */
} window_cases[] = {
	{ "empty", { { 0, 10 } }, 0, 3660000, true },
	{ "one too many", { { 0, 11 } }, 10, 0, false },
	{ "filled", { { 0, 4 }, { 10, 6 }, { 20, 1 } }, 0, 3640000, false },
	/* A ring of 60 would have forgotten the first 10 by then. */
	{ "within the period", { { 59, 10 }, { 3600 + 58, 1 } }, 0, 2000,
	    false },
	{ "61 slots later", { { 59, 10 }, { 3660, 1 } }, 9, 0, true },
	{ "one second before", { { 59, 10 }, { 3659, 1 } }, 0, 1000, false },
	{ "some have left", { { 0, 4 }, { 1800, 6 }, { 3661, 4 } }, 0, 1799000,
	    true },
	{ "a clock that went back", { { 3600, 10 }, { 600, 1 } }, 0, 3660000,
	    false },
	{ "and came again", { { 3600, 10 }, { 600, 1 }, { 7260, 1 } }, 9, 0,
	    true },
	/* More than a period: all is counted as of then. */
	{ "far back", { { 100000, 10 }, { 600, 1 } }, 0, 3660000, false },
	{ "far back, a period later",
	    { { 100000, 10 }, { 600, 1 }, { 4260, 1 } }, 9, 0, true },
	{ "looking takes nothing", { { 0, 0 }, { 0, 0 } }, 10, 0, true },
	{ "looking is never refused", { { 0, 10 }, { 0, 0 } }, 0, 3660000,
	    true },
};

static bool
at(struct limit_record *r, struct mr_limit l, int64_t us, uint64_t *token)
{
	uint64_t ignored;
	uint32_t refused;

	limit_advance(r, &l, us);
	return limit_reserve(r, &l, 1, token ? token : &ignored, &refused);
}

static void
test_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(window_cases); i++) {
		const struct window_case *c = &window_cases[i];
		struct limit_record r = { 0 };
		struct mr_limit_state s = { 0 };
		struct mr_limit l = hour;
		bool taken = false;

		print_message("%s\n", c->name);
		for (size_t j = 0; j < COUNT(c->steps); j++) {
			if (j > 0 && c->steps[j].at == 0 &&
			    c->steps[j].cost == 0)
				break;
			l.cost = c->steps[j].cost;
			taken = at(&r, l,
			    (BEGIN * INT64_C(60) + c->steps[j].at) * S, NULL);
		}
		l.cost = 1;
		limit_show(&r, &l, &s);
		assert_int_equal(taken, c->taken);
		assert_int_equal(s.free, c->free);
		assert_int_equal(s.used, 10 - c->free);
		assert_int_equal(s.retry_ms, c->retry_ms);
	}
}

static const struct rate_case {
	const char *name;
	int64_t amount, period_ms, burst;
	struct {
		int64_t ms, cost;
	} steps[5];
	int64_t free, retry_ms;
	bool taken;
} rate_cases[] = {
	{ "a burst", 2, 1000, 10, { { 0, 10 } }, 0, 500, true },
	{ "more than a burst", 2, 1000, 10, { { 0, 11 } }, 10, 0, false },
	{ "one more", 2, 1000, 10, { { 0, 10 }, { 499, 1 } }, 0, 1, false },
	{ "one leaked", 2, 1000, 10, { { 0, 10 }, { 500, 1 } }, 0, 500, true },
	{ "nothing is rounded", 3, 1000, 1,
	    { { 0, 1 }, { 334, 1 }, { 667, 1 }, { 1000, 1 } }, 0, 334, true },
	{ "a third of a second", 3, 1000, 1, { { 0, 1 }, { 334, 1 } }, 0, 334,
	    true },
	{ "bytes", 10000000, 1000, 20000000, { { 0, 20000000 }, { 1, 10000 } },
	    0, 1, true },
	{ "bytes too soon", 10000000, 1000, 20000000,
	    { { 0, 20000000 }, { 1, 10001 } }, 10000, 0, false },
	{ "once a year", 1, 365 * LIMIT_DAY_MS, 1, { { 0, 1 }, { 999, 1 } }, 0,
	    365 * LIMIT_DAY_MS - 999, false },
	{ "back", 2, 1000, 10, { { 5000, 10 }, { 4500, 1 } }, 0, 500, false },
	{ "far back", 2, 1000, 10, { { 50000, 10 }, { 500, 0 }, { 1000, 1 } },
	    0, 500, true },
};

static void
test_rate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rate_cases); i++) {
		const struct rate_case *c = &rate_cases[i];
		struct mr_limit l = { .kind = MR_LIMIT_RATE,
			.amount = c->amount,
			.period_ms = c->period_ms,
			.burst = c->burst };
		struct limit_record r = { 0 };
		struct mr_limit_state s = { 0 };
		bool taken = false;

		print_message("%s\n", c->name);
		for (size_t j = 0; j < COUNT(c->steps); j++) {
			if (j > 0 && c->steps[j].ms == 0)
				break;
			l.cost = c->steps[j].cost;
			taken = at(
			    &r, l, (BEGIN + c->steps[j].ms) * 1000 + 7, NULL);
		}
		l.cost = 1;
		limit_show(&r, &l, &s);
		assert_int_equal(taken, c->taken);
		assert_int_equal(s.free, c->free);
		assert_int_equal(s.retry_ms, c->retry_ms);
	}
}

/* Taken at 0; what of it is given back at a time (ms)? */
static const struct refund_case {
	const char *name;
	struct mr_limit limit;
	int64_t taken, then; /* then: taken by others at the time */
	int64_t ms, used;    /* after the refund */
	bool reset, given;
} refund_cases[] = {
	{ "at once",
	    { .kind = MR_LIMIT_WINDOW,
		.amount = 9,
		.period_ms = 60000,
		.cost = 4 },
	    4, 0, 0, 0, false, true },
	{ "within the period",
	    { .kind = MR_LIMIT_WINDOW,
		.amount = 9,
		.period_ms = 60000,
		.cost = 4 },
	    4, 2, 59000, 2, false, true },
	/* Slot 61 lies where slot 0 lay: that is somebody else's. */
	{ "its slot is used again",
	    { .kind = MR_LIMIT_WINDOW,
		.amount = 9,
		.period_ms = 60000,
		.cost = 4 },
	    4, 5, 61000, 5, false, false },
	{ "after a reset",
	    { .kind = MR_LIMIT_WINDOW,
		.amount = 9,
		.period_ms = 60000,
		.cost = 4 },
	    4, 5, 0, 5, true, false },
	{ "a part",
	    { .kind = MR_LIMIT_WINDOW,
		.amount = 9,
		.period_ms = 60000,
		.cost = 1 },
	    4, 0, 10, 3, false, true },
	{ "rate, at once",
	    { .kind = MR_LIMIT_RATE,
		.amount = 2,
		.period_ms = 1000,
		.burst = 9,
		.cost = 4 },
	    4, 0, 0, 0, false, true },
	{ "rate, half is over",
	    { .kind = MR_LIMIT_RATE,
		.amount = 2,
		.period_ms = 1000,
		.burst = 9,
		.cost = 4 },
	    4, 3, 1000, 3, false, true },
	{ "rate, all is over",
	    { .kind = MR_LIMIT_RATE,
		.amount = 2,
		.period_ms = 1000,
		.burst = 9,
		.cost = 4 },
	    4, 3, 2000, 3, false, false },
	{ "rate, after a reset",
	    { .kind = MR_LIMIT_RATE,
		.amount = 2,
		.period_ms = 1000,
		.burst = 9,
		.cost = 4 },
	    4, 3, 0, 3, true, false },
};

static void
test_refund(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refund_cases); i++) {
		const struct refund_case *c = &refund_cases[i];
		const int64_t t0 = BEGIN * INT64_C(60) * S;
		struct limit_record r = { 0 };
		struct mr_limit_state s = { 0 };
		struct mr_limit l = c->limit;
		uint64_t token;

		print_message("%s\n", c->name);
		l.cost = c->taken;
		assert_true(at(&r, l, t0, &token));
		if (c->reset)
			limit_reset(&r, &l, t0);
		l.cost = c->then;
		assert_true(at(&r, l, t0 + c->ms * 1000, NULL));
		l.cost = c->limit.cost;
		assert_int_equal(limit_refund(&r, &l, token), c->given);
		limit_show(&r, &l, &s);
		assert_int_equal(s.used, c->used);
	}
}

/* All or none: after a refusal every byte is as before. */
static void
test_all_or_none(void **state)
{
	struct mr_limit l[3] = { hour, hour, hour };
	struct limit_record r[3] = { { 0 } }, before[3];
	uint64_t tokens[3];
	uint32_t refused = 9;

	(void)state;
	l[1].kind = MR_LIMIT_RATE;
	l[1].burst = 5;
	l[2].amount = 3;
	l[2].cost = 4;
	for (int i = 0; i < 3; i++)
		limit_advance(&r[i], &l[i], BEGIN * INT64_C(60) * S);
	memcpy(before, r, sizeof(r));
	assert_false(limit_reserve(r, l, 3, tokens, &refused));
	assert_int_equal(refused, 2);
	assert_memory_equal(before, r, sizeof(r));
	l[2].cost = 3;
	assert_true(limit_reserve(r, l, 3, tokens, &refused));
	assert_memory_not_equal(before, r, sizeof(r));
}

/* Another amount keeps the count; another period or kind begins anew. */
static void
test_changes(void **state)
{
	struct limit_record r = { 0 };
	struct mr_limit l = hour;
	struct mr_limit_state s;
	uint64_t token;

	(void)state;
	l.cost = 8;
	assert_true(at(&r, l, S, &token));
	l.amount = 100;
	l.cost = 93;
	assert_false(at(&r, l, S, NULL));
	l.cost = 92;
	assert_true(at(&r, l, S, NULL));
	l.amount = -1;
	l.cost = LIMIT_AMOUNT;
	assert_true(at(&r, l, S, NULL));
	limit_show(&r, &l, &s);
	assert_int_equal(s.free, INT64_MAX);
	assert_int_equal(s.used, 100 + LIMIT_AMOUNT);
	l.amount = 10;
	limit_show(&r, &l, &s);
	assert_int_equal(s.free, 0);
	assert_int_equal(s.retry_ms, -1);
	l.period_ms *= 2;
	l.cost = 1;
	assert_true(at(&r, l, S, NULL));
	limit_show(&r, &l, &s);
	assert_int_equal(s.used, 1);
	l.period_ms /= 2;
	assert_true(at(&r, l, S, NULL));
	/* Of the first life under that period. */
	assert_false(limit_refund(&r, &l, token));
}

/* Slots have numbers far over 2^32, and units do not fit 16 bits. */
static void
test_wide(void **state)
{
	struct mr_limit l = { .kind = MR_LIMIT_WINDOW,
		.amount = LIMIT_AMOUNT,
		.period_ms = 1000,
		.cost = 70000 };
	/* Two slots whose numbers differ by 2^32. */
	const int64_t width = limit_slot_us(1000);
	const int64_t t0 = ((INT64_C(7) << 32) + 5) * width;
	const int64_t t1 = ((INT64_C(8) << 32) + 5) * width;
	struct limit_record r = { 0 };
	char bytes[LIMIT_RECORD_MOST];
	struct mr_limit_state s;
	uint64_t token;

	(void)state;
	assert_true(at(&r, l, t0, &token));
	assert_true(
	    limit_decode((struct span){ bytes, limit_encode(&r, bytes) }, &r));
	limit_show(&r, &l, &s);
	assert_int_equal(s.used, 70000);
	assert_true(at(&r, l, t1, NULL));
	limit_show(&r, &l, &s);
	assert_int_equal(s.used, 70000);
	assert_false(limit_refund(&r, &l, token));
	limit_show(&r, &l, &s);
	assert_int_equal(s.used, 70000);
}

static const struct valid_case {
	struct mr_limit limit;
	bool valid;
} valid_cases[] = {
	{ { .kind = 1, .amount = 0, .period_ms = 1000 }, true },
	{ { .kind = 1, .amount = -1, .period_ms = 1000 }, true },
	{ { .kind = 1, .amount = LIMIT_AMOUNT + 1, .period_ms = 1000 }, false },
	{ { .kind = 1, .period_ms = 999 }, false },
	{ { .kind = 1, .period_ms = 400 * LIMIT_DAY_MS }, true },
	{ { .kind = 1, .period_ms = 400 * LIMIT_DAY_MS + 1 }, false },
	{ { .kind = 1, .period_ms = 1000, .cost = -1 }, false },
	{ { .kind = 1, .period_ms = 1000, .cost = LIMIT_AMOUNT + 1 }, false },
	{ { .kind = 2, .amount = 1, .burst = 1, .period_ms = 1000 }, true },
	{ { .kind = 2, .amount = 0, .burst = 1, .period_ms = 1000 }, false },
	{ { .kind = 2, .amount = 1, .burst = 0, .period_ms = 1000 }, false },
	{ { .kind = 2,
	      .amount = 1,
	      .burst = INT64_C(1) << 42,
	      .period_ms = 1024 },
	    true },
	{ { .kind = 2,
	      .amount = 1,
	      .burst = (INT64_C(1) << 42) + 1,
	      .period_ms = 1024 },
	    false },
	{ { .kind = 0, .amount = 1, .period_ms = 1000 }, false },
	{ { .kind = 3, .amount = 1, .period_ms = 1000 }, false },
};

static void
test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(valid_cases); i++)
		if (limit_valid(&valid_cases[i].limit) != valid_cases[i].valid)
			fail_msg("case %zu", i);
}

/* An hour, two units in slot 5 of the ring; a byte changed. */
static const struct decode_case {
	size_t at, n;
	unsigned char byte;
	bool ok;
} decode_cases[] = {
	{ 0, 85, 1, true },
	{ 0, 85, 2, false }, /* version */
	{ 1, 85, 2, false },
	{ 1, 85, 0, false }, /* kind */
	{ 2, 85, 2, false },
	{ 2, 85, 3, false }, /* width */
	{ 3, 85, 1, false },
	{ 4, 85, 9, true }, /* gen */
	{ 7, 85, 1, false },
	{ 12, 85, 255, false }, /* period */
	{ 13, 85, 1, false },
	{ 23, 85, 1, false }, /* time */
	{ 30, 85, 255, true },
	{ 30, 84, 1, false },
	{ 30, 86, 1, false },
	{ 0, 23, 1, false },
	{ 0, 0, 1, false },
};

static void
test_decode(void **state)
{
	struct limit_record r = { 0 }, back;
	char bytes[LIMIT_RECORD_MOST + 1], again[LIMIT_RECORD_MOST];
	struct mr_limit l = hour;

	(void)state;
	l.cost = 2;
	at(&r, l, 5 * INT64_C(60) * S, NULL);
	assert_int_equal(limit_encode(&r, bytes), 85);
	for (size_t i = 0; i < COUNT(decode_cases); i++) {
		const struct decode_case *c = &decode_cases[i];
		struct span in = { bytes, c->n };

		limit_encode(&r, bytes);
		bytes[c->at] = (char)c->byte;
		if (limit_decode(in, &back) != c->ok)
			fail_msg("case %zu", i);
		if (!c->ok)
			assert_int_equal(back.kind, 0);
		else
			assert_memory_equal(
			    again, bytes, limit_encode(&back, again));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_refund),
		cmocka_unit_test(test_all_or_none),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
