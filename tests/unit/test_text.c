/* SPDX-License-Identifier: Apache-2.0 */
/* Text of an operator's with names in braces: <millrace/text.h>. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <millrace/text.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[] = { "name", "other", NULL };

static const struct {
	const char *text, *why; /* why NULL: it is right */
} faults[] = {
	{ "Refused", NULL },
	{ "{name}", NULL },
	{ "a {name} b {other}} c }", NULL },
	{ "", "the text must have 1 to 400 characters" },
	{ NULL, "the text must have 1 to 400 characters" },
	{ "two\nlines", "the text must be one line of printable ASCII" },
	{ "\xc3\xa4", "the text must be one line of printable ASCII" },
	{ "{", "in braces may stand {name}, {other}" },
	{ "{names}", "in braces may stand {name}, {other}" },
	{ "{nam}", "in braces may stand {name}, {other}" },
	{ "{name", "in braces may stand {name}, {other}" },
	{ "{{name}", "in braces may stand {name}, {other}" },
};

static void
test_faults(void **state)
{
	char why[100], text[MR_TEXT_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		const char *got =
		    mr_text_fault(faults[i].text, names, why, sizeof(why));

		if (faults[i].why == NULL
			? got != NULL
			: got == NULL || strcmp(got, faults[i].why) != 0)
			fail_msg("%s: %s", faults[i].text, got);
	}
	memset(text, 'x', sizeof(text));
	text[MR_TEXT_MAX + 1] = '\0';
	assert_non_null(mr_text_fault(text, names, why, sizeof(why)));
	text[MR_TEXT_MAX] = '\0';
	assert_null(mr_text_fault(text, names, why, sizeof(why)));
}

static const struct {
	const char *text, *name, *want;
} expansions[] = {
	{ "plain", "v", "plain" },
	{ "{name}", "v", "v" },
	{ "a {name}, {other}.", "v", "a v, w." },
	{ "{name}", "a\r\n550 b", "a??550 b" },
	{ "{name}", "{other}", "{other}" },
	{ "<{name}>", "", "<>" },
	{ "<{name}>", NULL, "<>" },
	{ "{name}", "\xc3\xa4\x7f", "???" },
};

static void
test_expansions(void **state)
{
	char out[MR_TEXT_BYTES], text[MR_TEXT_MAX + 1] = "", big[2000];

	(void)state;
	for (size_t i = 0; i < COUNT(expansions); i++) {
		const char *values[] = { expansions[i].name, "w" };

		mr_text_expand(out, expansions[i].text, names, values);
		assert_string_equal(out, expansions[i].want);
	}
	/* However long it gets, it ends in time. */
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 60; i++)
		strcat(text, "{name}");
	mr_text_expand(out, text, names, (const char *[]){ big, "w" });
	assert_int_equal(strlen(out), MR_TEXT_BYTES - 1);
	mr_text_expand(out, "<{name}>", names, (const char *[]){ big, "w" });
	assert_int_equal(strlen(out), MR_TEXT_VALUE + 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_expansions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
