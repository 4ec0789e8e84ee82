/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/headers/field.c"
#include "../../plugins/headers/template.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
value(void *arg, const char *name)
{
	static const char *const pairs[][2] = {
		{ "a", "one" },
		{ "empty", "" },
		{ "note:spf.result", "pass" },
		{ "header:X-A-b", "field" },
		{ "_", "underscore" },
		{ "evil", "x\r\nBcc: y\tz\x7f\x01" },
		{ "braces", "{a}" },
	};

	(void)arg;
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (strcmp(name, pairs[i][0]) == 0)
			return pairs[i][1];
	return NULL;
}

static const struct expand_case {
	const char *text, *want; /* NULL: it has a fault */
} expand_cases[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "{a}", "one" },
	{ "<{a}>{a}", "<one>one" },
	{ "{missing}", "" },
	{ "{missing|none}", "none" },
	{ "{empty|none}", "none" },
	{ "{a|none}", "one" },
	{ "{missing|two words, a | bar}", "two words, a | bar" },
	{ "{missing|}", "" },
	{ "{note:spf.result|none}", "pass" },
	{ "{header:X-A-b}", "field" },
	{ "{_}", "underscore" },
	{ "{{", "{" },
	{ "{{a}", "{a}" },
	{ "{{{a}}", "{one}" },
	{ "{{{{", "{{" },
	{ "a } b", "a } b" },
	{ " {missing} x {missing} ", "x" },
	/* values are not read as templates, and cannot end the field */
	{ "{braces}", "{a}" },
	{ "{evil}.", "x  Bcc: y z  ." },
	{ "{", NULL },
	{ "{a", NULL },
	{ "x {a|b", NULL },
	{ "{}", NULL },
	{ "{|x}", NULL },
	{ "{a{b}}", NULL },
	{ "{a|{b}}", NULL },
	{ "{a b}", NULL },
	{ "{note:}", NULL },
	{ "{header:}", NULL },
	{ "{header:a:b}", NULL },
	{ "{other:x}", NULL },
	{ "a\nb", NULL },
	{ "a\tb", NULL },
};

static void
test_expand(void **state)
{
	char out[TEMPLATE_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(expand_cases); i++) {
		const struct expand_case *c = &expand_cases[i];
		const char *why = template_fault(c->text);

		if ((why == NULL) != (c->want != NULL))
			fail_msg("%s: %s", c->text, why ? why : "taken");
		if (c->want == NULL)
			continue;
		assert_int_equal(template_expand(out, c->text, value, NULL),
		    strlen(c->want));
		assert_string_equal(out, c->want);
	}
}

static void
test_long_name(void **state)
{
	char text[TEMPLATE_NAME_BYTES + 4] = "{";

	(void)state;
	memset(text + 1, 'a', TEMPLATE_NAME_BYTES);
	text[TEMPLATE_NAME_BYTES + 1] = '}';
	assert_null(template_fault(text));
	memcpy(text + TEMPLATE_NAME_BYTES + 1, "a}", 3);
	assert_non_null(template_fault(text));
}

static const char *
long_value(void *arg, const char *name)
{
	(void)name;
	return arg;
}

static void
test_bounds(void **state)
{
	char out[TEMPLATE_BYTES + 1], big[2000], text[1200];
	size_t n;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	n = template_expand(out, "{a}", long_value, big);
	assert_int_equal(n, TEMPLATE_VALUE_BYTES);
	n = template_expand(out, "{a}{a}{a}", long_value, big);
	assert_int_equal(n, TEMPLATE_BYTES);
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(
	    template_expand(out, text, long_value, big), TEMPLATE_BYTES);
	/* two bytes a character, from an odd place: the last one goes whole */
	for (size_t i = 1; i + 1 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xa9", 2);
	n = template_expand(out, "{a}", long_value, big);
	assert_int_equal(n, TEMPLATE_VALUE_BYTES - 1);
	assert_memory_equal(out + n - 2, "\xc3\xa9", 2);
	/* bytes that are no UTF-8 are cut all the same */
	memset(big, 0x80, sizeof(big) - 1);
	n = template_expand(out, "{a}", long_value, big);
	assert_int_equal(n, TEMPLATE_VALUE_BYTES);
}

static const struct {
	const char *pattern;
	bool ok;
} pattern_cases[] = {
	{ "Subject", true },
	{ "X-*", true },
	{ "*", false },
	{ "*-*", false },
	{ "", false },
	{ "Subject:", false },
	{ "X Y", false },
	{ "caf\xc3\xa9", false },
};

static void
test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pattern_cases); i++)
		if (field_pattern_ok(pattern_cases[i].pattern) !=
		    pattern_cases[i].ok)
			fail_msg("%s", pattern_cases[i].pattern);
}

static const struct cut_case {
	const char *text;
	size_t n;
	const char *value;
} cut_cases[] = {
	{ "X-A: b", 3, "b" },
	{ "X-A:b: c", 3, "b: c" },
	{ "X-A:", 3, "" },
	{ "X-A: \t b", 3, "b" },
	{ "X-A", 0, NULL },
	{ "X-A : b", 0, NULL },
	{ ": b", 0, NULL },
	{ "", 0, NULL },
	{ "X\xc3: b", 0, NULL },
};

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cut_cases); i++) {
		const char *at = NULL;

		assert_int_equal(
		    field_cut(cut_cases[i].text, &at), cut_cases[i].n);
		if (cut_cases[i].n > 0)
			assert_string_equal(at, cut_cases[i].value);
		else
			assert_null(at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
