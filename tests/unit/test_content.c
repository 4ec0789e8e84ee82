/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages: their parts, text, links and findings, within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "service/content_message.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct content_limits defaults = { .depth = 32,
	.parts = 1000,
	.urls = 500,
	.bytes = 64 << 20,
	.text = 1 << 20,
	.keep = 1 << 16,
	.header = 256 << 10,
	.ratio = 100,
	.until_us = INT64_MAX };

enum { FIELDS = 8 };

/* A message with CRLF for LF; its header fields are cut apart in place. */
struct mail {
	struct buf text;
	struct content_field fields[FIELDS];
	size_t nfields;
	struct span body;
	struct arena *arena;
	const struct mr_content *content;
};

static void
mail_cut(struct mail *m)
{
	char *p = m->text.p;

	while (*p != '\n') {
		struct content_field *f = &m->fields[m->nfields++];

		assert_true(m->nfields <= FIELDS);
		f->name = p;
		p = strchr(p, ':');
		*p++ = '\0';
		f->value = p;
		while ((p = strchr(p, '\n')) != NULL &&
		       (p[1] == ' ' || p[1] == '\t'))
			p++;
		*p++ = '\0';
	}
	p++;
	m->body = (struct span){ p, m->text.n - (size_t)(p - m->text.p) };
}

static void
mail_read(struct mail *m, const struct content_limits *limits)
{
	mail_cut(m);
	m->arena = arena_create(4096);
	m->content = content_message_read(
	    m->arena, limits, m->fields, m->nfields, m->body);
}

static void
mail_finish(struct mail *m)
{
	arena_destroy(&m->arena);
	buf_finish(&m->text);
}

static bool
has(const struct mail *m, const char *finding)
{
	for (uint32_t i = 0; i < m->content->nfindings; i++)
		if (strcmp(m->content->findings[i].name, finding) == 0)
			return true;
	return false;
}

/* --- what is in a message --- */

#define MULTI(kind)                                                            \
	"MIME-Version: 1.0\nContent-Type: multipart/" kind "; boundary=x\n\n"

