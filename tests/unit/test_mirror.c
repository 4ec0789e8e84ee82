/* SPDX-License-Identifier: Apache-2.0 */
/* What a host decides alone, and what it tells afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/mirror.h"

static char folder[] = "/tmp/millrace-mirror-XXXXXX";
static struct mirror *m;

static void
open_mirror(void)
{
	char *why;

	m = mirror_open(folder, 16 << 20, &why);
	if (m == NULL)
		fail_msg("%s", why);
}

static int
setup(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	if (mkdtemp(folder) == NULL)
		return 1;
	open_mirror();
	return 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "shared",
		"clean" };
	char path[64];

	(void)state;
	mirror_close(&m);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static const struct store_call *
call(bool dry_run)
{
	static struct store_call c;

	c = (struct store_call){ clock_steady_us() + 5000000, dry_run };
	return &c;
}

static struct mr_limit limits[2] = {
	{ .key = { "a", 1 },
	    .kind = MR_LIMIT_WINDOW,
	    .amount = 60,
	    .period_ms = 3600000,
	    .cost = 1 },
	{ .key = { "b", 1 },
	    .kind = MR_LIMIT_RATE,
	    .amount = 60,
	    .burst = 60,
	    .period_ms = 3600000,
	    .cost = 1 },
};

static struct store_limits
query(uint32_t n, int64_t cost, const char *once)
{
	limits[0].cost = limits[1].cost = cost;
	return (struct store_limits){ { "g", 1 }, limits, n,
		{ once, (uint32_t)strlen(once) } };
}

static void
name(struct buf *b, struct mr_bytes group, const struct mr_limit *l)
{
	buf_put(b, group.p, group.n);
	buf_put(b, l->key.p, l->key.n);
}

static mr_store_status
reserve(uint32_t n, int64_t cost, const char *once, struct mr_limit_state *s)
{
	struct store_limits q = query(n, cost, once);
	uint32_t refused;

	return mirror_reserve(m, call(false), &q, name, s, &refused);
}

static void
test_part(void **state)
{
	struct store_limits q;
	struct mr_limit_state s[2];

	(void)state;
	/* Nobody was ever heard of. */
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_DOWN);
	mirror_heard_hosts(m, 3);
	q = query(1, 4, "");
	mirror_took(m, call(false), &q, mirror_now_us(m));
	/* 60 / 6 are its own, 4 of them are taken. */
	assert_int_equal(reserve(2, 7, "", s), MR_STORE_OVER);
	assert_int_equal(s[0].free, 6);
	assert_int_equal(s[0].flags, MR_LIMIT_ALONE);
	assert_int_equal(reserve(2, 6, "x", s), MR_STORE_OK);
	assert_int_equal(s[0].free, 0);
	assert_int_equal(s[1].free, 4);
	assert_int_equal(reserve(2, 6, "x", s), MR_STORE_OK);
	assert_int_equal(s[0].flags, MR_LIMIT_ALONE | MR_LIMIT_REPEATED);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
	/* Fewer hosts: the most of the last minutes counts. */
	mirror_heard_hosts(m, 1);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
	mirror_heard_hosts(m, 6);
	assert_int_equal(mirror_hosts(m), 6);
}

/* The processes of a host share it, and it outlives them. */
static void
test_it_stays(void **state)
{
	char host[MIRROR_HOST];
	struct mr_limit_state s[2];

	(void)state;
	mirror_heard_hosts(m, 1);
	assert_int_equal(reserve(1, 30, "", s), MR_STORE_OK);
	snprintf(host, sizeof(host), "%s", mirror_host(m));
	assert_int_equal(strlen(host), MIRROR_HOST - 1);
	mirror_close(&m);
	open_mirror();
	assert_string_equal(mirror_host(m), host);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
}

static void
test_hot(void **state)
{
	const struct mr_bytes hot = { "ga", 2 };
	struct mr_limit_state s[2];
	int64_t now = mirror_now_us(m);

	(void)state;
	mirror_heard_hosts(m, 2);
	mirror_heard_hot(m, hot, 40, 3600000, now);
	mirror_heard_all(m, now, now);
	/* 20 are left, half of them for each. */
	assert_int_equal(reserve(1, 11, "", s), MR_STORE_OVER);
	assert_int_equal(reserve(1, 10, "", s), MR_STORE_OK);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
	/* All used: nothing is left. */
	mirror_heard_hot(m, hot, 61, 3600000, now);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
	/* More than a period ago: it is as if never used. */
	mirror_heard_hot(m, hot, 60, 3600000, now - INT64_C(3700) * 1000000);
	assert_int_equal(reserve(1, 5, "", s), MR_STORE_OK);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
}

