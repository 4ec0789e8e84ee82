/* SPDX-License-Identifier: Apache-2.0 */
/* What spamd is told, what it says, and what becomes of a message then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/spamd/question.c"
#include "../../plugins/spamd/reply.c"
#include "../../plugins/spamd/spamd.c"
#include "scanner.h"
#include "wrong.h"

#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))
#define OK           "SPAMD/1.1 0 EX_OK\r\n"
#define SAYS(length) OK "Content-length: " length "\r\n"
#define SPAM         "Spam: True ; 7.5 / 5.0\r\n\r\n"
#define HAM          "Spam: False ; -0.1 / 5.0\r\n\r\n"

static const struct {
	const char *bytes;
	enum reply_state state;
	const char *text; /* of an error; else the symbols */
	bool spam;
	double score, threshold;
} replies[] = {
	{ SAYS("3") SPAM "A,B", REPLY_WHOLE, "A B ", true, 7.5, 5 },
	{ SAYS("5") SPAM "A,b-\xe4", REPLY_WHOLE, "A B__ ", true, 7.5, 5 },
	{ SAYS("0") HAM, REPLY_WHOLE, "", false, -0.1, 5 },
	{ SAYS("2") HAM "\r\n", REPLY_WHOLE, "", false, -0.1, 5 },
	{ SAYS("9") HAM "A,\r\n,B\r\nC", REPLY_WHOLE, "A B C ", false, -0.1,
	    5 },
	{ OK "spam:No;1/2\ncontent-length:1\n\nA", REPLY_WHOLE, "A ", false, 1,
	    2 },
	{ SAYS("4") SPAM "A,B", REPLY_MORE, "", 0, 0, 0 },
	{ SAYS("4") "Spam: Tr", REPLY_MORE, "", 0, 0, 0 },
	{ SAYS("4"), REPLY_MORE, "", 0, 0, 0 },
	{ "SPAMD/1.1 0", REPLY_MORE, "", 0, 0, 0 },
	{ "", REPLY_MORE, "", 0, 0, 0 },
	{ "SPAMD/1.0 76 Bad header line: \x1b\r\n", REPLY_ERROR,
	    "Bad header line: ?", 0, 0, 0 },
	{ "SPAMD/1.1 75\n", REPLY_ERROR, "", 0, 0, 0 },
	{ "HTTP/1.1 200 OK\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ "SPAMD/1.1 OK\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ "SPAMD/1.1 0x\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ "SPAMD/11 0 EX_OK\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ OK SPAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Content-length: 0\r\n" HAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("-1") HAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("1x") HAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("99999999999") HAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("65537") HAM, REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: Maybe ; 1 / 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; x / 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; nan / 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; 1-1 / 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; 99999 / 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; 7 5\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
	{ SAYS("0") "Spam: True ; 7 / 5 x\r\n\r\n", REPLY_BAD, "", 0, 0, 0 },
};

static void
test_replies(void **state)
{
	static struct reply r;
	static char big[REPLY_HEAD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++) {
		const char *bytes = replies[i].bytes;
		enum reply_state got = reply_parse(bytes, strlen(bytes), &r);
		char names[400] = "";

		if (got != replies[i].state)
			fail_msg("%s: %d", bytes, got);
		for (uint32_t j = 0; j < r.count; j++)
			sprintf(names + strlen(names), "%s ", r.symbols[j]);
		if (got == REPLY_ERROR)
			assert_string_equal(r.error, replies[i].text);
		if (got != REPLY_WHOLE)
			continue;
		assert_string_equal(names, replies[i].text);
		assert_true(r.spam == replies[i].spam);
		assert_true(r.score == replies[i].score);
		assert_true(r.threshold == replies[i].threshold);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(reply_parse(big, sizeof(big), &r), REPLY_BAD);
	memcpy(big, OK, sizeof(OK) - 1);
	assert_int_equal(reply_parse(big, sizeof(big), &r), REPLY_BAD);
}

static void
test_many_symbols(void **state)
{
	static struct reply r;
	char bytes[4000];
	size_t n;

	(void)state;
	n = (size_t)sprintf(bytes, SAYS("1080") HAM);
	for (int i = 0; i < 500; i++)
		n += (size_t)sprintf(bytes + n, "%s", "A,");
	n += (size_t)sprintf(bytes + n, "%080d", 0);
	assert_int_equal(reply_parse(bytes, n, &r), REPLY_WHOLE);
	assert_int_equal(r.count, REPLY_SYMBOLS);
	n = (size_t)sprintf(bytes, SAYS("80") HAM "%080d", 0);
	assert_int_equal(reply_parse(bytes, n, &r), REPLY_WHOLE);
	assert_int_equal(strlen(r.symbols[0]), REPLY_NAME);
}

/* --- what it is told --- */

static const struct {
	const char *addr, *name, *helo, *login, *tls, *sender, *want;
} traces[] = {
	{ "192.0.2.7", "mx.example.org", "mx.example.org", NULL, NULL,
	    "a@example.com",
	    "Return-Path: <a@example.com>\r\n"
	    "Received: from mx.example.org (mx.example.org [192.0.2.7])\r\n"
	    "\tby mx.example.net (millrace) with ESMTP id Q1;\r\n"
	    "\tThu, 1 Jan 1970 00:00:00 +0000\r\n" },
	{ "2001:db8::1", "[2001:db8::1]", "x) [1]\r\nX: y", "ann", "TLSv1.3",
	    "",
	    "Return-Path: <>\r\n"
	    "Received: from x??[1]??X:?y (unknown [IPv6:2001:db8::1])\r\n"
	    "\tby mx.example.net (millrace) with ESMTPSA id Q1;\r\n"
	    "\tThu, 1 Jan 1970 00:00:00 +0000\r\n" },
	{ "unknown", "localhost", NULL, NULL, NULL, "a>\r\nb@example.com",
	    "Return-Path: <a???b@example.com>\r\n" },
};

static void
test_traces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(traces); i++) {
		char out[QUESTION_TRACE];
		struct fake f;
		size_t n;

		fake_init(&f, &mr_plugin_spamd);
		f.client.addr = traces[i].addr;
		f.client.name = traces[i].name;
		f.client.login = traces[i].login;
		f.client.tls = traces[i].tls;
		fake_macro(&f, "j", "mx.example.net");
		assert_true(fake_open(&f));
		f.client.helo = traces[i].helo;
		fake_mail(&f, traces[i].sender);
		f.ctx.queue_id = "Q1";
		n = question_trace(&f.ctx, 0, out);
		assert_int_equal(n, strlen(out));
		assert_string_equal(out, traces[i].want);
		fake_finish(&f);
	}
}

