/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What <millrace/store.h> promises, asked of the service on an embedded store
 * and of the fake that plugins are tested with: both must answer alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"
#include "base/memory.h"
#include "config/config.h"
#include "service/service.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct mr_store_service *s;
static struct fake f;
static struct mr_ctx *c = &f.ctx;

static struct mr_bytes
text(const char *p)
{
	return (struct mr_bytes){ p, (uint32_t)strlen(p) };
}

static const struct mr_bytes none = { "", 0 };

static struct mr_limit
window(const char *key, int64_t amount, int64_t cost)
{
	return (struct mr_limit){ .key = text(key),
		.kind = MR_LIMIT_WINDOW,
		.amount = amount,
		.period_ms = 3600000,
		.cost = cost };
}

static void
test_limits(void **state)
{
	struct mr_limit l[2] = { window("a", 5, 2), window("b", 3, 1) };
	struct mr_limit_state st[2], first[2];
	uint32_t refused = 9;

	(void)state;
	l[1].kind = MR_LIMIT_RATE;
	l[1].amount = 1;
	l[1].burst = 3;
	assert_int_equal(s->reserve(c, text("g"), l, 2, text("n"), first, NULL),
	    MR_STORE_OK);
	assert_int_equal(first[0].used, 2);
	assert_int_equal(first[0].free, 3);
	assert_int_equal(first[0].retry_ms, 0);
	assert_int_equal(first[1].used, 1);
	assert_int_equal(first[1].free, 2);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, text("n"), st, NULL), MR_STORE_OK);
	assert_int_equal(st[0].flags, MR_LIMIT_REPEATED);
	assert_true(st[0].token == first[0].token);
	assert_int_equal(st[0].used, 2);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, none, st, &refused), MR_STORE_OK);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, none, st, &refused), MR_STORE_OVER);
	assert_int_equal(refused, 0);
	assert_int_equal(st[0].free, 1);
	assert_true(st[0].retry_ms >= 3590000);
	assert_int_equal(st[1].free, 1);
	l[0].amount = 6;
	l[0].cost = l[1].cost = 0; /* only look, whatever is left */
	l[1].amount = 1;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, none, st, &refused), MR_STORE_OK);
	assert_int_equal(st[0].free, 2);
	l[0].cost = 7;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, none, st, &refused), MR_STORE_OVER);
	assert_int_equal(st[0].retry_ms, -1);
	l[0].amount = -1;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, &refused), MR_STORE_OK);
	assert_true(st[0].free == INT64_MAX);
	assert_int_equal(st[0].used, 11);
}

static void
test_refund(void **state)
{
	struct mr_limit l[1] = { window("a", 5, 3) };
	struct mr_limit_state st[1], first[1];

	(void)state;
	s->reserve(c, text("g"), l, 1, text("n"), first, NULL);
	l[0].cost = 1;
	/* A part: the name stays known. */
	assert_int_equal(
	    s->refund(c, text("g"), l, first, 1, none), MR_STORE_OK);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, text("n"), st, NULL), MR_STORE_OK);
	assert_int_equal(st[0].used, 2);
	l[0].cost = 2;
	assert_int_equal(
	    s->refund(c, text("g"), l, first, 1, text("n")), MR_STORE_OK);
	assert_int_equal(
	    s->refund(c, text("g"), l, first, 1, text("n")), MR_STORE_NONE);
	l[0].cost = 5;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, text("n"), st, NULL), MR_STORE_OK);
	assert_int_equal(st[0].used, 5);
	/* Forgotten, and then given back: not twice. */
	assert_int_equal(s->reset(c, text("g"), l, 1), MR_STORE_OK);
	l[0].cost = 3;
	s->reserve(c, text("g"), l, 1, none, first, NULL);
	l[0].cost = 5;
	assert_int_equal(
	    s->refund(c, text("g"), l, st, 1, text("n")), MR_STORE_OK);
	l[0].cost = 0;
	s->reserve(c, text("g"), l, 1, none, st, NULL);
	assert_int_equal(st[0].used, 3);
}

