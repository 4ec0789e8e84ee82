/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/reply.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct reply_case {
	int32_t code;
	const char *dsn, *text;
	const char *want_dsn; /* NULL: refused */
} cases[] = {
	{ 550, "5.7.1", "no", "5.7.1" },
	{ 421, "4.7.0", "later", "4.7.0" },
	{ 400, NULL, "x", "4.7.1" },
	{ 499, NULL, "x", "4.7.1" },
	{ 500, NULL, "x", "5.7.1" },
	{ 599, "5.123.999", "x", "5.123.999" },
	{ 550, "5.0.0", "x", "5.0.0" },
	{ 550, "5.7.1", "one\ntwo", "5.7.1" },
	{ 550, "5.7.1", " ~", "5.7.1" },
	/* codes */
	{ 399, NULL, "x", NULL },
	{ 600, NULL, "x", NULL },
	{ 250, NULL, "x", NULL },
	{ 0, NULL, "x", NULL },
	{ -550, NULL, "x", NULL },
	{ 66086, NULL, "x", NULL }, /* 550 in 16 bits */
	/* enhanced codes */
	{ 550, "4.7.1", "x", NULL },
	{ 450, "5.7.1", "x", NULL },
	{ 550, "2.7.1", "x", NULL },
	{ 550, "", "x", NULL },
	{ 550, "5", "x", NULL },
	{ 550, "5.", "x", NULL },
	{ 550, "5.7", "x", NULL },
	{ 550, "5.7.", "x", NULL },
	{ 550, "5..1", "x", NULL },
	{ 550, "5.7.1.1", "x", NULL },
	{ 550, "5.7.1 ", "x", NULL },
	{ 550, "5.07.1", "x", NULL },
	{ 550, "5.7.01", "x", NULL },
	{ 550, "5.1000.1", "x", NULL },
	{ 550, "5.7.1000", "x", NULL },
	{ 550, "55.7.1", "x", NULL },
	{ 550, "5.a.1", "x", NULL },
	/* texts */
	{ 550, NULL, NULL, NULL },
	{ 550, NULL, "", NULL },
	{ 550, NULL, "\n", NULL },
	{ 550, NULL, "one\n", NULL },
	{ 550, NULL, "\none", NULL },
	{ 550, NULL, "one\n\ntwo", NULL },
	{ 550, NULL, "one\r\ntwo", NULL },
	{ 550, NULL, "tab\there", NULL },
	{ 550, NULL, "del\x7f", NULL },
	{ 550, NULL, "gr\xc3\xbc\xc3\x9f", NULL },
};

static void
test_cases(void **state)
{
	struct arena *arena = arena_create(256);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct reply_case *c = &cases[i];
		struct reply r = { .code = 1 };
		const char *why = NULL;
		bool ok = reply_set(&r, arena, c->code, c->dsn, c->text, &why);

		assert_int_equal(ok, c->want_dsn != NULL);
		if (!ok) {
			assert_non_null(why);
			assert_int_equal(r.code, 1);
			assert_null(r.dsn);
			assert_null(r.text);
			continue;
		}
		assert_int_equal(r.code, c->code);
		assert_string_equal(r.dsn, c->want_dsn);
		assert_string_equal(r.text, c->text);
		assert_ptr_not_equal(r.text, c->text);
	}
	arena_destroy(&arena);
}

/* lines of width times the byte c */
static const struct size_case {
	char c;
	int lines, width;
	bool ok;
} sizes[] = {
	{ 'x', 1, 980, true },
	{ 'x', 1, 981, false },
	{ 'x', 32, 980, true },
	{ 'x', 33, 1, false },
	/* libmilter counts what is sent, where each "%" is doubled */
	{ '%', 1, 490, true },
	{ '%', 1, 491, false },
};

static void
test_sizes(void **state)
{
	struct arena *arena = arena_create(256);
	static char text[33 * 982];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct reply r;
		const char *why = NULL;
		char *p = text;

		for (int k = 0; k < sizes[i].lines; k++) {
			memset(p, sizes[i].c, (size_t)sizes[i].width);
			p += sizes[i].width;
			*p++ = '\n';
		}
		p[-1] = '\0';
		assert_int_equal(
		    reply_set(&r, arena, 550, NULL, text, &why), sizes[i].ok);
	}
	arena_destroy(&arena);
}

static const struct clean_case {
	const char *in, *out;
} cleans[] = {
	{ "plain", "plain" },
	{ "one\ntwo", "one\ntwo" },
	{ "one\r\ntwo\r\n", "one\ntwo" },
	{ "\n\none\n\n\ntwo\n", "one\ntwo" },
	{ "a\tb\x01"
	  "c\x7f",
	    "a?b?c?" },
	{ "a\rb", "a?b" },
	{ "\xc3\xbc", "??" },
	{ "", "?" },
	{ "\n\r\n", "?" },
	{ NULL, "?" },
};

static void
test_clean(void **state)
{
	struct arena *arena = arena_create(256);

	(void)state;
	for (size_t i = 0; i < COUNT(cleans); i++)
		assert_string_equal(
		    reply_clean(arena, cleans[i].in), cleans[i].out);
	arena_destroy(&arena);
}

static void
test_clean_is_taken(void **state)
{
	struct arena *arena = arena_create(256);
	char text[40000];
	const char *why = NULL;
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 997 == 0 ? '\n' : 1 + i % 255);
	text[sizeof(text) - 1] = '\0';
	assert_true(
	    reply_set(&r, arena, 550, NULL, reply_clean(arena, text), &why));
	memset(text, '%', sizeof(text) - 1);
	assert_true(
	    reply_set(&r, arena, 550, NULL, reply_clean(arena, text), &why));
	assert_int_equal(strlen(r.text), 490);
	arena_destroy(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
