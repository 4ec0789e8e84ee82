/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/spf/address.c"
#include "../../plugins/spf/domain.c"
#include "../../plugins/spf/macro.c"
#include "../../plugins/spf/record.c"
#include "../../plugins/spf/rewrite.c"
#include "../../plugins/spf/text.c"

/* --- texts --- */

static void
test_text(void **state)
{
	char small[8], tail[10];
	struct text t = TEXT(small);
	struct text k = { .p = tail, .size = sizeof(tail), .keep = 4 };

	(void)state;
	text_string(&t, "abcde");
	assert_false(t.cut);
	text_string(&t, "fghij");
	assert_string_equal(small, "abcdefg");
	assert_true(t.cut);
	text_string(&k, "0123456789abcdef");
	assert_true(k.n >= 4 && k.n < sizeof(tail));
	assert_string_equal(tail + k.n - 4, "cdef");
	t = TEXT(small);
	text_number(&t, 0);
	text_number(&t, 1234);
	assert_string_equal(small, "01234");
	t = TEXT(small);
	text_clean(&t, (struct span){ "a\r\n\0\xe9z", 6 });
	assert_string_equal(small, "a????z");
}

/* --- addresses --- */

static const struct address_case {
	const char *in;
	int bits; /* 0: refused */
	const char *pretty, *dotted;
} address_cases[] = {
	{ "192.0.2.7", 32, "192.0.2.7", "192.0.2.7" },
	{ "::ffff:192.0.2.7", 32, "192.0.2.7", "192.0.2.7" },
	{ "::FFFF:c000:207", 32, "192.0.2.7", "192.0.2.7" },
	{ "2001:DB8::CB01", 128, "2001:db8::cb01",
	    "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0."
	    "1" },
	{ "::192.0.2.7", 128, "::192.0.2.7", NULL },
	{ "::1", 128, "::1", NULL },
	{ "192.0.2", 0, NULL, NULL },
	{ "192.0.2.07", 0, NULL, NULL },
	{ "192.0.2.256", 0, NULL, NULL },
	{ " 192.0.2.7", 0, NULL, NULL },
	{ "2001:db8::7%eth0", 0, NULL, NULL },
	{ "unknown", 0, NULL, NULL },
	{ "", 0, NULL, NULL },
};

static void
test_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(address_cases); i++) {
		const struct address_case *c = &address_cases[i];
		char pretty[ADDRESS_TEXT], dotted[ADDRESS_TEXT];
		struct text p = TEXT(pretty), d = TEXT(dotted);
		struct address a;

		if (address_parse(span_of(c->in), &a) != (c->bits != 0))
			fail_msg("%s: taken or not", c->in);
		if (c->bits == 0)
			continue;
		assert_int_equal(a.bits, c->bits);
		address_print(&a, &p);
		address_print_dotted(&a, &d);
		assert_string_equal(pretty, c->pretty);
		if (c->dotted != NULL)
			assert_string_equal(dotted, c->dotted);
	}
}

static const struct in_case {
	const char *client, *network;
	uint8_t bits;
	bool in;
} in_cases[] = {
	{ "192.0.2.7", "192.0.2.7", 32, true },
	{ "192.0.2.7", "192.0.2.6", 32, false },
	{ "192.0.2.7", "192.0.2.6", 31, true },
	{ "192.0.2.7", "192.0.2.0", 24, true },
	{ "192.0.3.7", "192.0.2.0", 24, false },
	{ "192.0.3.7", "192.0.2.0", 23, true },
	{ "10.0.0.1", "192.0.2.0", 0, true },
	{ "2001:db8::7", "2001:db8::", 32, true },
	{ "2001:db9::7", "2001:db8::", 32, false },
	{ "2001:db9::7", "2001:db8::", 31, true },
	{ "2001:db8::7", "2001:db8::6", 127, true },
	{ "2001:db8::7", "::", 0, true },
	{ "2001:db8::7", "0.0.0.0", 0, false },
	{ "192.0.2.7", "::", 0, false },
	{ "192.0.2.7", "192.0.2.7", 33, false },
};

