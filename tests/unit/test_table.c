/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int one, two, three;

static const struct key_case {
	const char *put, *get;
	bool exact, nocase; /* found? */
} key_cases[] = {
	{ "spf", "spf", true, true },
	{ "Spf", "sPF", false, true },
	{ "", "", true, true },
	{ "spf", "sp", false, false },
	{ "spf", "spf2", false, false },
	{ "a long key of 24 bytes..", "A LONG KEY of 24 bytes..", false, true },
};

static void
test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(key_cases) * 2; i++) {
		const struct key_case *c = &key_cases[i / 2];
		struct table *t = table_create(i % 2 == 1);
		bool want = i % 2 == 1 ? c->nocase : c->exact;

		assert_null(table_get(t, span_of(c->get)));
		assert_null(table_put(t, span_of(c->put), &one));
		assert_ptr_equal(
		    table_get(t, span_of(c->get)), want ? &one : NULL);
		table_destroy(&t, NULL);
		assert_null(t);
		table_destroy(&t, NULL);
	}
}

static void
test_keys_are_bytes(void **state)
{
	struct table *t = table_create(false);

	(void)state;
	table_put(t, (struct span){ "a\0b", 3 }, &one);
	table_put(t, (struct span){ "a\0c", 3 }, &two);
	table_put(t, (struct span){ "a", 1 }, &three);
	assert_ptr_equal(table_get(t, (struct span){ "a\0b", 3 }), &one);
	assert_ptr_equal(table_get(t, (struct span){ "a\0c", 3 }), &two);
	assert_ptr_equal(table_get(t, span_of("a")), &three);
	table_destroy(&t, NULL);
}

static void
test_put_again(void **state)
{
	struct table *t = table_create(true);
	char key[] = "key";

	(void)state;
	assert_null(table_put(t, span_of(key), &one));
	memset(key, 'x', 3); /* it has its own copy */
	assert_ptr_equal(table_put(t, span_of("KEY"), &two), &one);
	assert_ptr_equal(table_get(t, span_of("key")), &two);
	assert_int_equal(table_count(t), 1);
	table_destroy(&t, NULL);
}

struct seen {
	size_t n;
	bool in_order;
};

static void
see(const char *key, void *value, void *arg)
{
	struct seen *s = arg;

	s->in_order &= (size_t)atoi(key) == s->n;
	s->in_order &= strcmp(key, value) == 0;
	s->n++;
}

static void
test_many(void **state)
{
	struct table *t = table_create(false);
	struct seen seen = { 0, true };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char *key = memory_printf("%d", i);

		assert_null(table_put(t, span_of(key), key));
	}
	assert_int_equal(table_count(t), 20000);
	for (int i = 0; i < 20000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", i);
		assert_string_equal(table_get(t, span_of(key)), key);
	}
	assert_null(table_get(t, span_of("20000")));
	table_each(t, see, &seen);
	assert_int_equal(seen.n, 20000);
	assert_true(seen.in_order);
	table_destroy(&t, free); /* the sanitizer sees what is left */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_keys_are_bytes),
		cmocka_unit_test(test_put_again),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
