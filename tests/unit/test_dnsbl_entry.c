/* SPDX-License-Identifier: Apache-2.0 */
/* One list of an operator's, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/dnsbl/entry.c"
#include "../../plugins/dnsbl/health.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define IP(a, b, c, d)                                                         \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct {
	const char *text, *why; /* why: how it begins; NULL: it is right */
} entries[] = {
	{ "a list.example client 127.0.0.2=A", NULL },
	{ "a list.example. client 127.0.0.2=A:3", NULL },
	{ "  a\tlist.example  client,helo,sender-host,dkim,url  *=A_1:-0.5 ",
	    NULL },
	{ "a list.example client 127.0.0.4-7=A 127.0.1.0-127.0.2.255=B", NULL },
	{ "a list.example client &128=A:1 &1=B", NULL },
	{ "a list.example client untested *=A", NULL },
	{ "", "it begins with a short name" },
	{ "a", "after the name comes the list's zone" },
	{ "a.b list.example client *=A", "it begins with a short name" },
	{ "a \\..example client *=A", "after the name comes the list's zone" },
	{ "a .example client *=A", "after the name comes the list's zone" },
	{ "a list..example client *=A",
	    "after the name comes the list's zone" },
	{ "a list.example", "after the zone comes what it is asked with" },
	{ "a list.example url,from *=A", "after the zone comes what" },
	{ "a list.example client-host *=A", "after the zone comes what" },
	{ "a list.example 127.0.0.2=A", "after the zone comes what" },
	{ "a list.example client", "no answer means anything" },
	{ "a list.example client untested", "no answer means anything" },
	{ "a list.example client 127.0.0.2", "after an answer comes =SYMBOL" },
	{ "a list.example client *=", "after an answer comes =SYMBOL" },
	{ "a list.example client *=listed", "after an answer comes =SYMBOL" },
	{ "a list.example client *=A:", "after a symbol comes :SCORE" },
	{ "a list.example client *=A:x", "after a symbol comes :SCORE" },
	{ "a list.example client *=A:1-1", "after a symbol comes :SCORE" },
	{ "a list.example client *=A:1001", "after a symbol comes :SCORE" },
	{ "a list.example client *=A:inf", "after a symbol comes :SCORE" },
	{ "a list.example client 192.0.2.1=A", "an answer is" },
	{ "a list.example client 127.255.255.254=A", "an answer is" },
	{ "a list.example client 127.0.0.7-4=A", "an answer is" },
	{ "a list.example client 127.0.0.256=A", "an answer is" },
	{ "a list.example client 127.0.0=A", "an answer is" },
	{ "a list.example client 127.0.0.2.=A", "an answer is" },
	{ "a list.example client 127.0.0.2-=A", "an answer is" },
	{ "a list.example client &0=A", "an answer is" },
	{ "a list.example client &=A", "an answer is" },
	{ "a list.example client &256=A", "an answer is" },
};

static void
test_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(entries); i++) {
		struct entry e;
		const char *why = "?";
		bool ok = entry_parse(entries[i].text, &e, &why);

		if (ok != (entries[i].why == NULL) || ok != (why == NULL) ||
		    (!ok && strncmp(why, entries[i].why,
				strlen(entries[i].why)) != 0))
			fail_msg("%s: %s", entries[i].text, ok ? "taken" : why);
		/* What is told must not give the zone away. */
		if (!ok)
			assert_null(strstr(why, "list.example "));
	}
}

static void
test_parts(void **state)
{
	struct entry e;
	const char *why;

	(void)state;
	assert_true(entry_parse("sbl Key.SBL.example. client,url,sender-host "
				"127.0.0.4-7=X:2.5 *=ANY untested",
	    &e, &why));
	assert_string_equal(e.name, "sbl");
	assert_string_equal(e.zone, "Key.SBL.example");
	assert_true(e.with[CLIENT] && e.with[URL] && e.with[SENDER]);
	assert_false(e.with[HELO] || e.with[DKIM] || e.whole[URL]);
	assert_true(e.whole[SENDER] && e.untested);
	assert_int_equal(e.count, 2);
	assert_string_equal(e.answers[0].symbol, "DNSBL_X");
	assert_true(e.answers[0].score == 2.5 && e.answers[1].score == 1);
}

static const struct {
	const char *entry;
	uint32_t address;
	const char *symbols;
} matches_cases[] = {
	{ "127.0.0.2=A", IP(127, 0, 0, 2), "DNSBL_A " },
	{ "127.0.0.2=A", IP(127, 0, 0, 3), "" },
	{ "127.0.0.4-7=A", IP(127, 0, 0, 4), "DNSBL_A " },
	{ "127.0.0.4-7=A", IP(127, 0, 0, 7), "DNSBL_A " },
	{ "127.0.0.4-7=A", IP(127, 0, 0, 8), "" },
	{ "127.0.0.4-7=A", IP(127, 0, 1, 5), "" },
	{ "127.0.1.0-127.0.2.9=A", IP(127, 0, 2, 0), "DNSBL_A " },
	{ "&2=A &8=B &16=C", IP(127, 0, 0, 10), "DNSBL_A DNSBL_B " },
	{ "127.0.0.2=A *=B", IP(127, 0, 0, 2), "DNSBL_A " },
	{ "*=B 127.0.0.2=A", IP(127, 0, 0, 2), "DNSBL_A " },
	{ "127.0.0.2=A *=B", IP(127, 0, 0, 9), "DNSBL_B " },
	{ "127.0.0.2=A 127.0.0.2-3=B", IP(127, 0, 0, 2), "DNSBL_A DNSBL_B " },
	{ "*=A", IP(127, 255, 255, 254), "" },
	{ "*=A &1=B", IP(192, 0, 2, 1), "" },
};

static void
test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(matches_cases); i++) {
		char text[200], found[200] = "";
		const struct entry_answer *a;
		struct entry e;
		const char *why;
		uint32_t at = 0;

		snprintf(text, sizeof(text), "l list.example client %s",
		    matches_cases[i].entry);
		assert_true(entry_parse(text, &e, &why));
		while ((a = entry_match(&e, matches_cases[i].address, &at)) !=
		       NULL) {
			strcat(found, a->symbol);
			strcat(found, " ");
		}
		if (strcmp(found, matches_cases[i].symbols) != 0)
			fail_msg("%s: %s", matches_cases[i].entry, found);
	}
}

static void
test_health(void **state)
{
	struct health h;

	(void)state;
	health_init(&h);
	assert_true(health_test_due(&h, 1));
	health_tested(&h, 1, 1000);
	assert_false(health_test_due(&h, 1000));
	assert_true(health_test_due(&h, 1001));
	assert_false(health_off(&h, 1));
	/* Only failures in a row count. */
	assert_false(health_failed(&h, 1, 2, 500));
	health_worked(&h);
	assert_false(health_failed(&h, 1, 2, 500));
	assert_true(health_failed(&h, 1, 2, 500));
	assert_true(health_off(&h, 500));
	assert_false(health_switch_off(&h, 10, 500)); /* it is off already */
	assert_true(health_off(&h, 509));
	assert_false(health_off(&h, 510));
	assert_true(health_test_due(&h, 510)); /* before it is believed */
	assert_true(health_switch_off(&h, 510, 500));
	health_finish(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
