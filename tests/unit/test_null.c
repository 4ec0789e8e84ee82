/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"

static void
test_default(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	assert_true(fake_open(&f));
	assert_int_equal(f.plan.stages, MR_STAGE_EOM);
	fake_mail(&f, "a@example.com");
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_string_equal(
	    fake_transcript(&f), "symbol NULL_SEEN 0.00 a@example.com\n");
	fake_finish(&f);
}

static void
test_score(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	fake_set(&f, "score", "-2.5");
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_true(fake_did(&f, "symbol NULL_SEEN -2.50"));
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
