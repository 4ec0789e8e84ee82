/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/access/entry.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct reply_case {
	const char *value;
	int code; /* -1: it is refused */
	const char *dsn, *text;
} reply_cases[] = {
	{ "", 0, "", "" },
	{ "Go away", 0, "", "Go away" },
	{ "550 5.7.1 Go away", 550, "5.7.1", "Go away" },
	{ "550\t5.7.1   Go away", 550, "5.7.1", "Go away" },
	{ "550 Go away", 550, "", "Go away" },
	{ "450", 450, "", "" },
	{ "450 4.7.123", 450, "4.7.123", "" },
	{ "599 5.123.123 x", 599, "5.123.123", "x" },
	{ "24 hours is too long", 0, "", "24 hours is too long" },
	{ "2000 messages", 0, "", "2000 messages" },
	{ "550-5.7.1 x", 0, "", "550-5.7.1 x" },
	{ "550 5.7 x", 550, "", "5.7 x" },
	{ "250 Welcome", -1, NULL, NULL },
	{ "100 messages", -1, NULL, NULL },
	{ "620 x", -1, NULL, NULL },
	{ "550 4.7.1 x", -1, NULL, NULL },
	{ "450 5.7.1 x", -1, NULL, NULL },
	{ "550 5.7.1234 x", -1, NULL, NULL },
	{ "550 5..1 x", -1, NULL, NULL },
	{ "550 5.07.1 x", -1, NULL, NULL },
	{ "550 55.7.1 x", -1, NULL, NULL },
	{ "5.7.1 x", -1, NULL, NULL },
	{ "550 5.7.1 no\x07", -1, NULL, NULL },
	{ "caf\xc3\xa9", -1, NULL, NULL },
	{ "two\nlines", -1, NULL, NULL },
};

static void
test_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reply_cases); i++) {
		const struct reply_case *c = &reply_cases[i];
		struct entry_reply r = { .code = 7, .text = "untouched" };
		const char *why = entry_reply_parse(c->value, &r);

		if ((why == NULL) != (c->code >= 0))
			fail_msg("%s: %s", c->value, why ? why : "taken");
		if (c->code < 0) {
			assert_int_equal(r.code, 7);
			assert_string_equal(r.text, "untouched");
			continue;
		}
		assert_int_equal(r.code, c->code);
		assert_string_equal(r.dsn, c->dsn);
		assert_string_equal(r.text, c->text);
	}
}

static void
test_reply_length(void **state)
{
	char value[ENTRY_TEXT_BYTES + 6] = "550 ";
	struct entry_reply r;

	(void)state;
	memset(value + 4, 'x', ENTRY_TEXT_BYTES + 1);
	assert_non_null(entry_reply_parse(value, &r));
	value[4 + ENTRY_TEXT_BYTES] = '\0';
	assert_null(entry_reply_parse(value, &r));
	assert_int_equal(strlen(r.text), ENTRY_TEXT_BYTES);
}

static const struct score_case {
	const char *value;
	bool ok;
	double score;
} score_cases[] = {
	{ "0", true, 0 },
	{ "2.5", true, 2.5 },
	{ "-1", true, -1 },
	{ "+3", true, 3 },
	{ ".5", true, 0.5 },
	{ "5.", true, 5 },
	{ "1000", true, 1000 },
	{ "1000.5", false, 0 },
	{ "-2000", false, 0 },
	{ "99999999999999999999999999999999", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
	{ ".", false, 0 },
	{ "0x10", false, 0 },
	{ "nan", false, 0 },
	{ "inf", false, 0 },
	{ "1e3", false, 0 },
	{ "1,5", false, 0 },
	{ " 1", false, 0 },
	{ "1 point", false, 0 },
};

static void
test_score(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(score_cases); i++) {
		double score = 77;

		if (entry_score_parse(score_cases[i].value, &score) !=
		    score_cases[i].ok)
			fail_msg("%s", score_cases[i].value);
		assert_true(
		    score == (score_cases[i].ok ? score_cases[i].score : 77));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_reply_length),
		cmocka_unit_test(test_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
