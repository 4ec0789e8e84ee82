/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/memory.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct line_case {
	const char *line, *key, *value; /* key NULL: nothing on it */
} line_cases[] = {
	{ "key", "key", "" },
	{ "key value", "key", "value" },
	{ " \tkey \t a value \t\r", "key", "a value" },
	{ "key # comment", "key", "" },
	{ "key value # comment", "key", "value" },
	{ "key value\t# comment # more", "key", "value" },
	{ "key#1 value#2", "key#1", "value#2" },
	{ "key #", "key", "" },
	{ "# comment", NULL, NULL },
	{ "#", NULL, NULL },
	{ "  # comment", NULL, NULL },
	{ "", NULL, NULL },
	{ " \t\r", NULL, NULL },
};

static void
test_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(line_cases); i++) {
		const struct line_case *c = &line_cases[i];
		struct span key, value;
		bool got = list_line(span_of(c->line), &key, &value);

		assert_int_equal(got, c->key != NULL);
		if (!got)
			continue;
		assert_true(span_equal(key, span_of(c->key)));
		assert_true(span_equal(value, span_of(c->value)));
	}
}

static const struct wrong_case {
	const char *key;
	const char *why; /* what follows the key in quotes */
} wrong_cases[] = {
	{ "10.0.0.1/8", "has host bits set; write 10.0.0.0/8" },
	{ "2001:db8::1/32", "has host bits set; write 2001:db8::/32" },
	{ "192.0.2.0/33", "is no address and no network" },
	{ "300.1.2.3/8", "is no address and no network" },
	{ "300.1.2.3", "is no address and no network" },
	{ "192.0.2", "is no address and no network" },
	{ "192.0.2.", "is no address and no network" },
	{ "192.0.2.*", "is no address and no network" },
	{ "192.0.2.1-9", "is no address and no network" },
	{ "192.0.2.0/", "is no address and no network" },
	{ "192.0.2.0/x", "is no address and no network" },
	{ "192.0.2.0/255.255.255.0", "is no address and no network" },
	{ "10/8", "is no address and no network" },
	{ "2001:db8::/129", "is no address and no network" },
	{ "2001:db8:::1", "is no address and no network" },
	{ "2001:db8::g/x", NULL }, /* a text */
	{ "[300.1.2.3]", "is no address and no network" },
	{ "*.example.com", "would match nothing; write .example.com" },
	{ "*@example.com", "would match nothing; write @example.com" },
	{ "@.example.com", "would match nothing; write .example.com" },
	{ "user@*", "would match nothing; write user@" },
	{ "*@*", "would match nothing; write *" },
	{ "***SPAM***", NULL },
	{ "3com.example", NULL },
	{ "1-2", NULL },
	{ "a/b", NULL },
	{ "12:30", NULL },
	{ "*", NULL },
	{ "@", NULL },
	{ "192.0.2.1", NULL },
	{ "x@192.0.2.300", NULL },
};

static void
check_why(char *got, const char *place, const struct wrong_case *c)
{
	char *want = memory_printf("%s\"%s\" %s", place, c->key, c->why);

	assert_memory_equal(got, want, strlen(want));
	free(want);
	free(got);
}

static void
test_wrong_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong_cases); i++) {
		const struct wrong_case *c = &wrong_cases[i];
		char *text = memory_printf("# one\nok\n %s value\n", c->key);
		struct list *l = list_create();
		char *why = NULL;

		assert_int_equal(
		    list_read(l, "/l", span_of(text), &why), c->why == NULL);
		if (c->why != NULL)
			check_why(why, "/l:3: ", c);
		why = NULL;
		assert_int_equal(
		    list_add_entry(l, span_of(c->key), &why), c->why == NULL);
		if (c->why != NULL)
			check_why(why, "", c);
		assert_int_equal(list_count(l), c->why == NULL ? 2 : 1);
		list_destroy(&l);
		free(text);
	}
}

/* The smallest network that holds the address, and how small it is. */
static void
test_address(void **state)
{
	static const struct {
		const char *address, *value;
		unsigned prefix;
	} cases[] = {
		{ "192.0.2.1", "host", 32 },
		{ "192.0.2.2", "half", 25 },
		{ "192.0.2.200", "net", 24 },
		{ "198.51.100.1", "four", 0 },
		{ "2001:db8::1", "six", 32 },
		{ "2001:db9::1", NULL, 77 },
	};
	struct list *l = list_create();
	char *why = NULL;

	(void)state;
	assert_true(list_read(l, "l",
	    span_of("0.0.0.0/0 four\n192.0.2.0/24 net\n192.0.2.0/25 half\n"
		    "192.0.2.1 host\n192.0.2.1/32 again\n"
		    "2001:db8::/32 six"),
	    &why));
	assert_int_equal(list_count(l), 5);
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned prefix = 77;
		struct address a;
		const char *value;

		assert_true(address_parse(span_of(cases[i].address), &a));
		value = list_address(l, &a, &prefix);
		assert_int_equal(prefix, cases[i].prefix);
		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
	}
	list_destroy(&l);
	assert_null(l);
	list_destroy(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
