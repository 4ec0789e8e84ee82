/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <millrace/print.h>

static const struct {
	const char *text, *json;
} rows[] = {
	{ NULL, "null" },
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a \"b\" \\", "\"a \\\"b\\\" \\\\\"" },
	{ "\n\x01\x1f\x7f", "\"\\u000a\\u0001\\u001f\\u007f\"" },
	{ "caf\xc3\xa9", "\"caf\xc3\xa9\"" },
};

static void
test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *before = stdout;
		char *out = NULL;
		size_t n = 0;

		stdout = open_memstream(&out, &n);
		mr_print_json(rows[i].text);
		fclose(stdout);
		stdout = before;
		assert_string_equal(out, rows[i].json);
		free(out);
	}
}

static void
test_time(void **state)
{
	char out[MR_PRINT_TIME];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	mr_print_time(out, 1700000000999);
	assert_string_equal(out, "2023-11-14 22:13:20");
	mr_print_time(out, INT64_MAX);
	assert_true(strlen(out) < sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
