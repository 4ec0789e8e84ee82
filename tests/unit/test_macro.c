/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/macro.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Done in this order on one set; then everything is looked up. */
static const struct {
	const char *name, *value;
} given[] = {
	{ "i", "4Xk2" },
	{ "{auth_authen}", "alice" },
	{ "tls_version", "TLSv1.2" },
	{ "{tls_version}", "TLSv1.3" },
	{ "j", "" },
	{ "I", "upper" },
	{ "", "nameless" },
	{ "{}", "nameless" },
	{ "{client_ptr}", NULL },
	{ "{rcpt_addr", "half" },
};

static const struct macro_case {
	const char *name, *value;
} cases[] = {
	{ "i", "4Xk2" },
	{ "{i}", "4Xk2" },
	{ "I", "upper" },
	{ "auth_authen", "alice" },
	{ "{auth_authen}", "alice" },
	{ "AUTH_AUTHEN", NULL },
	{ "tls_version", "TLSv1.3" },
	{ "j", "" },
	{ "", NULL },
	{ "{}", NULL },
	{ "{", NULL },
	{ "client_ptr", NULL },
	{ "rcpt_addr", NULL },
	{ "{rcpt_addr", "half" },
	{ "auth", NULL },
};

static void
test_macros(void **state)
{
	struct arena *arena = arena_create(256);
	struct macros m = { .arena = arena };

	(void)state;
	for (size_t i = 0; i < COUNT(given); i++)
		macro_set(&m, given[i].name, given[i].value);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *value = macro_get(&m, cases[i].name);

		if (cases[i].value == NULL) {
			assert_null(value);
			continue;
		}
		assert_non_null(value);
		assert_string_equal(value, cases[i].value);
	}
	arena_destroy(&arena);
}

static void
test_copies(void **state)
{
	struct arena *arena = arena_create(256);
	struct macros m = { .arena = arena };
	char name[] = "i", value[] = "one";

	(void)state;
	macro_set(&m, name, value);
	name[0] = 'x';
	value[0] = 'x';
	assert_string_equal(macro_get(&m, "i"), "one");
	assert_null(macro_get(&m, "x"));
	arena_destroy(&arena);
}

/* Postfix repeats all of them before each header and each body chunk. */
static void
test_repeats_cost_nothing(void **state)
{
	struct arena *arena = arena_create(256);
	struct macros m = { .arena = arena };
	size_t held;

	(void)state;
	macro_set(&m, "i", "4Xk2");
	held = arena_size(arena);
	for (int i = 0; i < 10000; i++)
		macro_set(&m, "{i}", "4Xk2");
	assert_int_equal(arena_size(arena), held);
	arena_destroy(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macros),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_repeats_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
