/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct escape_case {
	const char *in;
	size_t n; /* 0: strlen */
	const char *log, *logfmt, *json;
} cases[] = {
	{ "", 0, "", "\"\"", "\"\"" },
	{ "plain", 0, "plain", "plain", "\"plain\"" },
	{ "<a@example.org>", 0, "<a@example.org>", "<a@example.org>",
	    "\"<a@example.org>\"" },
	{ "a b", 0, "a b", "\"a b\"", "\"a b\"" },
	{ "a=b", 0, "a=b", "\"a=b\"", "\"a=b\"" },
	{ "a\"b", 0, "a\"b", "\"a\\\"b\"", "\"a\\\"b\"" },
	{ "a\\b", 0, "a\\x5cb", "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "a\r\nb", 0, "a\\x0d\\x0ab", "\"a\\x0d\\x0ab\"", "\"a\\r\\nb\"" },
	{ "a\tb", 0, "a\\x09b", "\"a\\x09b\"", "\"a\\tb\"" },
	{ "\x1b[2J", 0, "\\x1b[2J", "\"\\x1b[2J\"", "\"\\u001b[2J\"" },
	{ "\x7f", 0, "\\x7f", "\"\\x7f\"", "\"\\u007f\"" },
	{ "a\0b", 3, "a\\x00b", "\"a\\x00b\"", "\"a\\u0000b\"" },
	/* letters of 2, 3 and 4 bytes stay */
	{ "gr\xc3\xbc\xc3\x9f", 0, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f",
	    "\"gr\xc3\xbc\xc3\x9f\"" },
	{ "\xe2\x82\xac", 0, "\xe2\x82\xac", "\xe2\x82\xac",
	    "\"\xe2\x82\xac\"" },
	{ "\xf0\x9f\x93\xa7", 0, "\xf0\x9f\x93\xa7", "\xf0\x9f\x93\xa7",
	    "\"\xf0\x9f\x93\xa7\"" },
	/* NEL and CSI, control characters of two bytes */
	{ "\xc2\x85", 0, "\\xc2\\x85", "\"\\xc2\\x85\"", "\"\\u0085\"" },
	{ "\xc2\x9b", 0, "\\xc2\\x9b", "\"\\xc2\\x9b\"", "\"\\u009b\"" },
	/* right-to-left override, line separator */
	{ "\xe2\x80\xae", 0, "\\xe2\\x80\\xae", "\"\\xe2\\x80\\xae\"",
	    "\"\\u202e\"" },
	{ "\xe2\x80\xa8", 0, "\\xe2\\x80\\xa8", "\"\\xe2\\x80\\xa8\"",
	    "\"\\u2028\"" },
	/* no UTF-8: Latin-1, a lone follower, cut off, overlong, surrogate */
	{ "gr\xfc", 0, "gr\\xfc", "\"gr\\xfc\"", "\"gr\xef\xbf\xbd\"" },
	{ "\x80"
	  "a",
	    0, "\\x80a", "\"\\x80a\"",
	    "\"\xef\xbf\xbd"
	    "a\"" },
	{ "\xe2\x82", 0, "\\xe2\\x82", "\"\\xe2\\x82\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xc0\x8a", 0, "\\xc0\\x8a", "\"\\xc0\\x8a\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", 0, "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80",
	    "\"\\xf4\\x90\\x80\\x80\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xff", 0, "\\xff", "\"\\xff\"", "\"\xef\xbf\xbd\"" },
};

static void
check(void (*escape)(struct buf *, struct span), const char *want,
    const struct escape_case *c)
{
	struct span in = { c->in, c->n > 0 ? c->n : strlen(c->in) };
	struct buf b = { 0 };

	escape(&b, in);
	assert_int_equal(b.n, strlen(want));
	assert_string_equal(b.p, want);
	buf_finish(&b);
}

static void
test_escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		check(escape_log, cases[i].log, &cases[i]);
		check(escape_logfmt, cases[i].logfmt, &cases[i]);
		check(escape_json, cases[i].json, &cases[i]);
	}
}

static void
test_appends(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_text(&b, "k=");
	escape_logfmt(&b, span_of("v"));
	buf_char(&b, ' ');
	escape_log(&b, span_of("\n"));
	escape_json(&b, span_of("\n"));
	assert_string_equal(b.p, "k=v \\x0a\"\\n\"");
	buf_finish(&b);
}

static const struct text_case {
	const char *in, *want;
} text_cases[] = {
	{ "", "" },
	{ "a \"b\" \\c", "a \"b\" \\c" },
	{ "a\r\n\tb\x7f", "a   b " },
	{ "\x1b[2J", " [2J" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xc2\x85|\xe2\x80\xae|\xe2\x80\xa8", " | | " },
	{ "gr\xfc|\xc0\x8a", "gr\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd" },
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(text_cases); i++) {
		struct buf b = { 0 };

		escape_text(&b, span_of(text_cases[i].in));
		assert_string_equal(b.p, text_cases[i].want);
		buf_finish(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_appends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
