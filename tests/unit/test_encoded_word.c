/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/encoded_word.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BAD      "\xef\xbf\xbd" /* U+FFFD */

static const struct decode_case {
	const char *value, *want;
} cases[] = {
	{ "", "" },
	{ " plain ", "plain" },
	{ " folded\n\tline\r\n  and  more", "folded line and more" },
	{ "bell\x07 del\x7f tab\t.", "bell  del  tab ." },
	{ "=?utf-8?Q?caf=C3=A9?=", "caf\xc3\xa9" },
	{ "=?UTF-8?q?a_b=20c?= d", "a b c d" },
	{ "=?utf-8?B?dmlhZ3Jh?=", "viagra" },
	{ "=?utf-8?b?dmk=?=", "vi" },
	{ "=?utf-8*en?b?dmk=?=", "vi" },
	{ "=?us-ascii?q?a?=", "a" },
	/* blanks between two words go, beside one they stay */
	{ "x =?utf-8?q?a?= \n =?utf-8?q?b?= y", "x ab y" },
	{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c" },
	{ "=?utf-8?q?a?==?utf-8?q?b?=", "ab" },
	{ "=?utf-8?q?a?= =?iso-8859-1?q?=E9?= =?utf-8?q?c?=", "a\xc3\xa9"
							      "c" },
	/* half a character each */
	{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9" },
	{ "=?gb2312?B?1tA=?= =?gb2312?B?zg==?= =?gb2312?B?xA==?=",
	    "\xe4\xb8\xad\xe6\x96\x87" },
	{ "=?utf-8?q?=C3?= x =?utf-8?q?=A9?=", BAD " x " BAD },
	/* charsets: the examples of RFC 2047, section 8, and others */
	{ "=?US-ASCII?Q?Keith_Moore?=", "Keith Moore" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=",
	    "Keld J\xc3\xb8rn Simonsen" },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n "
	  "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	{ "=?windows-1252?q?=80?=", "\xe2\x82\xac" },
	{ "=?iso-8859-1?q?=80?=", "\xe2\x82\xac" },
	{ "=?koi8-r?q?=C1?=", "\xd0\xb0" },
	{ "=?windows-1251?q?=E0?=", "\xd0\xb0" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?shift_jis?q?=93=FA=96=7B?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?euc-kr?q?=C7=D1?=", "\xed\x95\x9c" },
	{ "=?big5?q?=A4=A4?=", "\xe4\xb8\xad" },
	{ "=?utf-7?q?+AOk-?=", "\xc3\xa9" },
	/* one that holds a letter back until it knows its accent */
	{ "=?windows-1258?q?a?=", "a" },
	/* cut off, and not of that charset */
	{ "=?gb2312?q?a=D6?=", "a" BAD },
	{ "=?utf-8?q?a=FF=C3?=", "a" BAD BAD },
	{ "gr\xfc\xdf", "gr" BAD BAD },
	{ "gr\xc3\xbc", "gr\xc3\xbc" },
	/* an encoded line end is no line end */
	{ "=?utf-8?q?a=0D=0AX-Y:=20b=00c?=", "a  X-Y: b c" },
	{ "x=?utf-8?B?DQo=?=x", "x  x" },
	/* it decodes once */
	{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?=" },
	/* charsets that we do not know, and do not ask iconv for */
	{ "=?x-unknown?q?a?= =?x-unknown?q?b?=",
	    "=?x-unknown?q?a?= =?x-unknown?q?b?=" },
	{ "=?utf-8?q?a?= =?x-unknown?q?b?=", "a =?x-unknown?q?b?=" },
	{ "=?UTF-16//TRANSLIT?q?a?=", "=?UTF-16//TRANSLIT?q?a?=" },
	{ "=?../../tmp/x?q?a?=", "=?../../tmp/x?q?a?=" },
	/* not encoded words, or broken ones */
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?a?", "=?utf-8?q?a?" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?qq?a?=", "=?utf-8?qq?a?=" },
	{ "=?utf 8?q?a?=", "=?utf 8?q?a?=" },
	{ "=?utf-8?q?a\n b?=", "=?utf-8?q?a b?=" },
	{ "=??q?a?=", "=??q?a?=" },
	{ "=?utf-8?q?a=4?=", "a=4" },
	{ "=?utf-8?q?a=zz?=", "a=zz" },
	{ "=?utf-8?b?!!!?=", "=?utf-8?b?!!!?=" },
	{ "=?utf-8?b?ZG?=", "d" },
	{ "=?utf-8?b?Z?=", "=?utf-8?b?Z?=" },
	{ "=?utf-8?q?"
	  "?=x",
	    "x" },
	{ "=?", "=?" },
	{ "a=?=?=", "a=?=?=" },
	/* blanks are not allowed in it, but seen */
	{ "=?utf-8?q?a b?=", "a b" },
};

static void
test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		encoded_word_decode(&b, span_of(cases[i].value));
		if (strcmp(b.p, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].value, b.p);
		assert_int_equal(b.n, strlen(b.p));
		buf_finish(&b);
	}
}

static void
test_adds(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_text(&b, "Subject: ");
	encoded_word_decode(&b, span_of(" \n "));
	encoded_word_decode(&b, span_of(" =?utf-8?q?a?= "));
	assert_string_equal(b.p, "Subject: a");
	buf_finish(&b);
}

/* Each change of the charset opens a converter: there is an end to it. */
static void
test_limit(void **state)
{
	struct buf in = { 0 }, out = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_text(&in, "=?koi8-r?q?=C1?= =?windows-1251?q?=E0?= ");
	encoded_word_decode(&out, (struct span){ in.p, in.n });
	assert_memory_equal(out.p, "\xd0\xb0\xd0\xb0\xd0\xb0", 6);
	assert_non_null(strstr(out.p, "=?windows-1251?q?=E0?="));
	buf_finish(&in);
	buf_finish(&out);
}

static const struct length_case {
	const char *in;
	size_t want;
} lengths[] = {
	{ "=?utf-8?q?a?=", 13 },
	{ "=?utf-8?q?a,b?= c", 15 },
	{ "=?x?b?a?=@", 9 },
	{ " =?x?b?a?=", 0 },
	{ "=?x?b?a?", 0 },
	{ "", 0 },
};

static void
test_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++)
		assert_int_equal(encoded_word_length(span_of(lengths[i].in)),
		    lengths[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_adds),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