static const struct message_case {
	const char *in;
	const char *parts; /* "type/detected/filename size a|t;" of each */
	const char *text;
	const char *urls;     /* "host/registered;" of each */
	const char *findings; /* "NAME;" of each */
} cases[] = {
	{ "\nhello", "text/plain// 5 t;", "hello\n", "", "" },
	{ "\n", "text/plain// 0 t;", "", "", "" },
	{ "Subject: x\n\nsee http://a.example.com/x joe@example.org",
	    "text/plain// 42 t;",
	    "see http://a.example.com/x joe@example.org\n",
	    "a.example.com/example.com;example.org/example.org;", "" },
	/* encodings */
	{ "Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc=C3=A9",
	    "text/plain// 6 t;", "a=bc\xc3\xa9\n", "", "" },
	{ "Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n",
	    "text/plain// 5 t;", "hello\n", "", "" },
	{ "Content-Transfer-Encoding: base64\n\naGVs*!bG8=",
	    "text/plain// 5 t;", "hello\n", "", "BAD_ENCODING;" },
	{ "Content-Transfer-Encoding: x-own\n\nhello", "text/plain// 5 t;",
	    "hello\n", "", "BAD_ENCODING;" },
	{ "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n"
	  "%:&5L;&\\`\n`\nend\n",
	    "text/plain// 5 t;", "hello\n", "", "" },
	/* charsets */
	{ "Content-Type: text/plain; charset=\"ISO-8859-1\"\n\ncaf\xe9",
	    "text/plain// 4 t;", "caf\xc3\xa9\n", "", "" },
	{ "Content-Type: text/plain; charset=x-none\n\nabc",
	    "text/plain// 3 t;", "abc\n", "", "BAD_CHARSET;" },
	{ "Content-Type: text/plain; charset=utf-8\n\na\xff",
	    "text/plain// 2 t;", "a\xef\xbf\xbd\n", "", "BAD_TEXT;" },
	{ "Content-Type: text/html\n\n<meta charset=koi8-r>\xd0\xd2\xc9",
	    "text/html// 24 t;", "\xd0\xbf\xd1\x80\xd0\xb8\n", "", "" },
	/* types */
	{ "Content-Type: nonsense\n\nx", "application/octet-stream// 1 ;", "",
	    "", "BAD_TYPE;" },
	{ "Content-Type: application/pdf; name=\"a.exe\"\n\nMZ",
	    "application/pdf/application/x-dosexec/a.exe 2 a;", "", "", "" },
	{ "Content-Disposition: attachment;\n filename*0*=utf-8''%C3%A9;\n"
	  " filename*1=.pdf\n\n%PDF-",
	    "text/plain/application/pdf/\xc3\xa9.pdf 5 a;", "", "", "" },
	{ "Content-Disposition: attachment; filename=\"=?utf-8?q?a=2Edoc?=\""
	  "\n\nx",
	    "text/plain//a.doc 1 a;", "", "", "" },
	/* HTML */
	{ "Content-Type: text/html\n\n<a href=\"http://evil.example/\">"
	  "https://bank.example/</a>",
	    "text/html// 56 t;", "https://bank.example/\n",
	    "evil.example/evil.example;bank.example/bank.example;", "" },
	{ "Content-Type: text/html\n\n<form><input type=password>",
	    "text/html// 27 t;", "", "", "HTML_FORM;" },
	{ "Content-Type: text/html; name=login.html\n\n<html>x "
	  "<a href='http://evil.example'>y</a>",
	    "text/html/text/html/login.html 43 a;", "",
	    "evil.example/evil.example;", "" },
	/* trees */
	{ MULTI("mixed") "pre\n--x\n\none\n--x\nContent-Type: text/html\n\n"
			 "<b>two</b>\n--x--\npost",
	    "text/plain// 3 t;text/html// 10 t;", "one\ntwo\n", "", "" },
	{ MULTI(
	      "mixed") "--x\nContent-Type: multipart/alternative; "
		       "boundary=\"y\"\n\n--y\n\nin\n--y--\n--x\n\nout\n--x--",
	    "text/plain// 2 t;text/plain// 3 t;", "in\nout\n", "", "" },
	{ MULTI("mixed") "--x\nContent-Type: message/rfc822\n\n"
			 "Subject: in\nTo: a@b.test\n\ninner\n--x--",
	    "text/plain// 5 t;", "inner\n", "", "" },
	{ MULTI("mixed") "--x\n\nno end", "text/plain// 6 t;", "no end\n", "",
	    "MIME_TRUNCATED;" },
	{ MULTI("mixed") "--x--\n", "", "", "", "MIME_EMPTY;" },
	{ "Content-Type: multipart/mixed\n\n--x\n\none\n--x--\n", "", "", "",
	    "MIME_BOUNDARY;" },
	{ "Content-Type: message/partial; id=a; number=1; total=2\n\nx",
	    "message/partial// 1 ;", "", "", "MIME_PARTIAL;" },
	/* archives: a member with a password */
	{ "Content-Type: application/zip; name=a.zip\n"
	  "Content-Transfer-Encoding: base64\n\n"
	  "UEsDBBQAAQAAAAAAAAAAAAAAAQAAAAMAAAAFAAAAYi5leGV4\n",
	    "application/zip/application/zip/a.zip 36 a;", "", "",
	    "ARCHIVE_ENCRYPTED;" },
	/* the host of a link */
	{ "\nhttp://B\xc3\x9c"
	  "CHER.example/ http://[::1]/ http://a.b.co.uk/",
	    "text/plain// 55 t;", NULL,
	    "xn--bcher-kva.example/xn--bcher-kva.example;[::1]/[::1];"
	    "a.b.co.uk/b.co.uk;",
	    "" },
	{ "\nhttp://r.example/?u=http%3A%2F%2Fevil.test%2F",
	    "text/plain// 45 t;", NULL,
	    "r.example/r.example;evil.test/evil.test;", "" },
};

static void
put_parts(struct buf *b, const struct mr_content *c)
{
	for (uint32_t i = 0; i < c->nparts; i++) {
		const struct mr_part *p = &c->parts[i];

		buf_printf(b, "%s/%s/%s %llu %s%s;", p->type, p->detected,
		    p->filename, (unsigned long long)p->size,
		    p->attachment ? "a" : "", p->text ? "t" : "");
		assert_int_equal(strlen(p->sha256), 64);
		assert_true(p->kept <= p->size);
	}
}

static void
put_urls(struct buf *b, const struct mr_content *c)
{
	for (uint32_t i = 0; i < c->nurls; i++)
		buf_printf(b, "%s/%s;", c->urls[i].host, c->urls[i].registered);
}