static void
test_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(in_cases); i++) {
		const struct in_case *c = &in_cases[i];
		struct address client, network;

		assert_true(address_parse(span_of(c->client), &client));
		assert_true(address_parse(span_of(c->network), &network));
		if (address_in(&client, &network, c->bits) != c->in)
			fail_msg("%s in %s/%u", c->client, c->network, c->bits);
	}
}

/* --- domains --- */

#define LABEL63                                                                \
	"a23456789012345678901234567890123456789012345678901234567890123"

static const struct domain_case {
	const char *in;
	bool complete;
	const char *name; /* NULL: the DNS has none */
} domain_cases[] = {
	{ "example.com", true, "example.com" },
	{ "EXAMPLE.com.", true, "example.com" },
	{ "example", false, "example" },
	{ "example.", false, "example" },
	{ LABEL63 ".example", true, LABEL63 ".example" },
	{ LABEL63 "4.example", false, NULL },
	{ "a..example", false, NULL },
	{ ".example", false, NULL },
	{ "a.example..", false, NULL },
	{ ".", false, NULL },
	{ "", false, NULL },
	{ "[192.0.2.7]", false, "\\091192.0.2.7\\093" },
	{ "a b.example", true, "a\\032b.example" },
	{ "foo:bar/baz.example", true, "foo\\058bar\\047baz.example" },
	{ "a\\b.example", true, "a\\092b.example" },
	{ "a_b-c.example", true, "a_b-c.example" },
	{ "\xc3\xa4.example", false, NULL },
	{ "a\n.example", false, NULL },
};

static void
test_domain(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(domain_cases); i++) {
		const struct domain_case *c = &domain_cases[i];
		char name[DOMAIN_NAME] = "";

		if (domain_is_complete(span_of(c->in)) != c->complete)
			fail_msg("%s: complete or not", c->in);
		if (domain_name(span_of(c->in), name) != (c->name != NULL))
			fail_msg("%s: a name or not", c->in);
		if (c->name != NULL)
			assert_string_equal(name, c->name);
	}
}

/* Four labels of 63 bytes and three dots are 255: one goes. */
static void
test_shorten(void **state)
{
	static const char four[] = LABEL63 "." LABEL63 "." LABEL63 "." LABEL63;
	struct span s = domain_shorten(span_of(four));

	(void)state;
	assert_int_equal(s.n, 3 * 63 + 2);
	s = domain_shorten(span_of(LABEL63 ".example."));
	assert_int_equal(s.n, 63 + 8);
}

static void
test_within(void **state)
{
	(void)state;
	assert_true(domain_is_within("example.com", "example.com"));
	assert_true(domain_is_within("a.example.com", "Example.com"));
	assert_false(domain_is_within("aexample.com", "example.com"));
	assert_false(domain_is_within("com", "example.com"));
	assert_false(domain_is_within("example.com", ""));
}

/* --- macros (RFC 7208, 7) --- */

