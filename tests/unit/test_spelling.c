/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front/spelling.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct value_case {
	const char *value, *kept, *not_kept; /* leading spaces */
} value_cases[] = {
	{ "yes", " yes", "yes" },
	{ " yes", " yes", "yes" },
	{ "  yes", "  yes", " yes" },
	{ "\tyes", "\tyes", "\tyes" },
	{ "\n yes", " \n yes", "\n yes" },
	{ " ", " ", " " },
	{ "", " ", "" },
};

static void
test_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(value_cases); i++) {
		const struct value_case *c = &value_cases[i];
		char *kept = spelling_value(c->value, true);
		char *not_kept = spelling_value(c->value, false);

		assert_string_equal(kept, c->kept);
		assert_string_equal(not_kept, c->not_kept);
		free(kept);
		free(not_kept);
	}
}

static const struct reply_case {
	const char *text;
	const char *lines[4]; /* NULL after the last */
} reply_cases[] = {
	{ "No", { "No" } },
	{ "", { "" } },
	{ "100% sure %s", { "100%% sure %%s" } },
	{ "one\ntwo%\nthree", { "one", "two%%", "three" } },
	{ "one\n", { "one", "" } },
	{ "\n\ntwo", { "", "", "two" } },
};

static void
test_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reply_cases); i++) {
		char *lines[REPLY_LINES];
		char *bytes = spelling_reply(reply_cases[i].text, lines);
		size_t n = 0;

		for (; reply_cases[i].lines[n] != NULL; n++)
			assert_string_equal(lines[n], reply_cases[i].lines[n]);
		for (; n < REPLY_LINES; n++)
			assert_null(lines[n]);
		free(bytes);
	}
}

/* reply_set lets no such text in; memory is safe all the same. */
static void
test_too_much(void **state)
{
	enum { LINES = REPLY_LINES + 5, LENGTH = REPLY_LINE_BYTES + 9 };
	char *text = malloc((size_t)LINES * (LENGTH + 1) + 1);
	char *lines[REPLY_LINES], *bytes;

	(void)state;
	memset(text, '%', (size_t)LINES * (LENGTH + 1));
	for (size_t i = 1; i <= LINES; i++)
		text[i * (LENGTH + 1) - 1] = '\n';
	text[(size_t)LINES * (LENGTH + 1)] = '\0';
	bytes = spelling_reply(text, lines);
	for (int i = 0; i < REPLY_LINES; i++)
		assert_int_equal(strlen(lines[i]), 2 * REPLY_LINE_BYTES);
	free(bytes);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
