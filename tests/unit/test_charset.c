/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/charset.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NO       "\xef\xbf\xbd" /* U+FFFD */

static const struct charset_case {
	const char *charset, *in, *want;
	enum charset_result result;
} cases[] = {
	{ "utf-8", "caf\xc3\xa9", "caf\xc3\xa9", CHARSET_OK },
	{ "UTF-8", "x", "x", CHARSET_OK },
	{ "utf-8",
	    "a\xff"
	    "b",
	    "a" NO "b", CHARSET_BROKEN },
	/* overlong, surrogate, beyond Unicode, cut */
	{ "utf-8", "\xc0\xaf", NO NO, CHARSET_BROKEN },
	{ "utf-8", "\xed\xa0\x80", NO NO NO, CHARSET_BROKEN },
	{ "utf-8", "\xf4\x90\x80\x80", NO NO NO NO, CHARSET_BROKEN },
	{ "utf-8", "a\xe2\x82", "a" NO NO, CHARSET_BROKEN },
	{ "us-ascii", "abc", "abc", CHARSET_OK },
	{ "us-ascii", "caf\xe9", "caf\xc3\xa9", CHARSET_BROKEN },
	{ "us-ascii", "caf\xc3\xa9", "caf\xc3\xa9", CHARSET_OK },
	{ "", "caf\xe9", "caf\xc3\xa9", CHARSET_OK },
	{ "", "caf\xc3\xa9", "caf\xc3\xa9", CHARSET_OK },
	{ "iso-8859-1", "\x80uro caf\xe9", "\xe2\x82\xacuro caf\xc3\xa9",
	    CHARSET_OK },
	{ "koi8-r", "\xd0\xd2\xc9", "\xd0\xbf\xd1\x80\xd0\xb8", CHARSET_OK },
	{ "iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82", CHARSET_OK },
	{ "gb2312", "\xc4\xe3", "\xe4\xbd\xa0", CHARSET_OK },
	{ "shift_jis", "\x82\xa0", "\xe3\x81\x82", CHARSET_OK },
	{ "shift_jis", "\x82", NO, CHARSET_BROKEN },
	{ "x-nonsense", "caf\xe9", "caf\xc3\xa9", CHARSET_UNKNOWN },
	/* iconv(3) would take it */
	{ "utf-8//IGNORE", "a", "a", CHARSET_UNKNOWN },
	{ "ISO-2022-CN-EXT", "a", "a", CHARSET_UNKNOWN },
};

static void
test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = { 0 };
		enum charset_result result;

		buf_put(&out, "", 0);
		result = charset_decode(
		    cases[i].charset, span_of(cases[i].in), 100, &out);
		if (result != cases[i].result ||
		    strcmp(out.p, cases[i].want) != 0)
			fail_msg("%s %zu: %d \"%s\"", cases[i].charset, i,
			    result, out.p);
		buf_finish(&out);
	}
}

/* Never more than asked for, never half a character, never a NUL. */
static void
test_limit(void **state)
{
	static const char *const names[] = { "utf-8", "koi8-r", "gb2312", "",
		"utf-16le", "utf-7" };
	static const char bytes[] = "a\xd0\xbf\xe2\x82\xac\0\xf0\x9f\x98\x80z";

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		for (size_t limit = 1; limit < 20; limit++) {
			struct buf out = { 0 };
			struct span s;
			uint32_t code;

			charset_decode(names[i],
			    (struct span){ bytes, sizeof(bytes) - 1 }, limit,
			    &out);
			assert_true(out.n <= limit);
			s = (struct span){ out.p, out.n };
			while (s.n > 0) {
				size_t n = utf8_next(s, &code);

				assert_true(n > 0 && code != 0);
				s = (struct span){ s.p + n, s.n - n };
			}
			buf_finish(&out);
		}
}

static void
test_put(void **state)
{
	static const uint32_t codes[] = { 'a', 0x7f, 0x80, 0x7ff, 0x800, 0xfffd,
		0x10000, 0x10ffff };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct buf b = { 0 };
		uint32_t code;

		utf8_put(&b, codes[i]);
		assert_int_equal(
		    utf8_next((struct span){ b.p, b.n }, &code), b.n);
		assert_int_equal(code, codes[i]);
		buf_finish(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