static const struct macro_case {
	const char *in, *out;
} macro_cases[] = {
	/* the examples of 7.4 */
	{ "%{s}", "strong-bad@email.example.com" },
	{ "%{o}", "email.example.com" },
	{ "%{d}", "email.example.com" },
	{ "%{d4}", "email.example.com" },
	{ "%{d3}", "email.example.com" },
	{ "%{d2}", "example.com" },
	{ "%{d1}", "com" },
	{ "%{dr}", "com.example.email" },
	{ "%{d2r}", "example.email" },
	{ "%{l}", "strong-bad" },
	{ "%{l-}", "strong.bad" },
	{ "%{lr}", "strong-bad" },
	{ "%{lr-}", "bad.strong" },
	{ "%{l1r-}", "strong" },
	{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
	{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
	{ "%{p2}.trusted-domains.example.net",
	    "example.org.trusted-domains.example.net" },
	/* and more */
	{ "%%%_%-x.example", "% %20x.example" },
	{ "%{D2}", "example.com" },
	{ "%{S}", "strong-bad%40email.example.com" },
	{ "%{h200}", "a.b..c-d" },
	{ "%{hr.-}", "d.c..b.a" },
	{ "%{h2r.-}", "b.a" },
	{ "%{h1}", "c-d" },
	{ "%{h0002}", ".c-d" },
	{ "%{t}%{c}%{r}", "12192.0.2.3mx" },
};

static struct macro_values
values(void)
{
	struct macro_values v = { 0 };

	v.of['s' - 'a'] = span_of("strong-bad@email.example.com");
	v.of['l' - 'a'] = span_of("strong-bad");
	v.of['o' - 'a'] = v.of['d' - 'a'] = span_of("email.example.com");
	v.of['i' - 'a'] = v.of['c' - 'a'] = span_of("192.0.2.3");
	v.of['v' - 'a'] = span_of("in-addr");
	v.of['p' - 'a'] = span_of("mx.example.org");
	v.of['h' - 'a'] = span_of("a.b..c-d");
	v.of['r' - 'a'] = span_of("mx");
	v.of['t' - 'a'] = span_of("12");
	return v;
}

static void
test_macros(void **state)
{
	struct macro_values v = values();

	(void)state;
	for (size_t i = 0; i < COUNT(macro_cases); i++) {
		const struct macro_case *c = &macro_cases[i];
		char out[200];
		struct text t = TEXT(out);
		const char *why =
		    macro_fault(span_of(c->in), MACRO_EXPLANATION);

		if (why != NULL)
			fail_msg("%s: %s", c->in, why);
		assert_true(macro_expand(span_of(c->in), &v, &t));
		if (strcmp(out, c->out) != 0)
			fail_msg("%s: %s, want %s", c->in, out, c->out);
	}
}

static const struct fault_case {
	const char *in;
	bool domain, modifier, explanation; /* is it taken there? */
} fault_cases[] = {
	{ "", false, true, true },
	{ "example.com", true, true, true },
	{ "example.com.", true, true, true },
	{ "example", false, true, true },
	{ "museum.", false, true, true },
	{ "111.222.33.44", false, true, true },
	{ "abc.1-2", true, true, true },
	{ "abc.-com", false, true, true },
	{ "abc.com-", false, true, true },
	{ "abc.xn--zckzah", true, true, true },
	{ "example.com:8080", false, true, true },
	{ "foo:bar/baz.example.com", true, true, true },
	{ "%{d}", true, true, true },
	{ "%{d}.com", true, true, true },
	{ "%{d}com", false, true, true },
	{ "a%_", true, true, true },
	{ "a b.example.com", false, false, true },
	{ "a\tb.example.com", false, false, false },
	{ "\xc3\xa4.example.com", false, false, false },
	{ "%{c}.example.com", false, true, true },
	{ "%{R}.example.com", false, true, true },
	{ "%{t}.example.com", false, true, true },
	{ "%{x}.example.com", false, false, false },
	{ "%{d0}.example.com", false, false, false },
	{ "%{d*}.example.com", false, false, false },
	{ "%{dr2}.example.com", false, false, false },
	{ "%{d.-+,/_=}.example.com", true, true, true },
	{ "%{d.example.com", false, false, false },
	{ "%{}.example.com", false, false, false },
	{ "%(d).example.com", false, false, false },
	{ "%%%.example.com", false, false, false },
	{ "example.com%", false, false, false },
};

static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fault_cases); i++) {
		const struct fault_case *c = &fault_cases[i];
		const bool want[] = { c->domain, c->modifier, c->explanation };

		for (int place = 0; place < 3; place++)
			if ((macro_fault(span_of(c->in),
				 (enum macro_place)place) == NULL) !=
			    want[place])
				fail_msg("%s at place %d", c->in, place);
	}
}

static void
test_beyond_ascii(void **state)
{
	struct macro_values v = values();
	char out[200];
	struct text t = TEXT(out);

	(void)state;
	v.of['l' - 'a'] = span_of("\xc3\xa4");
	assert_false(macro_expand(span_of("%{l}.example"), &v, &t));
	assert_true(macro_uses(span_of("x%{P2r}y"), 'p'));
	assert_false(macro_uses(span_of("%%{p}"), 'p'));
}

/* --- records --- */

