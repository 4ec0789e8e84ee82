/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nearest.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[] = {
	"listener",
	"chain",
	"socket",
	"softfail",
	"fail",
	"on-error",
	"deadline",
	"mode",
	"tls",
	"a-name-that-is-longer-than-any-that-one-would-like-to-type",
};

static const struct nearest_case {
	const char *wrong;
	const char *best;
	size_t distance;
} cases[] = {
	{ "listner", "listener", 1 },   /* left out */
	{ "listenerr", "listener", 1 }, /* added */
	{ "sokcet", "socket", 1 },      /* swapped */
	{ "chaim", "chain", 1 },        /* changed */
	{ "Chain", "chain", 0 },
	{ "on_error", "on-error", 0 },
	{ "soft-fail", "softfail", 1 },
	{ "deadlines", "deadline", 1 },
	{ "mdoe", "mode", 1 },
	{ "tsl", "tls", 1 },
	{ "dedlime", "deadline", 2 },
	{ "fial", "fail", 1 },
	{ "", NULL, 0 },
	{ "x", NULL, 0 },
	{ "database", NULL, 0 },
	{ "zzzzzz", NULL, 0 },
	{ "a-name-that-is-longer-than-any-that-one-would-like-to-typo", NULL,
	    0 },
};

static void
test_nearest(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nearest n = { .wrong = cases[i].wrong };

		for (size_t k = 0; k < COUNT(names); k++)
			nearest_offer(&n, names[k]);
		if (cases[i].best == NULL) {
			assert_null(n.best);
			continue;
		}
		assert_non_null(n.best);
		assert_string_equal(n.best, cases[i].best);
		assert_int_equal(n.distance, cases[i].distance);
	}
}

static void
test_first_of_equals(void **state)
{
	struct nearest n = { .wrong = "cat" };

	(void)state;
	nearest_offer(&n, "car");
	nearest_offer(&n, "can");
	assert_string_equal(n.best, "car");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_first_of_equals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
