/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "service/content_url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct find_case {
	const char *in, *want; /* what is found, "|" between */
} find_cases[] = {
	{ "", "" },
	{ "no link at all: and/or 1.5/2 a:b", "" },
	{ "see http://example.com/a?b=c#d now", "http://example.com/a?b=c#d" },
	{ "HTTP://EXAMPLE.COM", "HTTP://EXAMPLE.COM" },
	{ "(http://example.com/a_(b)).", "http://example.com/a_(b)" },
	{ "[http://example.com/x], {http://example.com/y}!",
	    "http://example.com/x|http://example.com/y" },
	{ "\"http://example.com/\" 'http://example.net/'.",
	    "http://example.com/|http://example.net/" },
	{ "<http://example.com/><https://example.net>",
	    "http://example.com/|https://example.net" },
	{ "xhttp://example.com", "http://example.com" },
	{ "http://", "" },
	{ "http:// example", "" },
	{ "gopher://example.com/", "" },
	{ "hxxp://evil[.]example/x hxxps://evil(.)example",
	    "hxxp://evil[.]example/x|hxxps://evil(.)example" },
	{ "h**p://evil.example/", "h**p://evil.example/" },
	{ "www.example.com, and www.example.net/x.",
	    "www.example.com|www.example.net/x" },
	{ "www. www.a xwww.example.com", "" },
	{ "go to example.com/login today", "example.com/login" },
	{ "/usr/example.com/login ./a.sh/b", "" },
	{ "example.com without a path", "" },
	{ "mail joe@example.com.", "joe@example.com" },
	{ "<joe.doe+tag@mail.example.com>", "joe.doe+tag@mail.example.com" },
	{ "joe@localhost @example.com joe@ a@b.c1", "" },
	{ "http://joe@example.com/x", "http://joe@example.com/x" },
	{ "http://b\xc3\xbc"
	  "cher.example/\xe2\x80\x9d quoted",
	    "http://b\xc3\xbc"
	    "cher.example/" },
	{ "http://example\xe3\x80\x82"
	  "com/",
	    "http://example\xe3\x80\x82"
	    "com/" },
	{ "http://a.example/http://b.example/",
	    "http://a.example/http://b.example/" },
	{ "://://http://://", "http://://" },
};

static void
put_found(void *arg, struct span url)
{
	struct buf *b = arg;

	if (b->n > 0)
		buf_char(b, '|');
	buf_put(b, url.p, url.n);
}

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(find_cases); i++) {
		struct buf b = { 0 };

		buf_put(&b, "", 0);
		content_url_find(span_of(find_cases[i].in), put_found, &b);
		if (strcmp(b.p, find_cases[i].want) != 0)
			fail_msg("\"%s\": \"%s\", want \"%s\"",
			    find_cases[i].in, b.p, find_cases[i].want);
		buf_finish(&b);
	}
}

/* want: "scheme|host|path", "!" before it if obfuscated; NULL: no link */
static const struct parse_case {
	const char *in, *want;
} parse_cases[] = {
	{ "http://example.com", "http|example.com|/" },
	{ "https://Example.COM./A?b#c", "https|example.com|/A?b#c" },
	{ " http://example.com/ ", "http|example.com|/" },
	{ "http://example.com:8080/x", "http|example.com|/x" },
	{ "http://example.com?x=1", "http|example.com|/?x=1" },
	{ "//example.com/x", "http|example.com|/x" },
	{ "www.example.com/x", "http|www.example.com|/x" },
	{ "joe@example.com", "mailto|example.com|joe@example.com" },
	{ "mailto:joe@example.com?subject=hi",
	    "mailto|example.com|joe@example.com?subject=hi" },
	{ "mailto:nobody", NULL },
	{ "hxxps://evil[.]example/x", "!https|evil.example|/x" },
	{ "http://evil(dot)example/", "!http|evil.example|/" },
	{ "http:\\\\evil.example\\x", "!http|evil.example|\\x" },
	{ "http:///evil.example/", "!http|evil.example|/" },
	{ "http:/evil.example/", "!http|evil.example|/" },
	{ "http://bank.example@evil.example/", "!http|evil.example|/" },
	{ "http://bank.example%2f@evil.example/", "!http|evil.example|/" },
	{ "http://%65vil.example/", "!http|evil.example|/" },
	{ "http://evil\xe3\x80\x82"
	  "example/",
	    "!http|evil.example|/" },
	{ "http://b\xc3\xbc"
	  "cher.example/",
	    "http|b\xc3\xbc"
	    "cher.example|/" },
	/* addresses: RFC 3986, 7.4 */
	{ "http://192.0.2.1/x", "http|192.0.2.1|/x" },
	{ "http://3221225985/", "!http|192.0.2.1|/" },
	{ "http://0xC0.0x00.0x02.0x01/", "!http|192.0.2.1|/" },
	{ "http://0300.0.02.01/", "!http|192.0.2.1|/" },
	{ "http://0xc0000201/", "!http|192.0.2.1|/" },
	{ "http://192.513/", "!http|192.0.2.1|/" },
	{ "http://256.1.1.1/", "http|256.1.1.1|/" },
	{ "http://1.2.3.4.5/", "http|1.2.3.4.5|/" },
	{ "http://4294967296/", "http|4294967296|/" },
	{ "http://[2001:DB8::1]:80/", "http|[2001:db8::1]|/" },
	{ "http://[2001:db8::x]/", NULL },
	/* paths */
	{ "http://a.example/%70ay", "!http|a.example|/pay" },
	{ "http://a.example/a%20b%2Fc%00%0a%zz%",
	    "http|a.example|/a b/c%00%0a%zz%" },
	{ "http://a.example/%2541", "http|a.example|/%41" },
	/* no host */
	{ "data:text/html,x", "data||text/html,x" },
	{ "javascript:alert(1)", "javascript||alert(1)" },
	{ "cid:x@y.example", "cid||x@y.example" },
	/* nothing to follow */
	{ "", NULL },
	{ "#top", NULL },
	{ "page.html?x", "http|page.html|/?x" },
	{ "/page", NULL },
	{ "http://", NULL },
	{ "http://.../", NULL },
	{ "http://a b/", NULL },
	{ "http://a.example%3fx/", NULL },
	{ "unknown:thing", NULL },
	{ "http://a<b.example/", NULL },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(parse_cases); i++) {
		struct arena *a = arena_create(256);
		struct content_url u;
		const char *got = NULL, *want = parse_cases[i].want;

		if (content_url_parse(a, span_of(parse_cases[i].in), &u))
			got = arena_printf(a, "%s%s|%s|%s",
			    u.obfuscated ? "!" : "", u.scheme, u.host, u.path);
		if ((got == NULL) != (want == NULL) ||
		    (got != NULL && strcmp(got, want) != 0))
			fail_msg("\"%s\": \"%s\", want \"%s\"",
			    parse_cases[i].in, got != NULL ? got : "none",
			    want != NULL ? want : "none");
		arena_destroy(&a);
	}
}

static void
test_within(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{ "/?u=http://b.example/x&y=1", "http://b.example/x" },
		{ "/r/https://b.example/", "https://b.example/" },
		{ "/http:/x", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span s = content_url_within(cases[i].path);

		assert_true(span_equal(s, span_of(cases[i].want)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