static const struct record_case {
	const char *in;
	const char *bad; /* the term that is wrong; NULL: none is */
} record_cases[] = {
	{ "v=spf1", NULL },
	{ "v=spf1 ", NULL },
	{ "V=SPF1   A  MX/24//64  -ALL ", NULL },
	{ "v=spf1 +a -a ?a ~a", NULL },
	{ "v=spf1 a:example.com/24//64 mx//0 a/0 mx/0//0", NULL },
	{ "v=spf1 ptr ptr:example.com exists:%{i}.example.com", NULL },
	{ "v=spf1 ip4:192.0.2.0/24 ip4:0.0.0.0/0 ip4:192.0.2.1/32", NULL },
	{ "v=spf1 ip6:2001:db8::/32 ip6:::1.1.1.1/0 ip6:::", NULL },
	{ "v=spf1 redirect=a.example exp=b.example x= x=y X=%{d}", NULL },
	{ "v=spf1 Redirect=a.example moo.cow-far_out=man:dog/cat", NULL },
	{ "v=spf1 all all:x", "all:x" },
	{ "v=spf1 -all.", "-all." },
	{ "v=spf1 -all/8", "-all/8" },
	{ "v=spf1 moo", "moo" },
	{ "v=spf1 !a", "!a" },
	{ "v=spf1 ++a", "++a" },
	{ "v=spf1 a, mx", "a," },
	{ "v=spf1 a:", "a:" },
	{ "v=spf1 a:museum", "a:museum" },
	{ "v=spf1 a:192.0.2.7", "a:192.0.2.7" },
	{ "v=spf1 a/33", "a/33" },
	{ "v=spf1 a/024", "a/024" },
	{ "v=spf1 a/", "a/" },
	{ "v=spf1 a//129", "a//129" },
	{ "v=spf1 a/24/64", "a/24/64" },
	{ "v=spf1 a///64", "a///64" },
	{ "v=spf1 a//64/24", "a//64/24" },
	{ "v=spf1 a/4294967320", "a/4294967320" },
	{ "v=spf1 ptr/0", "ptr/0" },
	{ "v=spf1 ptr:", "ptr:" },
	{ "v=spf1 include", "include" },
	{ "v=spf1 include:a.example/24", "include:a.example/24" },
	{ "v=spf1 include:%{d}/24", "include:%{d}/24" },
	{ "v=spf1 exists", "exists" },
	{ "v=spf1 exists:a.example/24", "exists:a.example/24" },
	{ "v=spf1 ip4", "ip4" },
	{ "v=spf1 ip4:192.0.2", "ip4:192.0.2" },
	{ "v=spf1 ip4:192.0.2.1/33", "ip4:192.0.2.1/33" },
	{ "v=spf1 ip4:192.0.2.1/032", "ip4:192.0.2.1/032" },
	{ "v=spf1 ip4:192.0.2.1//32", "ip4:192.0.2.1//32" },
	{ "v=spf1 ip4:192.0.2.1:25", "ip4:192.0.2.1:25" },
	{ "v=spf1 ip4:192.0.2.1\n", "ip4:192.0.2.1\n" },
	{ "v=spf1 ip4:::1", "ip4:::1" },
	{ "v=spf1 ip6:::1/129", "ip6:::1/129" },
	{ "v=spf1 ip6::2001::1", "ip6::2001::1" },
	{ "v=spf1 ip6:192.0.2.1", "ip6:192.0.2.1" },
	{ "v=spf1 redirect:a.example", "redirect:a.example" },
	{ "v=spf1 +redirect=a.example", "+redirect=a.example" },
	{ "v=spf1 redirect=", "redirect=" },
	{ "v=spf1 exp=a.example exp=a.example", "exp=a.example" },
	{ "v=spf1 redirect=a.example REDIRECT=b.example",
	    "REDIRECT=b.example" },
	{ "v=spf1 exp=-all", "exp=-all" },
	{ "v=spf1 1up=x", "1up=x" },
	{ "v=spf1 =x", "=x" },
	{ "v=spf1 x=%a", "x=%a" },
	{ "v=spf1 a\tmx", "a\tmx" },
	{ "v=spf1 \xef\xbb\xbf"
	  "a",
	    "\xef\xbb\xbf"
	    "a" },
};

static void
test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(record_cases); i++) {
		const struct record_case *c = &record_cases[i];
		struct span bad = { NULL, 0 };
		const char *why = record_fault(span_of(c->in), &bad);

		assert_true(record_is_spf(span_of(c->in)));
		if ((why != NULL) != (c->bad != NULL))
			fail_msg("%s: %s", c->in, why ? why : "taken");
		if (why != NULL && !span_is(bad, c->bad))
			fail_msg("%s: %.*s", c->in, (int)bad.n, bad.p);
	}
}