/* However long its words are, the trace has room for them. */
static void
test_long_words(void **state)
{
	char out[QUESTION_TRACE], big[5000];
	struct fake f;
	size_t n;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	fake_init(&f, &mr_plugin_spamd);
	f.client.name = big;
	fake_macro(&f, "j", big);
	assert_true(fake_open(&f));
	fake_helo(&f, big);
	fake_mail(&f, big);
	f.ctx.queue_id = big;
	n = question_trace(&f.ctx, 1700000000, out);
	assert_int_equal(n, strlen(out));
	assert_string_equal(
	    out + n - 36, "\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
	fake_finish(&f);
}

static const struct {
	const char *user;
	int recipients;
	const char *want; /* NULL: none */
} users[] = {
	{ NULL, 1, NULL },
	{ "ann", 2, "ann" },
	{ "{recipient}", 1, "r0@example.net" },
	{ "{recipient}", 2, NULL },
	{ "a b", 1, NULL },
	{ "a\r\nX: y", 1, NULL },
};

static void
test_users(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(users); i++) {
		char want[200], to[32];
		struct fake f;
		size_t n;

		fake_init(&f, &mr_plugin_spamd);
		assert_true(fake_open(&f));
		fake_mail(&f, "a@example.com");
		for (int j = 0; j < users[i].recipients; j++) {
			snprintf(to, sizeof(to), "r%d@example.net", j);
			fake_rcpt(&f, to);
		}
		snprintf(want, sizeof(want),
		    "SYMBOLS SPAMC/1.5\r\nContent-length: 7\r\n%s%s%s\r\n",
		    users[i].want != NULL ? "User: " : "",
		    users[i].want != NULL ? users[i].want : "",
		    users[i].want != NULL ? "\r\n" : "");
		assert_string_equal(
		    question_head(&f.ctx, users[i].user, 7, &n), want);
		assert_int_equal(n, strlen(want));
		fake_finish(&f);
	}
}

/* --- the whole of it --- */

