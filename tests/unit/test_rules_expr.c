/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/rules/expr.c"
#include "../../plugins/rules/pool.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Y and what begins with it is found, N is not. */
static const struct expr_case {
	const char *text;
	double want;
} cases[] = {
	{ "Y", 1 },
	{ "N", 0 },
	{ "!N", 1 },
	{ "!!Y", 1 },
	{ "Y && N", 0 },
	{ "Y && !N", 1 },
	{ "N || Y", 1 },
	{ "N || N || Y1", 1 },
	{ "Y || N && N", 1 },
	{ "(Y || N) && N", 0 },
	{ "Y + Y + N", 2 },
	{ "(Y + Y1 + N) >= 2", 1 },
	{ "Y + Y > 2", 0 },
	{ "Y + N == 1", 1 },
	{ "Y + N != 1", 0 },
	{ "2 * Y + 3", 5 },
	{ "2 + 3 * 2", 8 },
	{ "5 - 2 - 1", 2 },
	{ "-Y + 1", 0 },
	{ "1.5 < 2 && 2 <= 2", 1 },
	{ "\tY&&Y1 ", 1 },
	{ "Y.a-b", 1 },
	{ "_N", 0 },
	{ "N && (Y || Y) || Y", 1 },
	{ "Y || N && N + 1", 1 },
	{ "(N && Y) + (Y || N) + (2 || 3)", 2 },
};

static bool
is_found(void *arg, size_t name)
{
	const struct expr *e = arg;

	return e->names[name][0] == 'Y';
}

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pool pool = { NULL };
		const char *why = NULL;
		struct expr *e = expr_parse(&pool, cases[i].text, &why);
		double got;

		if (e == NULL)
			fail_msg("%s: %s", cases[i].text, why);
		got = expr_value(e, is_found, e);
		if (got < cases[i].want || got > cases[i].want)
			fail_msg("%s: %g", cases[i].text, got);
		pool_finish(&pool);
	}
}

static const struct error_case {
	const char *text, *why;
} errors[] = {
	{ "", "something is missing" },
	{ "Y &&", "something is missing" },
	{ "Y N", "an operator must stand" },
	{ "(Y", "a \")\" is missing" },
	{ "Y)", "an operator must stand" },
	{ "&& Y", "a name, number" },
	{ "Y & N", "an operator must stand" },
};

static void
test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct pool pool = { NULL };
		const char *why = NULL;

		assert_null(expr_parse(&pool, errors[i].text, &why));
		if (strncmp(why, errors[i].why, strlen(errors[i].why)) != 0)
			fail_msg("%s: %s", errors[i].text, why);
		pool_finish(&pool);
	}
}

/* Neither nesting nor length can overrun a stack. */
static void
test_limits(void **state)
{
	static const char *const ones[] = { "(", "!", "1+(", "1||(" };

	(void)state;
	for (size_t i = 0; i < COUNT(ones); i++) {
		struct pool pool = { NULL };
		const char *why = NULL;
		size_t n = strlen(ones[i]);
		char *text = pool_alloc(&pool, 10000 * n + 1);

		for (size_t k = 0; k < 10000; k++)
			memcpy(text + k * n, ones[i], n);
		assert_null(expr_parse(&pool, text, &why));
		assert_non_null(strstr(why, "too deep"));
		pool_finish(&pool);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
