/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S        INT64_C(1000000)

static const struct format_case {
	int64_t us;
	const char *want;
} format_cases[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ 1769903999 * S + 123456, "2026-01-31T23:59:59.123Z" },
	{ 1769903999 * S + 999999, "2026-01-31T23:59:59.999Z" },
	{ 951782400 * S, "2000-02-29T00:00:00.000Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ -S, "1969-12-31T23:59:59.000Z" },
};

static void
test_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(format_cases); i++) {
		char text[32];

		clock_format(format_cases[i].us, text);
		assert_string_equal(text, format_cases[i].want);
	}
}

static void
test_format_of_any_number_ends(void **state)
{
	static const int64_t us[] = { INT64_MIN, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(us); i++) {
		char text[33];

		memset(text, '#', sizeof(text));
		clock_format(us[i], text);
		assert_non_null(memchr(text, '\0', 32));
		assert_int_equal(text[32], '#');
	}
}

#define NOW (1769903999 * S) /* 2026-01-31T23:59:59Z */

static const struct since_case {
	const char *text;
	int64_t want; /* seconds, -1: not understood */
} since_cases[] = {
	{ "2026-01-31", 1769817600 },
	{ "2026-01-31T12:00", 1769860800 },
	{ "2026-01-31 12:00", 1769860800 },
	{ "2026-01-31T12:00:30", 1769860830 },
	{ "2026-01-31T23:59:59.123Z", 1769903999 },
	{ "2026-01-31T12:00Z", 1769860800 },
	{ "2000-02-29", 951782400 },
	{ "1970-01-01", 0 },
	{ "30s", 1769903969 },
	{ "10m", 1769903399 },
	{ "3h", 1769893199 },
	{ "2d", 1769731199 },
	{ "1w", 1769299199 },
	{ "0s", 1769903999 },
	{ "999999999w", 0 }, /* before 1970: as far back as there is */
	{ "", -1 },
	{ "now", -1 },
	{ "10", -1 },
	{ "10x", -1 },
	{ "10mm", -1 },
	{ "m", -1 },
	{ " 10m", -1 },
	{ "1.5h", -1 },
	{ "-1h", -1 },
	{ "9999999999d", -1 },
	{ "2026-02-29", -1 },
	{ "2026-13-01", -1 },
	{ "2026-00-01", -1 },
	{ "2026-01-00", -1 },
	{ "2026-1-31", -1 },
	{ "2026-01-31T", -1 },
	{ "2026-01-31T24:00", -1 },
	{ "2026-01-31T12:60", -1 },
	{ "2026-01-31T12:00:61", -1 },
	{ "2026-01-31T12", -1 },
	{ "2026-01-31T12:00:3", -1 },
	{ "2026-01-31T12:00+01:00", -1 },
	{ "2026-01-31x", -1 },
	{ "1960-01-01", -1 },
};

static void
test_since(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(since_cases); i++) {
		const struct since_case *c = &since_cases[i];
		int64_t got = clock_parse_since(c->text, NOW);
		int64_t want = c->want == -1 ? -1 : c->want * S;

		if (got != want)
			print_error("\"%s\"\n", c->text);
		assert_true(got == want);
	}
}

static void
test_now(void **state)
{
	int64_t steady = clock_steady_us();
	time_t t = time(NULL);
	int64_t wall = clock_wall_us();

	(void)state;
	assert_true(wall / S - t >= -1 && wall / S - t < 60);
	for (int i = 0; i < 1000; i++) {
		int64_t next = clock_steady_us();

		assert_true(next >= steady);
		steady = next;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_of_any_number_ends),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
