/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/rules/fold.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_text(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "PayPal", "paypal" },
		{ "p\xd0\xb0yp\xd0\xb0"
		  "1",
		    "paypal" },
		{ "rnicros0ft", "microsoft" },
		{ "caf\xc3\xa9 \xc3\x9c", "cafe u" },
		{ "a-b_c.d!", "abcd" },
		{ "vvells", "wells" },
		{ "", "" },
		{ "\xff\xc3", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[32];

		fold_text(out, sizeof(out), rows[i].in, strlen(rows[i].in));
		if (strcmp(out, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].in, out);
	}
}

static void
test_label(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "example.com", "example" },
		{ "xn--bcher-kva.example", "b\xc3\xbc"
					   "cher" },
		/* RFC 3492, 7.1 (I) Russian, without its mixed case */
		{ "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l",
		    "\xd0\xbf\xd0\xbe\xd1\x87\xd0\xb5\xd0\xbc\xd1\x83"
		    "\xd0\xb6\xd0\xb5\xd0\xbe\xd0\xbd\xd0\xb8\xd0\xbd"
		    "\xd0\xb5\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80"
		    "\xd1\x8f\xd1\x82\xd0\xbf\xd0\xbe\xd1\x80\xd1\x83"
		    "\xd1\x81\xd1\x81\xd0\xba\xd0\xb8" },
		{ "xn--99999999.example", "" },
		{ "xn--a-\xff.example", "" },
		{ "xn--.example", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[300] = "";

		assert_int_equal(fold_label(out, sizeof(out), rows[i].in),
		    strlen(rows[i].want));
		if (rows[i].want[0] != '\0')
			assert_string_equal(out, rows[i].want);
	}
}

static void
test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} rows[] = {
		{ "paypal", "paypal", 0 },
		{ "paypal", "paypa", 1 },
		{ "paypal", "paypall", 1 },
		{ "paypal", "peypal", 1 },
		{ "paypal", "papyal", 1 },
		{ "paypal", "pypapl", 2 },
		{ "", "", 0 },
		{ "", "ab", 2 },
		{ "abc", "xyz", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    fold_distance(rows[i].a, rows[i].b, 1), rows[i].want);
}

static void
test_mixed(void **state)
{
	static const struct {
		const char *text;
		unsigned want;
	} rows[] = {
		{ "plain words", 0 },
		{ "\xd0\xbf\xd1\x80\xd0\xb8 hello", 0 },
		{ "p\xd0\xb0y b\xd0\xb0nk", 2 },
		{ "caf\xc3\xa9", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    fold_mixed_words(rows[i].text, strlen(rows[i].text)),
		    rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
