/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/ratelimit/limit.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A list, and each item of it written out again; or where it is wrong. */
static const struct row {
	const char *text, *want;
} rows[] = {
	{ "100 messages / 1h", "100 messages / 1h" },
	{ "1 message/1d", "1 message / 1d" },
	{ "500 recipients / 1d", "500 recipients / 1d" },
	{ "200 distinct  recipients / 1d", "200 distinct recipients / 1d" },
	{ "1 DISTINCT Recipients / 1d", "1 distinct recipient / 1d" },
	{ "100 failed recipients / 1h", "100 failed recipients / 1h" },
	{ "2 GB / 1d", "2 GB / 1d" },
	{ "2048 MB / 24h", "2 GB / 1d" },
	{ "1500 bytes / 60s", "1500 bytes / 1m" },
	{ "1 bytes / 1s", "1 bytes / 1s" },
	{ "1 TB / 400d", "1 TB / 400d" },
	{ "0 messages / 1h", "0 messages / 1h" },
	{ "10 messages / 90s", "10 messages / 90s" },
	{ "10 messages / d", "10 messages / 1d" },
	{ "rate 2 messages / 1s burst 10", "rate 2 messages / 1s burst 10" },
	{ "rate 2 messages / 1s", "rate 2 messages / 1s burst 2" },
	{ "unlimited", "unlimited" },
	{ "unlimited messages / 1h", "unlimited messages / 1h" },
	{ "unlimited, 10 GB / 1d", "unlimited|10 GB / 1d" },
	{ "domain: 5 messages / 1h", "domain=5 messages / 1h" },
	{ "domain:5 messages / 1h,mailbox:unlimited",
	    "domain=5 messages / 1h|mailbox=unlimited" },
	{ "blocked", "blocked()" },
	{ "blocked Call us, please. ", "blocked(Call us, please.)" },
	{ "blocking", "?write it like" },
	{ "1 message / 1h, blocked x", "1 message / 1h|blocked(x)" },
	{ "", "" },
	{ "1 message / 1h,", "?there is nothing after the last comma" },
	{ "messages", "?write it like" },
	{ "100", "?the unit must be" },
	{ "100 mails / 1h", "?the unit must be" },
	{ "100 messages", "?write it like" },
	{ "100 messages / 1", "?the period needs a unit" },
	{ "100 messages / 1y", "?the period needs a unit" },
	{ "100 messages / 0h", "?the period must be" },
	{ "100 messages / 401d", "?the period must be" },
	{ "100 messages / 99999999999d", "?the period is longer" },
	{ "1099511627776 messages / 1h", "1099511627776 messages / 1h" },
	{ "1099511627777 messages / 1h", "?the amount is too large" },
	{ "99999999999999999999 messages / 1h", "?the amount is too large" },
	{ "2 TB / 1h", "?the amount is too large" },
	{ "-1 messages / 1h", "?write it like" },
	{ "1.5 GB / 1h", "?the unit must be" },
	{ "100 messages / 1h x", "?write it like" },
	{ "100 messages / 1h burst 5", "?write it like" },
	{ "rate 0 messages / 1h", "?a rate of 0" },
	{ "rate 1 messages / 1h burst 0", "?after burst" },
	{ "rate 1 messages / 1h burst", "?after burst" },
	{ "rate 5 distinct recipients / 1d", "?distinct recipients have no" },
	{ "rate 1 TB / 1h", "?the burst is too large" },
	{ "rate 1 messages / 400d burst 130312", "rate 1 message / 400d burst "
						 "130312" },
	{ "rate 1 messages / 400d burst 130313", "?the burst is too large" },
	{ "unlimited GB / 1d", "?write \"unlimited\"" },
	{ "blocked \x01", "?the text must be printable" },
	{ "do main: 1 message / 1h", "?write it like" },
};

static void
write_item(char *out, size_t size, const struct limit *l)
{
	char text[LIMIT_PRINT_BYTES];
	size_t n = strlen(out);

	if (l->what == LIMIT_BLOCKED)
		snprintf(text, sizeof(text), "blocked(%.*s)",
		    (int)l->text_bytes, l->text);
	else
		limit_print(text, l);
	snprintf(out + n, size - n, "%s%.*s%s%s", n > 0 ? "|" : "",
	    (int)l->key_bytes, l->key, l->key_bytes > 0 ? "=" : "", text);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *at = rows[i].text, *why;
		const char *want = rows[i].want;
		char got[300] = "";
		struct limit l;

		while (
		    (why = limit_next(&at, &l)) == NULL && l.what != LIMIT_END)
			write_item(got, sizeof(got), &l);
		if (why != NULL)
			snprintf(got, sizeof(got), "?%s", why);
		if (want[0] == '?' ? strncmp(got, want, strlen(want)) != 0
				   : strcmp(got, want) != 0)
			fail_msg("\"%s\": \"%s\", want \"%s\"", rows[i].text,
			    got, want);
		assert_int_equal(limit_fault(rows[i].text) != NULL,
		    why != NULL || rows[i].text[0] == '\0');
	}
}

/* What is printed means the same when it is read. */
static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *at = rows[i].text, *again;
		struct limit l, l2;
		char text[LIMIT_PRINT_BYTES];

		while (limit_next(&at, &l) == NULL && l.what != LIMIT_END) {
			if (l.what == LIMIT_BLOCKED)
				continue;
			limit_print(text, &l);
			again = text;
			assert_null(limit_next(&again, &l2));
			assert_int_equal(l.unit, l2.unit);
			assert_int_equal(l.amount, l2.amount);
			assert_int_equal(l.period_ms, l2.period_ms);
			assert_int_equal(l.burst, l2.burst);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