static void
test_bad(void **state)
{
	static char big[65537];
	struct mr_limit l[33] = { { .cost = 0 } };
	struct mr_limit_state st[33];
	struct mr_bytes v;
	uint32_t n;
	int64_t now;
	bool fresh;

	(void)state;
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 33; i++)
		l[i] = window(&"0123456789abcdefghijklmnopqrstuvwxyz"[i], 5, 1);
	assert_int_equal(
	    s->reserve(c, none, l, 1, none, st, NULL), MR_STORE_BAD);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 0, none, st, NULL), MR_STORE_BAD);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 33, none, st, NULL), MR_STORE_BAD);
	assert_int_equal(
	    s->reserve(c, text("g"), l, 32, none, st, NULL), MR_STORE_OK);
	l[1] = l[0];
	assert_int_equal(
	    s->reserve(c, text("g"), l, 2, none, st, NULL), MR_STORE_BAD);
	l[0].period_ms = 999;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_BAD);
	v = (struct mr_bytes){ big, 401 };
	assert_int_equal(s->set(c, v, text("k"), none, 0), MR_STORE_BAD);
	assert_int_equal(s->set(c, text("k"), v, none, 0), MR_STORE_BAD);
	v.n = 400;
	assert_int_equal(s->set(c, text("g"), v, none, 0), MR_STORE_OK);
	assert_int_equal(s->set(c, v, v, none, 0), MR_STORE_BAD);
	v.n = 65537;
	assert_int_equal(s->set(c, text("g"), text("k"), v, 0), MR_STORE_BAD);
	assert_int_equal(
	    s->set(c, text("g"), text("k"), none, -1), MR_STORE_BAD);
	assert_int_equal(s->get(c, text("g"), none, &v), MR_STORE_BAD);
	assert_int_equal(
	    s->distinct(c, text("g"), text("k"), text("m"), 0, 0, &n, &fresh),
	    MR_STORE_BAD);
	assert_int_equal(
	    s->distinct(c, text("g"), text("k"), text("m"), 257, 0, &n, &fresh),
	    MR_STORE_BAD);
	s->set(c, text("g"), text("k"), text("seven"), 0);
	assert_int_equal(
	    s->count(c, text("g"), text("k"), 1, 0, &now), MR_STORE_BAD);
}

static void
test_values(void **state)
{
	const char bytes[] = "a\0\r\n*1\r\n$3\r\n";
	struct mr_bytes v, odd = { bytes, sizeof(bytes) };
	int64_t now;

	(void)state;
	assert_int_equal(s->get(c, text("g"), odd, &v), MR_STORE_NONE);
	assert_int_equal(s->add(c, text("g"), odd, odd, 0), MR_STORE_OK);
	assert_int_equal(s->add(c, text("g"), odd, none, 0), MR_STORE_OVER);
	assert_int_equal(s->get(c, text("g"), odd, &v), MR_STORE_OK);
	assert_int_equal(v.n, odd.n);
	assert_memory_equal(v.p, bytes, odd.n);
	assert_int_equal(s->remove(c, text("g"), odd), MR_STORE_OK);
	assert_int_equal(s->remove(c, text("g"), odd), MR_STORE_NONE);
	assert_int_equal(
	    s->count(c, text("g"), text("n"), 41, 0, &now), MR_STORE_OK);
	assert_int_equal(
	    s->count(c, text("g"), text("n"), 1, 0, &now), MR_STORE_OK);
	assert_int_equal(now, 42);
	assert_int_equal(s->get(c, text("g"), text("n"), &v), MR_STORE_OK);
	assert_string_equal(v.p, "42");
}

static void
test_distinct(void **state)
{
	static const struct {
		const char *member;
		uint32_t distinct;
		bool fresh;
	} rows[] = {
		{ "a", 1, true },
		{ "b", 2, true },
		{ "a", 2, false },
		{ "c", 2, true },
		{ "b", 2, true },
		{ "c", 2, false },
	};
	uint32_t n;
	bool fresh;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		fake_store.now_ms++;
		assert_int_equal(s->distinct(c, text("g"), text("k"),
				     text(rows[i].member), 2, 0, &n, &fresh),
		    MR_STORE_OK);
		assert_int_equal(n, rows[i].distinct);
		assert_int_equal(fresh, rows[i].fresh);
	}
}

static bool
see(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	unsigned *sum = arg;

	*sum += key.n * 100 + value.n;
	return true;
}

static bool
see_group(void *arg, struct mr_bytes group)
{
	unsigned *sum = arg;

	*sum += 1000 + group.n;
	return true;
}