static void
test_versions(void **state)
{
	static const char *const others[] = { "", "v=spf", "v=spf10",
		"v=spf1\ta", " v=spf1 a", "v=spf2 a", "spf1 a" };

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++)
		if (record_is_spf(span_of(others[i])))
			fail_msg("%s", others[i]);
	/* A NUL is a byte like any other. */
	assert_false(record_is_spf((struct span){ "v=spf1\0a", 8 }));
}

/* --- rewriting --- */

static const struct rewrite_case {
	const char *client, *in, *out;
	uint32_t asks;
} rewrite_cases[] = {
	{ "192.0.2.7", "v=spf1", "v=spf1", 10 },
	{ "192.0.2.7", "v=spf1 a -all",
	    "v=spf1 +a:3.7.0.a ?exists:3.9.0.x -all", 10 },
	{ "192.0.2.7", "v=spf1 ip4:198.51.100.1 ~ip4:192.0.2.0/24 -all",
	    "v=spf1 ?exists:3.24.0.x ~ip4:192.0.2.0/24", 10 },
	{ "192.0.2.7", "v=spf1 ip6:::/0 ?ip4:198.51.100.1/0 -all",
	    "v=spf1 ?exists:3.16.0.x ?all", 10 },
	{ "2001:db8::7", "v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::/32",
	    "v=spf1 ?exists:3.21.0.x +ip6:2001:db8::/32", 10 },
	{ "192.0.2.7", "v=spf1 a:%{l}.x.example/24//64 mx/0//64 a/32",
	    "v=spf1 +a:3.7.0.a/24 +mx:3.31.0.m +a:3.40.0.a", 10 },
	{ "2001:db8::7", "v=spf1 a:%{l}.x.example/24//64 mx/24//0 a//128",
	    "v=spf1 +a:3.7.0.a//64 +mx:3.31.0.m +a:3.40.0.a", 10 },
	{ "192.0.2.7", "v=spf1 -ptr exists:a.example ?include:b.example",
	    "v=spf1 -exists:3.7.0.p +exists:3.12.0.e ?include:3.29.0.i", 10 },
	{ "192.0.2.7", "v=spf1 redirect=a.example exp=b.example x=y mx",
	    "v=spf1 +mx:3.44.0.m redirect=3.7.0.r", 10 },
	{ "192.0.2.7", "v=spf1 redirect=a.example all",
	    "v=spf1 ?exists:3.26.0.x +all", 10 },
	/* one more than may ask, to hit the limit; what follows, no more */
	{ "192.0.2.7", "v=spf1 a mx ptr -all redirect=a.example",
	    "v=spf1 +a:3.7.0.a +mx:3.9.0.m", 1 },
};

static void
test_rewrite(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rewrite_cases); i++) {
		const struct rewrite_case *c = &rewrite_cases[i];
		char out[REWRITE_TEXT];
		struct text t = TEXT(out);
		struct address client;
		struct span bad;

		assert_true(address_parse(span_of(c->client), &client));
		assert_null(record_fault(span_of(c->in), &bad));
		rewrite_record(span_of(c->in), 3, &client, c->asks, &t);
		if (strcmp(out, c->out) != 0)
			fail_msg("%s:\n%s, want\n%s", c->in, out, c->out);
	}
}

static void
test_tags(void **state)
{
	static const char *const bad[] = { "", "1.2.3", "1.2.3.", "1.2.3.z",
		"1.2.3.aa", "1..3.a", "a.2.3.a", "1.2.3.a.a", "-1.2.3.a",
		"1.2.1234567890.a", "example.com" };
	struct tag tag;

	(void)state;
	assert_true(tag_parse("1.234.5.h", &tag));
	assert_int_equal(tag.record, 1);
	assert_int_equal(tag.offset, 234);
	assert_int_equal(tag.host, 5);
	assert_int_equal(tag.kind, TAG_HOST);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (tag_parse(bad[i], &tag))
			fail_msg("%s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_shorten),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_macros),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_beyond_ascii),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