static void
put_findings(struct buf *b, const struct mr_content *c)
{
	for (uint32_t i = 0; i < c->nfindings; i++)
		buf_printf(b, "%s;", c->findings[i].name);
}

static unsigned wrong;

static void
compare(size_t row, const char *what, struct buf *got, const char *want)
{
	buf_put(got, "", 0);
	if (want != NULL && strcmp(got->p, want) != 0 && ++wrong > 0)
		print_error("row %zu: %s\n%s\nwant\n%s\nof:\n%s\n", row, what,
		    got->p, want, cases[row].in);
	buf_cut(got, 0);
}

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mail m = { 0 };
		struct buf got = { 0 };

		buf_text(&m.text, cases[i].in);
		mail_read(&m, &defaults);
		put_parts(&got, m.content);
		compare(i, "parts", &got, cases[i].parts);
		put_urls(&got, m.content);
		compare(i, "urls", &got, cases[i].urls);
		put_findings(&got, m.content);
		compare(i, "findings", &got, cases[i].findings);
		buf_put(&got, m.content->text, m.content->text_len);
		compare(i, "text", &got, cases[i].text);
		buf_finish(&got);
		mail_finish(&m);
	}
	assert_int_equal(wrong, 0);
}

static void
test_details(void **state)
{
	struct mail m = { 0 };
	const struct mr_content *c;

	(void)state;
	buf_text(&m.text, "Subject: =?utf-8?q?h=C3=A9?=\n =?utf-8?q?llo?=\n"
			  "Content-Type: text/html\n\n"
			  "<p>a <b>b</b>\n<a href=http://x.example/>here</a>");
	mail_read(&m, &defaults);
	c = m.content;
	assert_string_equal(c->subject, "h\xc3\xa9llo");
	assert_string_equal(c->text, "a b here\n");
	assert_string_equal(
	    c->raw, "<p>a <b>b</b>\n<a href=http://x.example/>here</a>\n");
	assert_string_equal(c->urls[0].shown, "here");
	assert_string_equal(c->urls[0].text, "http://x.example/");
	/* printf '...' | sha256sum */
	assert_string_equal(c->parts[0].sha256,
	    "9cece638970e3499964f86a75bc448597b81727c10f6d693c9ad7e0762f44758");
	mail_finish(&m);
}

/* --- bounds --- */

static void
many(struct buf *b, const char *text, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		buf_text(b, text);
}

static void
put_nested(struct buf *b)
{
	buf_text(b, "Content-Type: multipart/mixed; boundary=b0\n\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(b,
		    "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i,
		    i + 1);
	buf_text(b, "--b10000\n\ninnermost\n");
}

/* Not so deep that it is cut before: GMime sees all of it. */
static void
put_deep(struct buf *b)
{
	buf_text(b, "Content-Type: multipart/mixed; boundary=b0\n\n");
	for (int i = 0; i < 200; i++)
		buf_printf(b,
		    "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i,
		    i + 1);
	buf_text(b, "--b200\n\ninnermost\n");
}

static void
put_parts_10000(struct buf *b)
{
	buf_text(b, MULTI("mixed"));
	many(b, "--x\n\npart\n", 10000);
}

static void
put_dashes(struct buf *b)
{
	put_deep(b);
	many(b, "--\n", 1000000);
}

static void
put_base64(struct buf *b)
{
	buf_text(b, "Content-Type: application/octet-stream\n"
		    "Content-Transfer-Encoding: base64\n\n");
	many(b,
	    "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
	    "QUFBQUFB\n",
	    100000000 / 73);
}

static void
put_words(struct buf *b)
{
	buf_text(b, "Subject:");
	many(b, " =?utf-8?q?word?=\n", 1000000 / 18);
	buf_text(b, "\nx");
}

/* GMime 3.2.13 takes half a minute for these parameters. */
static void
put_parameters(struct buf *b)
{
	buf_text(b, MULTI("mixed") "--x\nContent-Type: text/plain");
	for (int i = 0; i < 100000; i++)
		buf_printf(b, "; n%d=1", i);
	buf_text(b, "\n\nx\n--x--\n");
}