static int64_t
pending_units(struct mirror_delta *d)
{
	int64_t sum = 0;

	if (!mirror_pending(m, d))
		return -1;
	for (unsigned i = 0; i < d->n; i++)
		sum += d->units[i];
	return sum;
}

static void
test_pending(void **state)
{
	struct mirror_delta d = { .n = 0 };
	struct mr_limit_state s[2], first[2];
	struct store_limits q;
	char nonce[128];

	(void)state;
	assert_int_equal(pending_units(&d), -1);
	mirror_heard_hosts(m, 1);
	assert_int_equal(reserve(1, 4, "x", first), MR_STORE_OK);
	assert_int_equal(reserve(1, 5, "", s), MR_STORE_OK);
	/* Given back before it was told. */
	q = query(1, 4, "x");
	assert_int_equal(mirror_refund(m, call(false), &q, first), MR_STORE_OK);
	assert_int_equal(
	    mirror_refund(m, call(false), &q, first), MR_STORE_NONE);
	assert_int_equal(pending_units(&d), 5);
	assert_int_equal(d.group.n, 1);
	assert_memory_equal(d.key.p, "a", 1);
	snprintf(nonce, sizeof(nonce), "%s", d.nonce);
	/* Until it has been told it is the same; what comes later is not. */
	assert_int_equal(reserve(1, 2, "", s), MR_STORE_OK);
	assert_int_equal(pending_units(&d), 5);
	assert_string_equal(d.nonce, nonce);
	mirror_told(m, &d);
	assert_int_equal(pending_units(&d), 2);
	assert_string_not_equal(d.nonce, nonce);
	/* Told: it is the shared store's now. */
	q = query(1, 2, "");
	assert_int_equal(mirror_refund(m, call(false), &q, s), MR_STORE_OK);
	assert_int_equal(pending_units(&d), 2);
	mirror_told(m, &d);
	assert_int_equal(pending_units(&d), -1);
	mirror_delta_finish(&d);
}

static void
test_epoch(void **state)
{
	struct store_limits q = query(1, 4, "");
	struct mirror_delta d = { .n = 0 };
	struct buf at = { 0 };
	struct mr_limit_state s[2];
	char epoch[MIRROR_EPOCH];
	int64_t now = mirror_now_us(m), hour = INT64_C(3600) * 1000000;

	(void)state;
	mirror_epoch(m, epoch);
	assert_string_equal(epoch, "");
	mirror_heard_hosts(m, 1);
	mirror_took(m, call(false), &q, now);
	assert_int_equal(reserve(1, 5, "", s), MR_STORE_OK);
	/* What was taken later was told to the new one already. */
	assert_true(mirror_own(m, &at, now - hour, "new 1", &d));
	assert_int_equal(d.n, 0);
	assert_false(mirror_own(m, &at, now - hour, "new 1", &d));
	buf_cut(&at, 0);
	assert_true(mirror_own(m, &at, now, "new 1", &d));
	assert_int_equal(d.n, 1);
	assert_int_equal(d.units[0], 9);
	assert_non_null(strstr(d.nonce, ":new:1"));
	mirror_set_epoch(m, "new 1", now + hour);
	mirror_epoch(m, epoch);
	assert_string_equal(epoch, "new 1");
	/* It was among what has been told. */
	assert_int_equal(pending_units(&d), 0);
	buf_finish(&at);
	mirror_delta_finish(&d);
}

static void
test_refund_and_reset(void **state)
{
	struct store_limits q = query(1, 20, "");
	struct mr_limit_state s[2];
	int64_t now = mirror_now_us(m);

	(void)state;
	mirror_heard_hosts(m, 1);
	mirror_took(m, call(false), &q, now);
	/* The token of the shared store: its own generation, the same slot. */
	s[0].token =
	    limit_token_of(77, (uint64_t)(now / limit_slot_us(3600000)));
	mirror_gave_back(m, call(false), &q, s);
	assert_int_equal(reserve(1, 30, "", s), MR_STORE_OK);
	assert_int_equal(reserve(1, 1, "", s), MR_STORE_OVER);
	mirror_forgot(m, call(false), &q);
	assert_int_equal(reserve(1, 30, "", s), MR_STORE_OK);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_part),
		EACH(test_it_stays),
		EACH(test_hot),
		EACH(test_pending),
		EACH(test_epoch),
		EACH(test_refund_and_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
