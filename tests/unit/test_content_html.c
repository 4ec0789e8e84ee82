/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/content_html.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct html_case {
	const char *in, *text;
	const char *links; /* "url shown;" of each */
} cases[] = {
	{ "", "", "" },
	{ "plain  text\n\n here", "plain text here", "" },
	{ "V<b></b>ia<!-- no -->gra <i>now</i>", "Viagra now", "" },
	{ "one<br>two<p>three</p><div>four</div>five",
	    "one two three four five", "" },
	{ "<td>a</td><td>b</td>", "a b", "" },
	{ "1 < 2 & 3 > 2 <3 </ x", "1 < 2 & 3 > 2 <3 </ x", "" },
	/* entities */
	{ "&lt;b&gt; &amp;amp; &#65;&#x42;&#67 &nosuch; &eacute;",
	    "<b> &amp; ABC &nosuch; \xc3\xa9", "" },
	{ "&#0;&#xd800;&#x110000;&#99999999999;",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "" },
	{ "a&nbsp;&nbsp;b", "a b", "" },
	{ "pay&shy;ment p&zwnj;ay\xe2\x80\x8b", "payment pay", "" },
	/* what is no text */
	{ "<style>p{}</style>a<script>x<b>y</script>b<title>t</title>", "ab",
	    "" },
	{ "a<script>never ends", "a", "" },
	{ "<!doctype html><?xml x?>a<!-->b<!--c", "ab", "" },
	{ "a<b", "a", "" },
	/* hidden */
	{ "a<div style=\"display: none\">b<div>c</div>d</div>e", "a e", "" },
	{ "a<span style='font-size:0px;color:red'>b</span>c", "ac", "" },
	{ "a<span style='font-size:10px'>b</span>c", "abc", "" },
	{ "a<p hidden>b<p>c", "a c", "" },
	{ "a<img style=display:none>b", "ab", "" },
	{ "a<div style=display:none>b", "a", "" },
	/* styled letters: U+1D5D6 U+1D5D5, full width P */
	{ "\xf0\x9d\x97\x96\xf0\x9d\x97\x95 \xef\xbc\xb0", "CB P", "" },
	/* links */
	{ "<a href=\"http://a.example/\">here <b>now</b></a>.", "here now.",
	    "http://a.example/ here now;" },
	{ "<A HREF = 'http://a.example/?a&amp;b'>x</A>", "x",
	    "http://a.example/?a&b x;" },
	{ "<a href=http://a.example/x>x</a>", "x", "http://a.example/x x;" },
	{ "<a title='>' href=\"ht\ntp://a.example/\">x</a>", "x",
	    "http://a.example/ x;" },
	{ "<a href='java&#115;cript:x'>x</a>", "x", "javascript:x x;" },
	{ "<a href=u1>one<a href=u2>two", "onetwo", "u1 one;u2 two;" },
	{ "<a name=x>anchor</a>", "anchor", "" },
	{ "<a href=u><div style=display:none>bank</div>ok</a>", "ok", "u ok;" },
	{ "<img src=i.png><area href=m><form action=f><iframe src=e>", "",
	    "i.png ;m ;f ;e ;" },
	{ "<meta http-equiv=refresh content='0; URL=http://m.example/'>", "",
	    "http://m.example/ ;" },
	{ "<a href=\"never ends", "", "never ends ;" },
	{ "<a/href=u>x</a>", "x", "u x;" },
};

static void
put_link(void *arg, struct span url, struct span shown)
{
	struct buf *b = arg;

	buf_put(b, url.p, url.n);
	buf_char(b, ' ');
	buf_put(b, shown.p, shown.n);
	buf_char(b, ';');
}

static void
test_strip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text = { 0 }, links = { 0 };
		struct content_text seen = { .out = &text, .limit = 1000 };
		struct content_html h = { &seen, put_link, &links, 0, 0, 0 };

		buf_put(&text, "", 0);
		buf_put(&links, "", 0);
		content_html_strip(&h, span_of(cases[i].in));
		if (strcmp(text.p, cases[i].text) != 0)
			fail_msg("\"%s\": text \"%s\", want \"%s\"",
			    cases[i].in, text.p, cases[i].text);
		if (strcmp(links.p, cases[i].links) != 0)
			fail_msg("\"%s\": links \"%s\", want \"%s\"",
			    cases[i].in, links.p, cases[i].links);
		buf_finish(&text);
		buf_finish(&links);
	}
}

static void
test_counts(void **state)
{
	static const struct {
		const char *in;
		unsigned forms, scripts;
		size_t hidden;
	} rows[] = {
		{ "<p>text", 0, 0, 0 },
		{ "<form><input type=password></form>", 1, 0, 0 },
		{ "<input type='text'>", 0, 0, 0 },
		{ "<script>x</script><body onload='go()'>", 0, 2, 0 },
		{ "<div style='display:none'>a b c</div>d", 0, 0, 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf text = { 0 }, links = { 0 };
		struct content_text seen = { .out = &text, .limit = 1000 };
		struct content_html h = { &seen, put_link, &links, 0, 0, 0 };

		content_html_strip(&h, span_of(rows[i].in));
		if (h.forms != rows[i].forms || h.scripts != rows[i].scripts ||
		    h.hidden != rows[i].hidden)
			fail_msg("\"%s\": %u forms, %u scripts, %zu hidden",
			    rows[i].in, h.forms, h.scripts, h.hidden);
		buf_finish(&text);
		buf_finish(&links);
	}
}

static void
test_limit(void **state)
{
	struct buf text = { 0 };
	struct content_text seen = { .out = &text, .limit = 10 };

	(void)state;
	content_text_add(&seen, span_of("0123456789abcdef"));
	assert_true(text.n <= 10);
	assert_true(seen.full);
	buf_finish(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
