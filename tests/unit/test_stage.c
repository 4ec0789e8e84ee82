/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"
#include "core/stage.h"
#include "millrace/plugin.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct stage_case {
	const char *name;
	enum stage stage;
	uint32_t bit; /* of the contract; 0: plugins have no such stage */
} stages[] = {
	{ "connect", STAGE_CONNECT, MR_STAGE_CONNECT },
	{ "helo", STAGE_HELO, MR_STAGE_HELO },
	{ "mail", STAGE_MAIL, MR_STAGE_MAIL },
	{ "rcpt", STAGE_RCPT, MR_STAGE_RCPT },
	{ "data", STAGE_DATA, MR_STAGE_DATA },
	{ "unknown", STAGE_UNKNOWN, MR_STAGE_UNKNOWN },
	{ "header", STAGE_HEADER, MR_STAGE_HEADER },
	{ "eoh", STAGE_EOH, MR_STAGE_EOH },
	{ "body", STAGE_BODY, MR_STAGE_BODY },
	{ "eom", STAGE_EOM, MR_STAGE_EOM },
	{ "abort", STAGE_ABORT, 0 },
};

static void
test_stages(void **state)
{
	(void)state;
	assert_int_equal(COUNT(stages), STAGE_COUNT);
	for (size_t i = 0; i < COUNT(stages); i++) {
		const struct stage_case *c = &stages[i];
		enum stage stage = STAGE_COUNT;

		assert_string_equal(stage_name(c->stage), c->name);
		assert_true(stage_by_name(c->name, &stage));
		assert_int_equal(stage, c->stage);
		if (c->bit != 0)
			assert_int_equal(STAGE_BIT(c->stage), c->bit);
	}
}

static void
test_no_stage(void **state)
{
	static const char *const names[] = { "", "Connect", "conn", "mail ",
		"invalid", "end-of-message", NULL };
	enum stage stage = STAGE_BODY;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_false(stage_by_name(names[i], &stage));
	assert_int_equal(stage, STAGE_BODY);
	assert_string_equal(stage_name(STAGE_COUNT), "invalid");
}

static const struct word_case {
	int32_t number;
	const char *name;
} verdicts[] = {
	{ MR_CONTINUE, "continue" },
	{ MR_SKIP, "skip" },
	{ MR_ACCEPT, "accept" },
	{ MR_REJECT, "reject" },
	{ MR_TEMPFAIL, "tempfail" },
	{ MR_DISCARD, "discard" },
	{ MR_QUARANTINE, "quarantine" },
	{ MR_ERROR, "error" },
	{ -1, "invalid" },
	{ 8, "invalid" },
	{ INT32_MIN, "invalid" },
	{ INT32_MAX, "invalid" },
}, answers[] = {
	{ ANSWER_CONTINUE, "continue" },
	{ ANSWER_ACCEPT, "accept" },
	{ ANSWER_REJECT, "reject" },
	{ ANSWER_TEMPFAIL, "tempfail" },
	{ ANSWER_DISCARD, "discard" },
	{ ANSWER_SKIP, "skip" },
	{ ANSWER_COUNT, "invalid" },
};

static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++)
		assert_string_equal(
		    verdict_name(verdicts[i].number), verdicts[i].name);
	for (size_t i = 0; i < COUNT(answers); i++)
		assert_string_equal(
		    answer_name((enum answer_kind)answers[i].number),
		    answers[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_no_stage),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
