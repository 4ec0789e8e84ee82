/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "millrace/glob.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct glob_case {
	const char *pattern, *text;
	bool match;
} glob_cases[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "*", "", true },
	{ "**", "", true },
	{ "*", "anything at all", true },
	{ "?", "", false },
	{ "?", "a", true },
	{ "?", "ab", false },
	{ "abc", "ABC", true },
	{ "ABC", "abc", true },
	{ "abc", "abcd", false },
	{ "abc*", "abcd", true },
	{ "*abc", "xabc", true },
	{ "*abc", "xabcx", false },
	{ "*abc*", "xxabcxx", true },
	{ "a*b*c", "a-b-c", true },
	{ "a*b*c", "a-c-b", false },
	{ "a*b*c", "abcbc", true },
	{ "*ab", "aab", true },
	{ "*a?c*", "xxabxacc", true },
	{ "*a*b*c", "xxaxxbxxbxc", true },
	{ "X-Spam-*", "x-spam-", true },
	{ "X-Spam-*", "X-Spam", false },
	{ "X-*-F?ag", "X-A-B-Flag", true },
	{ "X-*-F?ag", "X-A-B-Fag", false },
	{ "?MARC", "DMARC", true },
	{ "D?MARC", "DMARC", false },
	{ "Subject: *viagra*", "Subject: Cheap VIAGRA now", true },
	/* nothing else is special */
	{ "[ab]", "a", false },
	{ "[ab]", "[ab]", true },
	{ "\\*", "*", false },
	{ "\\*", "\\x", true },
	/* bytes, not characters */
	{ "caf??", "caf\xc3\xa9", true },
	{ "\xc3\x89", "\xc3\xa9", false },
	{ "[", "{", false },
};

static bool
glob_match(struct span pattern, struct span text)
{
	return mr_glob(pattern.p, pattern.n, text.p, text.n);
}

static void
test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(glob_cases); i++)
		if (glob_match(span_of(glob_cases[i].pattern),
			span_of(glob_cases[i].text)) != glob_cases[i].match)
			fail_msg("%s, %s", glob_cases[i].pattern,
			    glob_cases[i].text);
}

static void
test_nul(void **state)
{
	(void)state;
	assert_true(
	    glob_match((struct span){ "a?b", 3 }, (struct span){ "a\0b", 3 }));
	assert_false(
	    glob_match((struct span){ "a", 1 }, (struct span){ "a\0", 2 }));
}

/* 50 stars over 60,000 bytes: with backtracking no test would end. */
static void
test_no_explosion(void **state)
{
	char pattern[102], *text = malloc(60000);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 100; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[100] = 'b';
	memset(text, 'a', 60000);
	assert_false(glob_match(
	    (struct span){ pattern, 101 }, (struct span){ text, 60000 }));
	text[59999] = 'b';
	assert_true(glob_match(
	    (struct span){ pattern, 101 }, (struct span){ text, 60000 }));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_no_explosion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
