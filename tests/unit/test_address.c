/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct parse_case {
	const char *in;
	const char *want; /* NULL: not an address */
} parse_cases[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "2001:0DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::ffff:c000:201", "192.0.2.1" },
	{ "::192.0.2.1", "::192.0.2.1" },
	{ "IPv6:2001:db8::1", "2001:db8::1" },
	{ "ipv6:::1", "::1" },
	{ "IPv6:::ffff:192.0.2.1", "192.0.2.1" },
	{ "[192.0.2.1]", "192.0.2.1" },
	{ "[IPv6:2001:db8::1]", "2001:db8::1" },
	{ "[2001:db8::1]", "2001:db8::1" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", NULL },
	{ "[]", NULL },
	{ "[", NULL },
	{ "[192.0.2.1", NULL },
	{ "192.0.2.1]", NULL },
	{ "[[192.0.2.1]]", NULL },
	{ "IPv6:", NULL },
	{ "IPv6:192.0.2.1", NULL },
	{ "IPv6:IPv6:::1", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.01", NULL },
	{ "192.0.2.1.", NULL },
	{ " 192.0.2.1", NULL },
	{ "192.0.2.1 ", NULL },
	{ "192.0.2.1/32", NULL },
	{ "0x7f.1", NULL },
	{ "2130706433", NULL },
	{ "2001:db8", NULL },
	{ "2001:db8:::1", NULL },
	{ "2001:db8::1::2", NULL },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "2001:db8::12345", NULL },
	{ "fe80::1%lo", NULL },
	{ "example.com", NULL },
	{ "unknown", NULL },
	{ "1111111111111111111111111111111111111111111111111111", NULL },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(parse_cases); i++) {
		const struct parse_case *c = &parse_cases[i];
		struct address a = { 77, { 7 } };
		char text[46];

		if (c->want == NULL) {
			assert_false(address_parse(span_of(c->in), &a));
			assert_int_equal(a.bits, 77);
			continue;
		}
		assert_true(address_parse(span_of(c->in), &a));
		address_format(&a, text);
		assert_string_equal(text, c->want);
		assert_int_equal(
		    a.bits, strchr(c->want, ':') != NULL ? 128 : 32);
	}
}

static void
test_parse_stops_at_the_end_of_the_span(void **state)
{
	struct address a;
	char text[46];

	(void)state;
	assert_true(address_parse((struct span){ "192.0.2.123", 9 }, &a));
	address_format(&a, text);
	assert_string_equal(text, "192.0.2.1");
	assert_false(address_parse((struct span){ "1.2.3.4\0", 8 }, &a));
	assert_false(address_parse((struct span){ NULL, 0 }, &a));
}

static const struct network_case {
	const char *in;
	const char *strict, *loose; /* NULL: refused */
	unsigned prefix;
} network_cases[] = {
	{ "192.0.2.0/24", "192.0.2.0", "192.0.2.0", 24 },
	{ "192.0.2.7", "192.0.2.7", "192.0.2.7", 32 },
	{ "192.0.2.7/32", "192.0.2.7", "192.0.2.7", 32 },
	{ "0.0.0.0/0", "0.0.0.0", "0.0.0.0", 0 },
	{ "192.0.2.128/25", "192.0.2.128", "192.0.2.128", 25 },
	{ "192.0.2.129/25", NULL, "192.0.2.128", 25 },
	{ "10.0.0.1/8", NULL, "10.0.0.0", 8 },
	{ "2001:db8::/32", "2001:db8::", "2001:db8::", 32 },
	{ "2001:db8::1", "2001:db8::1", "2001:db8::1", 128 },
	{ "2001:db8::1/127", NULL, "2001:db8::", 127 },
	{ "::/0", "::", "::", 0 },
	{ "::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.0", 24 },
	{ "::ffff:0:0/96", "0.0.0.0", "0.0.0.0", 0 },
	{ "::ffff:0:0/95", NULL, "::fffe:0:0", 95 },
	{ "[192.0.2.0]/24", "192.0.2.0", "192.0.2.0", 24 },
	{ "192.0.2.0/33", NULL, NULL, 0 },
	{ "192.0.2.0/", NULL, NULL, 0 },
	{ "192.0.2.0/08", NULL, NULL, 0 },
	{ "192.0.2.0/+8", NULL, NULL, 0 },
	{ "192.0.2.0/8/8", NULL, NULL, 0 },
	{ "192.0.2.0/ 8", NULL, NULL, 0 },
	{ "192.0.2.0/255.255.255.0", NULL, NULL, 0 },
	{ "2001:db8::/129", NULL, NULL, 0 },
	{ "2001:db8::/1280", NULL, NULL, 0 },
	{ "300.1.2.3/8", NULL, NULL, 0 },
	{ "/8", NULL, NULL, 0 },
	{ "", NULL, NULL, 0 },
};

static void
check_network(
    bool got, const struct network *n, const char *want, unsigned prefix)
{
	char text[46];

	assert_int_equal(got, want != NULL);
	if (want == NULL)
		return;
	address_format(&n->address, text);
	assert_string_equal(text, want);
	assert_int_equal(n->prefix, prefix);
}

static void
test_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(network_cases); i++) {
		const struct network_case *c = &network_cases[i];
		struct network n;
		struct span in = span_of(c->in);

		check_network(network_parse(in, &n), &n, c->strict, c->prefix);
		check_network(
		    network_parse_loose(in, &n), &n, c->loose, c->prefix);
	}
}

static const struct holds_case {
	const char *network, *address;
	bool want;
} holds_cases[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "0.0.0.0/0", "255.0.0.1", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "192.0.2.1", false },
	{ "::/0", "2001:db8::1", true },
	{ "0.0.0.0/0", "::ffff:192.0.2.1", true },
	{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	/* the same first bytes in the other family */
	{ "c000:200::/24", "192.0.2.0", false },
};

static void
test_holds(void **state)
{
	struct address none = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(holds_cases); i++) {
		const struct holds_case *c = &holds_cases[i];
		struct network n;
		struct address a;

		assert_true(network_parse(span_of(c->network), &n));
		assert_true(address_parse(span_of(c->address), &a));
		assert_int_equal(network_holds(&n, &a), c->want);
		assert_false(network_holds(&n, &none));
	}
}

static const struct mask_case {
	const char *in;
	unsigned prefix;
	const char *want;
} mask_cases[] = {
	{ "255.255.255.255", 0, "0.0.0.0" },
	{ "255.255.255.255", 1, "128.0.0.0" },
	{ "255.255.255.255", 9, "255.128.0.0" },
	{ "255.255.255.255", 24, "255.255.255.0" },
	{ "255.255.255.255", 32, "255.255.255.255" },
	{ "255.255.255.255", 200, "255.255.255.255" },
	{ "2001:db8:ffff:ffff::1", 64, "2001:db8:ffff:ffff::" },
	{ "2001:db8:ffff:ffff::1", 57, "2001:db8:ffff:ff80::" },
};

static void
test_mask(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mask_cases); i++) {
		struct address a;
		char text[46];

		assert_true(address_parse(span_of(mask_cases[i].in), &a));
		a = address_mask(&a, mask_cases[i].prefix);
		address_format(&a, text);
		assert_string_equal(text, mask_cases[i].want);
	}
}

static void
test_format_of_none(void **state)
{
	struct address none = { 0 };
	char text[46] = "x";

	(void)state;
	address_format(&none, text);
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_stops_at_the_end_of_the_span),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_format_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
