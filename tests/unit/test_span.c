/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct equal_case {
	const char *a, *b;
	bool exact, nocase;
} equal_cases[] = {
	{ "", "", true, true },
	{ NULL, "", true, true },
	{ "a", "", false, false },
	{ "Example", "example", false, true },
	{ "example", "example", true, true },
	{ "example", "examplf", false, false },
	{ "exam", "example", false, false },
	/* one bit apart as letters are, but no letters */
	{ "[", "{", false, false },
	{ "@", "`", false, false },
	/* only ASCII has a case: A and a with dots above */
	{ "\xc3\x84", "\xc3\xa4", false, false },
};

static void
test_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(equal_cases); i++) {
		const struct equal_case *c = &equal_cases[i];
		struct span a = span_of(c->a), b = span_of(c->b);

		assert_int_equal(span_equal(a, b), c->exact);
		assert_int_equal(span_equal(b, a), c->exact);
		assert_int_equal(span_equal_nocase(a, b), c->nocase);
		assert_int_equal(span_equal_nocase(b, a), c->nocase);
	}
}

static void
test_equal_looks_beyond_nul(void **state)
{
	struct span a = { "a\0b", 3 }, b = { "a\0c", 3 };

	(void)state;
	assert_false(span_equal(a, b));
	assert_false(span_equal_nocase(a, b));
}

static const struct ends_case {
	const char *text, *tail;
	bool want;
} ends_cases[] = {
	{ "mail.example.com", ".Example.com", true },
	{ "mail.example.com", "mail.example.com", true },
	{ "example.com", ".example.com", false },
	{ "mail.example.com", "", true },
	{ "", "", true },
	{ "", "a", false },
	{ "mail.example.com", "example.org", false },
};

static void
test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends_cases); i++)
		assert_int_equal(span_ends_nocase(span_of(ends_cases[i].text),
				     span_of(ends_cases[i].tail)),
		    ends_cases[i].want);
}

static const struct trim_case {
	const char *in, *want;
} trim_cases[] = {
	{ "", "" },
	{ " \t\r\n ", "" },
	{ "a b", "a b" },
	{ " \ta b\r\n", "a b" },
	{ "\v", "\v" },
};

static void
test_trim(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(trim_cases); i++)
		assert_true(span_equal(span_trim(span_of(trim_cases[i].in)),
		    span_of(trim_cases[i].want)));
}

static const struct cut_case {
	const char *in, *head, *rest;
} cut_cases[] = {
	{ "a,b,c", "a", "b,c" },
	{ ",b", "", "b" },
	{ "a,", "a", "" },
	{ "a", "a", "" },
	{ "", "", "" },
};

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cut_cases); i++) {
		struct span in = span_of(cut_cases[i].in);
		struct span head = span_cut(&in, ',');

		assert_true(span_equal(head, span_of(cut_cases[i].head)));
		assert_true(span_equal(in, span_of(cut_cases[i].rest)));
	}
}

static void
test_cut_of_nothing(void **state)
{
	struct span none = { NULL, 0 };
	struct span head = span_cut(&none, ',');

	(void)state;
	assert_int_equal(head.n, 0);
	assert_int_equal(none.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_equal_looks_beyond_nul),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