#define NOTES(result)                                                          \
	"note_set spamd.result=" result "\nnote_set spamd.score=7.5\n"         \
	"note_set spamd.threshold="

static const struct story {
	const char *option, *value, *more, *more_value, *answer;
	mr_verdict verdict;
	const char *lines;
} stories[] = {
	{ NULL, NULL, NULL, NULL, SAYS("1") SPAM "A", MR_CONTINUE,
	    "symbol SPAMD_SCORE 7.50 7.5 of 5.0\nsymbol SA_A 0.00\n" NOTES(
		"spam") "5.0\n" },
	{ "spam", "reject", "reply", "{score} of {threshold}", SAYS("0") SPAM,
	    MR_REJECT,
	    "symbol SPAMD_SCORE 7.50 7.5 of 5.0\n" NOTES(
		"spam") "5.0\nreply 550 5.7.1 7.5 of 5.0\n" },
	{ "spam", "reject", NULL, NULL, SAYS("0") HAM, MR_CONTINUE, NULL },
	{ "spam", "reject", "threshold", "8", SAYS("0") SPAM, MR_CONTINUE,
	    "symbol SPAMD_SCORE 7.50 7.5 of 8.0\n" NOTES("ham") "8.0\n" },
	{ "spam", "tempfail", "threshold", "7.5", SAYS("0") SPAM, MR_TEMPFAIL,
	    NULL },
	{ "spam", "discard", NULL, NULL, SAYS("0") SPAM, MR_DISCARD, NULL },
	{ "spam", "quarantine", "symbols", "false", SAYS("1") SPAM "A",
	    MR_QUARANTINE,
	    "symbol SPAMD_SCORE 7.50 7.5 of 5.0\n" NOTES(
		"spam") "5.0\nquarantine spamd: score 7.5\n" },
	{ "weight", "2", "prefix", "X_", SAYS("1") SPAM "A", MR_CONTINUE,
	    "symbol SPAMD_SCORE 15.00 7.5 of 5.0\nsymbol X_A 0.00\n" NOTES(
		"spam") "5.0\n" },
	{ NULL, NULL, NULL, NULL, "SPAMD/1.1 75 EX_TEMPFAIL\r\n", MR_ERROR,
	    "symbol SPAMD_FAILED 0.00 EX_TEMPFAIL\nlog warn EX_TEMPFAIL\n" },
	{ NULL, NULL, NULL, NULL, SAYS("5") SPAM "A", MR_ERROR,
	    "symbol SPAMD_FAILED 0.00 its answer makes no sense\n"
	    "log warn its answer makes no sense\n" },
};

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		const char *said;
		struct fake f;

		fake_init(&f, &mr_plugin_spamd);
		fake_stream_clear();
		fake_stream_answer(s->answer, strlen(s->answer));
		if (s->option != NULL)
			fake_set(&f, s->option, s->value);
		if (s->more != NULL)
			fake_set(&f, s->more, s->more_value);
		fake_set(&f, "trace", "false");
		assert_true(fake_open(&f));
		fake_mail(&f, "a@example.com");
		fake_rcpt(&f, "b@example.net");
		fake_header(&f, "Subject", "hi");
		fake_body(&f, "body\r\n", 6);
		if (fake_eom(&f) != s->verdict)
			fail_msg(
			    "%zu: another verdict\n%s", i, fake_transcript(&f));
		said = fake_transcript(&f);
		while (strncmp(said, "macros ", 7) == 0)
			said = strchr(said, '\n') + 1;
		if (s->lines != NULL)
			assert_string_equal(said, s->lines);
		assert_string_equal(fake_stream.asked,
		    "SYMBOLS SPAMC/1.5\r\nContent-length: 21\r\n\r\n"
		    "Subject: hi\r\n\r\nbody\r\n");
		fake_finish(&f);
	}
	fake_stream_clear();
}

static void
test_size(void **state)
{
	struct fake f;

	(void)state;
	scanner_check_size(&f, &mr_plugin_spamd,
	    "symbol SPAMD_UNSCANNED 0.00 larger than max-size");
	fake_finish(&f);
}

static const struct wrong wrongs[] = {
	{ "servers", "127.0.0.1", "config_error servers: " },
	{ "prefix", "sa_", "config_error prefix: write at most 32" },
	{ "reply", "{message}",
	    "config_error reply: in braces may stand {score}, {threshold}" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_spamd, wrongs, COUNT(wrongs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_many_symbols),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
