/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing, caching and giving up look-ups, over a resolver that a test plays.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/dns_lookups.h"

enum { US = 1000000, LONG_US = 30 * US };

/* Questions that wait for the test to answer them. */
static struct {
	pthread_mutex_t lock;
	struct dns_question *open[4096];
	unsigned count, asked;
	bool broken;
} played = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
ask(struct dns_resolver *r, const char *name, struct dns_question *q)
{
	(void)r;
	(void)name;
	if (played.broken)
		return false;
	pthread_mutex_lock(&played.lock);
	played.open[played.count++] = q;
	played.asked++;
	pthread_mutex_unlock(&played.lock);
	return true;
}

static void
answer_all(mr_dns_status status, const char *text, uint32_t ttl)
{
	struct span rdata = span_of(text);

	pthread_mutex_lock(&played.lock);
	while (played.count > 0) {
		struct dns_question *q = played.open[--played.count];
		struct dns_answer *a =
		    status == MR_DNS_OK
			? dns_answer_decode(q->type, &rdata, 1, 65536)
			: dns_answer_empty(
			      status, status == MR_DNS_TEMPFAIL ? text : NULL);

		a->answer.ttl = ttl;
		q->answered(q, a);
	}
	pthread_mutex_unlock(&played.lock);
}

static struct lookups *
begin(size_t size, int64_t timeout_us)
{
	struct lookups_settings s = {
		.ask = ask, .size = size, .timeout_us = timeout_us
	};

	played.count = played.asked = 0;
	played.broken = false;
	return lookups_create(&s);
}

static struct dns_answer *
get(struct lookups *l, const char *name, int64_t wait_us,
    struct lookups_wait *w)
{
	int64_t now = clock_steady_us();

	*w = (struct lookups_wait){ .never_us = now + LONG_US,
		.until_us = wait_us != 0 ? now + wait_us : 0 };
	return lookups_get(l, name, MR_DNS_TXT, w);
}

static void
expect(struct lookups *l, const char *name, mr_dns_status status,
    enum lookup_way way, const char *text)
{
	struct lookups_wait w;
	struct dns_answer *a = get(l, name, 1000, &w);

	assert_int_equal(a->answer.status, status);
	assert_int_equal(w.way, way);
	if (text != NULL)
		assert_string_equal(a->answer.records[0].data, text);
	dns_answer_drop(&a);
}

static void
test_prefetch_and_cache(void **state)
{
	struct lookups *l = begin(1 << 20, LONG_US);
	struct lookups_wait w;
	struct dns_answer *a;

	(void)state;
	assert_false(lookups_done(l, "a.example", MR_DNS_TXT));
	assert_true(lookups_begin(l, "a.example", MR_DNS_TXT));
	assert_false(lookups_begin(l, "a.example", MR_DNS_TXT));
	assert_true(lookups_begin(l, "a.example", MR_DNS_A));
	assert_false(lookups_done(l, "a.example", MR_DNS_TXT));
	assert_int_equal(played.asked, 2);
	/* A waiter of its own limit gives up; the look-up goes on. */
	a = get(l, "a.example", 1000, &w);
	assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
	assert_int_equal(w.way, LOOKUP_JOINED);
	assert_true(w.timed_out);
	dns_answer_drop(&a);
	played.open[1]->answered(
	    played.open[1], dns_answer_empty(MR_DNS_NODATA, NULL));
	played.count = 1;
	answer_all(MR_DNS_OK, "\3abc", 100);
	a = get(l, "a.example", 0, &w);
	assert_int_equal(w.way, LOOKUP_HIT);
	assert_in_range(w.ttl, 99, 100);
	assert_string_equal(a->answer.records[0].data, "abc");
	dns_answer_drop(&a);
	assert_true(lookups_done(l, "a.example", MR_DNS_TXT));
	assert_false(lookups_done(l, "b.example", MR_DNS_TXT));
	assert_int_equal(played.asked, 2);
	lookups_destroy(&l);
}

/* Its own time is over: all who wait fail, and it is a failure for a while. */
static void
test_timeout(void **state)
{
	struct lookups *l = begin(1 << 20, 20000);
	struct lookups_wait w;
	struct dns_answer *a = get(l, "a.example", 0, &w);

	(void)state;
	assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
	assert_int_equal(w.way, LOOKUP_SENT);
	assert_true(w.timed_out);
	dns_answer_drop(&a);
	a = get(l, "a.example", 0, &w);
	assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
	assert_int_equal(w.way, LOOKUP_HIT);
	dns_answer_drop(&a);
	assert_int_equal(played.asked, 1);
	/* What comes late takes the failure's place. */
	answer_all(MR_DNS_OK, "\4late", 5);
	expect(l, "a.example", MR_DNS_OK, LOOKUP_HIT, "late");
	lookups_destroy(&l);
}

static void
test_failures(void **state)
{
	struct lookups *l = begin(1 << 20, LONG_US);

	(void)state;
	lookups_begin(l, "a.example", MR_DNS_TXT);
	answer_all(MR_DNS_TEMPFAIL, "SERVFAIL", 3600);
	expect(l, "a.example", MR_DNS_TEMPFAIL, LOOKUP_HIT, NULL);
	lookups_begin(l, "b.example", MR_DNS_TXT);
	answer_all(MR_DNS_NXDOMAIN, NULL, 60);
	expect(l, "b.example", MR_DNS_NXDOMAIN, LOOKUP_HIT, NULL);
	played.broken = true;
	expect(l, "c.example", MR_DNS_TEMPFAIL, LOOKUP_JOINED, NULL);
	lookups_destroy(&l);
}

/* The longest unused go first; what is under way stays. */
static void
test_room(void **state)
{
	struct lookups *l = begin(16384, LONG_US);
	char name[32];
	int kept = 0;

	(void)state;
	lookups_begin(l, "waits.example", MR_DNS_TXT);
	played.count = 0; /* the test answers it later */
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		lookups_begin(l, name, MR_DNS_TXT);
		answer_all(MR_DNS_OK, "\3abc", 100);
		expect(l, "0.example", MR_DNS_OK, LOOKUP_HIT, "abc");
	}
	assert_true(lookups_done(l, "0.example", MR_DNS_TXT));
	assert_true(lookups_done(l, "499.example", MR_DNS_TXT));
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		kept += lookups_done(l, name, MR_DNS_TXT);
	}
	assert_in_range(kept, 10, 100);
	assert_false(lookups_begin(l, "waits.example", MR_DNS_TXT));
	lookups_destroy(&l);
}

static void *
wait_for_it(void *lookups)
{
	struct lookups_wait w;
	struct dns_answer *a = get(lookups, "a.example", LONG_US, &w);
	intptr_t ok = a->answer.status == MR_DNS_OK;

	dns_answer_drop(&a);
	return (void *)ok;
}

static void
test_many_wait_for_one(void **state)
{
	struct lookups *l = begin(1 << 20, LONG_US);
	pthread_t threads[8];
	void *ok;

	(void)state;
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, wait_for_it, l);
	while (lookups_begin(l, "a.example", MR_DNS_TXT))
		;
	answer_all(MR_DNS_OK, "\3abc", 100);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &ok);
		assert_non_null(ok);
	}
	assert_int_equal(played.asked, 1);
	lookups_destroy(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefetch_and_cache),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_many_wait_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
