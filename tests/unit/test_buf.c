/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void
test_grows(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		buf_char(&b, (char)('a' + i % 26));
		assert_int_equal(b.n, i + 1);
		assert_int_equal(b.p[b.n], '\0');
		assert_true(b.size > b.n);
	}
	assert_memory_equal(b.p + 26 * 380, "abcdefghijklmnopqrst", 20);
	buf_finish(&b);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.size, 0);
}

static void
test_nothing_put_is_a_text(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_put(&b, NULL, 0);
	assert_string_equal(b.p, "");
	buf_finish(&b);
	buf_finish(&b);
}

static void
test_bytes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_put(&b, "a\0b", 3);
	buf_text(&b, "cd");
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.p, "a\0bcd", 6);
	buf_finish(&b);
}

/* Each length around the sizes at which the buffer grows. */
static void
test_printf(void **state)
{
	char want[300];

	(void)state;
	memset(want, 'x', sizeof(want));
	for (int n = 0; n < 299; n++) {
		struct buf b = { 0 };

		buf_printf(&b, "%.*s", n, want);
		buf_printf(&b, "<%d>", n);
		assert_int_equal(b.n, strlen(b.p));
		assert_memory_equal(b.p, want, (size_t)n);
		assert_int_equal(b.p[n], '<');
		assert_int_equal(b.p[b.n - 1], '>');
		buf_finish(&b);
	}
}

static void
test_cut_and_drop(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_cut(&b, 0);
	buf_drop(&b, 0);
	buf_text(&b, "abcdef");
	buf_cut(&b, 4);
	assert_string_equal(b.p, "abcd");
	buf_drop(&b, 1);
	assert_string_equal(b.p, "bcd");
	assert_int_equal(b.n, 3);
	buf_drop(&b, 3);
	assert_string_equal(b.p, "");
	buf_text(&b, "g");
	assert_string_equal(b.p, "g");
	buf_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_nothing_put_is_a_text),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_cut_and_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
