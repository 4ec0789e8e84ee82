/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/rules/date.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* want: as "date -u -d TEXT +%s" says; -1: it is no date. */
static const struct date_case {
	const char *text;
	int64_t want;
} cases[] = {
	{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706 },
	{ "21 Nov 97 09:55:06 GMT", 880106106 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706 },
	{ "Thu,\n 13\n   Feb\n   1969\n 23:32 -0330", -27723480 },
	{ "1 Jan 25 00:00 Z", 1735689600 },
	{ "Mon, 2 Jun 2025 10:00:00 +0200 (CEST)", 1748851200 },
	{ "Mon, 2 Jun 2025 10:00:00 EST", 1748876400 },
	{ "Mon, 2 Jun 2025 10:00:00", 1748858400 },
	{ "2025-06-02 10:00", -1 },
	{ "Mon, 32 Jun 2025 10:00:00 +0000", -1 },
	{ "Mon, 2 Jun 2025 25:00:00 +0000", -1 },
	{ "Mon, 2 Jun 2025 10:00:00 +00", -1 },
	{ "Mon, 2 Foo 2025 10:00:00 +0000", -1 },
	{ "", -1 },
	{ "(((((", -1 },
};

static void
test_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		time_t got = -1;

		if (!date_parse(cases[i].text, &got))
			got = -1;
		if (got != cases[i].want)
			fail_msg("%s: %lld", cases[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