static void
test_listing(void **state)
{
	struct mr_limit l[1] = { window("limit", 5, 1) };
	struct mr_limit_state st[1];
	unsigned sum = 0;
	uint32_t n;
	bool fresh;

	(void)state;
	s->reserve(c, text("g"), l, 1, text("name"), st, NULL);
	s->reserve(c, text("g"), l, 1, none, st, NULL);
	s->set(c, text("g"), text("val"), text("x"), 0);
	s->set(c, text("other"), text("val"), text("x"), 0);
	s->distinct(c, text("g"), text("set"), text("x"), 2, 0, &n, &fresh);
	s->distinct(c, text("g"), text("set"), text("y"), 2, 0, &n, &fresh);
	s->each(c, text("g"), none, see, &sum);
	assert_int_equal(sum, 500 + 301 + 300);
	sum = 0;
	s->each(c, text("g"), text("v"), see, &sum);
	assert_int_equal(sum, 301);
	sum = 0;
	s->groups(c, none, see_group, &sum);
	assert_int_equal(sum, 1001 + 1005);
	sum = 0;
	s->groups(c, text("o"), see_group, &sum);
	assert_int_equal(sum, 1005);
	assert_false(s->shared(&n));
	assert_int_equal(n, 1);
}

static void
test_dry_run(void **state)
{
	struct mr_limit l[1] = { window("a", 5, 4) };
	struct mr_limit_state st[1];
	struct mr_bytes v;
	int64_t now;

	(void)state;
	c->dry_run = true;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    s->reserve(c, text("g"), l, 1, text("n"), st, NULL),
		    MR_STORE_OK);
		assert_int_equal(
		    s->add(c, text("g"), text("k"), none, 0), MR_STORE_OK);
		assert_int_equal(
		    s->count(c, text("g"), text("k"), 4, 0, &now), MR_STORE_OK);
		assert_int_equal(now, 4);
	}
	assert_int_equal(s->get(c, text("g"), text("k"), &v), MR_STORE_NONE);
	c->dry_run = false;
}

/* --- both --- */

static char folder[] = "/tmp/millrace-service-XXXXXX";

static void
remove_store(void)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "shared",
		"clean" };

	for (size_t i = 0; i < COUNT(files); i++) {
		char *path = memory_printf("%s/%s", folder, files[i]);

		unlink(path);
		free(path);
	}
}

static int
start_real(void **state)
{
	static struct config config;
	static char url[64];

	(void)state;
	fake_init(&f, &mr_plugin_null);
	snprintf(url, sizeof(url), "lmdb:%s", folder);
	config.globals.store = url;
	config.globals.store_size = 32 << 20;
	config.globals.store_timeout = 5000;
	service_prepare(&config, false);
	s = service_find(MR_STORE_SERVICE);
	return s == NULL;
}

static int
stop_real(void **state)
{
	(void)state;
	service_finish();
	remove_store();
	fake_finish(&f);
	return 0;
}

static int
start_fake(void **state)
{
	(void)state;
	fake_init(&f, &mr_plugin_null);
	fake_store_clear();
	s = f.host.service(&f.host, MR_STORE_SERVICE);
	return s == NULL;
}

static int
stop_fake(void **state)
{
	(void)state;
	fake_finish(&f);
	return 0;
}

/* Only the fake: time passes, nobody answers, a part is taken. */
static void
test_fake(void **state)
{
	struct mr_limit l[1] = { window("a", 8, 4) };
	struct mr_limit_state st[1];

	(void)state;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_OK);
	fake_store.now_ms += 3600000;
	l[0].cost = 8;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_OK);
	fake_store.now_ms += 3600000;
	fake_store.down = true;
	fake_store.hosts = 2;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_DOWN);
	l[0].share = true;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_OVER);
	l[0].cost = 2;
	assert_int_equal(
	    s->reserve(c, text("g"), l, 1, none, st, NULL), MR_STORE_OK);
	assert_int_equal(st[0].flags, MR_LIMIT_ALONE);
	assert_int_equal(st[0].free, 0);
}

#define REAL(t) cmocka_unit_test_setup_teardown(t, start_real, stop_real)
#define FAKE(t) cmocka_unit_test_setup_teardown(t, start_fake, stop_fake)
#define BOTH(t) REAL(t), FAKE(t)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_limits),
		BOTH(test_refund),
		BOTH(test_bad),
		BOTH(test_values),
		BOTH(test_distinct),
		BOTH(test_listing),
		BOTH(test_dry_run),
		FAKE(test_fake),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
