/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/rules/portable.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct portable_case {
	const char *pattern;
	bool want;
} cases[] = {
	{ "", true },
	{ "free money", true },
	{ "a|b*c+?d?+e{2}f{1,}g{1,3}?", true },
	{ "^\\bfree\\B.$\\A\\z\\Z", true },
	{ "(a)(?:b)(?>c)(?=d)(?!e)(?<=f)(?<!g)(?i)(?i-sm:h)(?-i)", true },
	{ "\\d\\D\\s\\S\\w\\W\\n\\t\\r\\f\\e\\a\\x41\\.\\/\\\\", true },
	{ "[abc][^a-z][]x][^]x][\\w.-][\\]\\x20-\\x7e]", true },
	{ "[[:alpha:][:^space:]]", true },
	{ "\351", true },
	/* references, whose case is the group's to one, the place's to one */
	{ "(a)\\1", false },
	{ "(a)\\g{1}", false },
	{ "(?<n>a)\\k<n>", false },
	{ "(?P<n>a)", false },
	{ "(a)(?(1)b)", false },
	{ "(?1)", false },
	/* numbers that are octal or not */
	{ "\\8", false },
	{ "\\012", false },
	{ "\\x4", false },
	{ "\\x{41}", false },
	/* what only one of them knows, or knows otherwise */
	{ "\\h", false },
	{ "\\R", false },
	{ "\\N", false },
	{ "\\K", false },
	{ "\\G", false },
	{ "\\pL", false },
	{ "\\cA", false },
	{ "\\Qa\\E", false },
	{ "\\\351", false },
	{ "\\ ", false },
	{ "(*UTF)a", false },
	{ "(?x)a b", false },
	{ "(?xx)[^a b]", false },
	{ "(?^)a", false },
	{ "(?#x)a", false },
	{ "(?|(a)|(b))", false },
	{ "a{,2}", false },
	{ "a{", false },
	{ "a{x", false },
	{ "a{ 1 }", false },
	{ "[[:<:]]a", false },
	{ "[[:print:]]", false },
	{ "[[.a.]]", false },
	{ "[[=a=]]", false },
	{ "[\\b]", false },
	{ "[\\h]", false },
	{ "[\\pL]", false },
	{ "[\\Qa]\\E]", false },
	/* cut off */
	{ "\\", false },
	{ "[a", false },
	{ "[a\\", false },
	{ "(?", false },
	{ "(?i", false },
	{ "a{1", false },
	{ "\\x", false },
};

static void
test_portable(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (portable_pattern(cases[i].pattern,
			strlen(cases[i].pattern)) != cases[i].want)
			fail_msg(
			    "/%s/: want %d", cases[i].pattern, cases[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_portable) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