/* GMime 3.2.13 recurses for each bracket and each colon. */
static void
put_brackets(struct buf *b)
{
	buf_text(b, MULTI("mixed") "--x\nContent-Type: message/rfc822\n\nTo: ");
	many(b, "(", 1000000);
	buf_text(b, "\nCc: ");
	many(b, "a:", 500000);
	buf_text(b, "\n\nx\n--x--\n");
}

static void
put_header(struct buf *b)
{
	buf_text(b, "X-Long: ");
	many(b, "x", 300000);
	buf_text(b, "\n\nx");
}

static void
put_text(struct buf *b)
{
	buf_text(b, "\n");
	many(b, "word ", 400000);
}

static void
put_links(struct buf *b)
{
	buf_text(b, "\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(b, "http://h%d.example/ ", i);
}

static void
put_charset(struct buf *b)
{
	buf_text(b, "Content-Type: text/plain; charset=\"");
	many(b, "x", 5000);
	buf_text(b, "\"\n\nx");
}

static const struct hostile_case {
	const char *about;
	void (*put)(struct buf *);
	const char *finding;
	size_t memory; /* of the message's scope, at most */
} hostile[] = {
	{ "10,000 parts within one another", put_nested, "MIME_PARTS",
	    1 << 20 },
	{ "200 parts within one another", put_deep, "MIME_DEPTH", 1 << 20 },
	{ "10,000 parts beside one another", put_parts_10000, "MIME_PARTS",
	    4 << 20 },
	{ "a million delimiters", put_dashes, "MIME_PARTS", 1 << 20 },
	{ "100 MB of base64", put_base64, "MIME_BOMB", 1 << 20 },
	{ "a subject of 1 MB", put_words, "HEADER_LARGE", 1 << 20 },
	{ "100,000 parameters", put_parameters, "HEADER_LARGE", 1 << 20 },
	{ "a million brackets", put_brackets, NULL, 1 << 20 },
	{ "a field of 300 KB", put_header, "HEADER_LARGE", 1 << 20 },
	{ "2 MB of text", put_text, "CONTENT_TEXT", 4 << 20 },
	{ "10,000 links", put_links, "CONTENT_URLS", 4 << 20 },
	{ "a charset of 5 KB", put_charset, "BAD_CHARSET", 1 << 20 },
};

static void
test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		const struct hostile_case *h = &hostile[i];
		struct mail m = { 0 };

		h->put(&m.text);
		mail_read(&m, &defaults);
		if (h->finding != NULL && !has(&m, h->finding))
			fail_msg("%s: no %s", h->about, h->finding);
		if (arena_size(m.arena) > h->memory)
			fail_msg(
			    "%s: %zu bytes", h->about, arena_size(m.arena));
		assert_true(m.content->text_len <= defaults.text);
		assert_true(m.content->raw_len <= defaults.text);
		assert_true(m.content->nparts <= defaults.parts);
		assert_true(m.content->nurls <= defaults.urls);
		mail_finish(&m);
	}
}

/* What is left when the time is over is left out. */
static void
test_late(void **state)
{
	struct content_limits limits = defaults;
	struct mail m = { 0 };

	(void)state;
	limits.until_us = 0;
	buf_text(&m.text, "\nhello");
	mail_read(&m, &limits);
	assert_true(has(&m, "CONTENT_TIME"));
	assert_int_equal(m.content->nparts, 0);
	mail_finish(&m);
}

/* A body that is cut anywhere. */
static void
test_cut(void **state)
{
	static const char whole[] =
	    MULTI("mixed") "--x\nContent-Type: text/html; charset=utf-8\n"
			   "Content-Transfer-Encoding: quoted-printable\n\n"
			   "<a href=3D\"http://x.example/\">caf=C3=A9</a>\n"
			   "--x\nContent-Type: message/rfc822\n\n"
			   "Content-Type: multipart/mixed; boundary=y\n\n"
			   "--y\nContent-Transfer-Encoding: base64\n\naGVs\n"
			   "--y--\n--x--\n";
	size_t head = sizeof(MULTI("mixed")) - 1;

	(void)state;
	for (size_t n = head; n < sizeof(whole); n++) {
		struct mail m = { 0 };

		buf_put(&m.text, whole, n);
		mail_read(&m, &defaults);
		assert_true(m.content->nparts <= 2);
		mail_finish(&m);
	}
}

static int
begin(void **state)
{
	(void)state;
	content_message_start();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
