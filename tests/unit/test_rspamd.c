/* SPDX-License-Identifier: Apache-2.0 */
/* What rspamd is told, what it says, and what becomes of a message then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/rspamd/answer.c"
#include "../../plugins/rspamd/http.c"
#include "../../plugins/rspamd/question.c"
#include "../../plugins/rspamd/rspamd.c"
#include "scanner.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OK       "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *bytes;
	bool end;
	enum http_state state;
	int status;
	const char *body;
} responses[] = {
	{ OK "Content-Length: 2\r\n\r\n{}", false, HTTP_WHOLE, 200, "{}" },
	{ OK "content-length:2 \r\n\r\n{}x", false, HTTP_WHOLE, 200, "{}" },
	{ OK "Content-Length: 0\r\n\r\n", false, HTTP_WHOLE, 200, "" },
	{ OK "Content-Length: 3\r\n\r\n{}", false, HTTP_MORE, 0, NULL },
	{ OK "Content-Length: 3\r\n\r\n{}", true, HTTP_MORE, 0, NULL },
	{ OK "\r\n{}", false, HTTP_MORE, 0, NULL },
	{ OK "\r\n{}", true, HTTP_WHOLE, 200, "{}" },
	{ "HTTP/1.0 503\r\n\r\n", true, HTTP_WHOLE, 503, "" },
	{ "HTTP/1.1 404 Not found\r\nX: y\r\n\r\n", true, HTTP_WHOLE, 404, "" },
	{ "", true, HTTP_MORE, 0, NULL },
	{ OK, true, HTTP_MORE, 0, NULL },
	{ "HTTP/1.1 100 Continue\r\n\r\n", false, HTTP_BAD, 0, NULL },
	{ "HTTP/2.0 200 OK\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ "HTTP/1.1 2000 OK\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ "HTTP/1.1 20\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ "220 smtp\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", true, HTTP_BAD,
	    0, NULL },
	{ OK "Content-Length: -1\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ OK "Content-Length: 9999999999999\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ OK "Content-Length:\r\n\r\n", true, HTTP_BAD, 0, NULL },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, HTTP_BAD, 0,
	    NULL },
	{ OK "Content-Encoding: zstd\r\n\r\n", true, HTTP_BAD, 0, NULL },
};

static void
test_responses(void **state)
{
	char big[HTTP_HEAD_MAX];
	struct http h;

	(void)state;
	for (size_t i = 0; i < COUNT(responses); i++) {
		enum http_state got = http_parse(responses[i].bytes,
		    strlen(responses[i].bytes), responses[i].end, &h);

		if (got != responses[i].state)
			fail_msg("%s: %d", responses[i].bytes, got);
		if (got != HTTP_WHOLE)
			continue;
		assert_int_equal(h.status, responses[i].status);
		assert_int_equal(h.n, strlen(responses[i].body));
		assert_memory_equal(h.body, responses[i].body, h.n);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(
	    http_parse(big, sizeof(big) - 1, false, &h), HTTP_MORE);
	assert_int_equal(http_parse(big, sizeof(big), false, &h), HTTP_BAD);
}

static const struct {
	const char *json;
	bool ok;
	enum answer_action action;
	double score, threshold;
	const char *message;
	uint32_t count;
	const char *name, *detail; /* of the first symbol */
	double symbol_score;
} answers[] = {
	{ "{\"is_skipped\":false,\"score\":7.5,\"required_score\":15.0,"
	  "\"action\":\"add header\",\"symbols\":{\"R_spf-allow\":{\"name\":"
	  "\"R_spf-allow\",\"score\":-0.2,\"options\":[\"+ip4\",\"a\\nb\"]},"
	  "\"B\":{\"score\":7.7}},\"messages\":{\"smtp_message\":\"no\"},"
	  "\"message-id\":\"x\"}",
	    true, ACTION_ADD_HEADER, 7.5, 15, "no", 2, "R_SPF_ALLOW",
	    "+ip4 a?b", -0.2 },
	{ "{\"score\":0,\"action\":\"no action\"}", true, ACTION_NONE, 0, 0, "",
	    0, NULL, NULL, 0 },
	{ "{\"score\":1,\"required_score\":null,\"action\":\"mine\"}", true,
	    ACTION_OTHER, 1, 0, "", 0, NULL, NULL, 0 },
	{ "{\"score\":2e9,\"action\":\"reject\",\"symbols\":{\"\":{\"score\":1}"
	  ",\"\\u00e4\":{\"score\":-2e9,\"options\":[1,null,[]]}}}",
	    true, ACTION_REJECT, 10000, 0, "", 1, "__", "", -10000 },
	{ "{\"score\":1,\"action\":\"soft reject\",\"messages\":"
	  "{\"smtp_message\":\"a\\r\\n250 \\u00e4\"}}",
	    true, ACTION_SOFT_REJECT, 1, 0, "a??250 ??", 0, NULL, NULL, 0 },
	{ "{\"action\":\"reject\"}", false, 0, 0, 0, NULL, 0, NULL, NULL, 0 },
	{ "{\"score\":1}", false, 0, 0, 0, NULL, 0, NULL, NULL, 0 },
	{ "{\"score\":\"1\",\"action\":\"reject\"}", false, 0, 0, 0, NULL, 0,
	    NULL, NULL, 0 },
	{ "{\"score\":1e999,\"action\":\"reject\"}", false, 0, 0, 0, NULL, 0,
	    NULL, NULL, 0 },
	{ "{\"score\":1,\"action\":\"reject\",\"symbols\":[]}", false, 0, 0, 0,
	    NULL, 0, NULL, NULL, 0 },
	{ "{\"score\":1,\"action\":\"reject\",\"symbols\":{\"A\":1}}", false, 0,
	    0, 0, NULL, 0, NULL, NULL, 0 },
	{ "{\"score\":1,\"action\":\"rej", false, 0, 0, 0, NULL, 0, NULL, NULL,
	    0 },
	{ "[]", false, 0, 0, 0, NULL, 0, NULL, NULL, 0 },
	{ "", false, 0, 0, 0, NULL, 0, NULL, NULL, 0 },
};

static void
test_answers(void **state)
{
	static struct answer a;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const char *json = answers[i].json;

		if (answer_parse(json, strlen(json), &a) != answers[i].ok)
			fail_msg("%s", json);
		if (!answers[i].ok)
			continue;
		assert_int_equal(a.action, answers[i].action);
		assert_true(a.score == answers[i].score);
		assert_true(a.threshold == answers[i].threshold);
		assert_string_equal(a.message, answers[i].message);
		assert_int_equal(a.count, answers[i].count);
		if (a.count == 0)
			continue;
		assert_string_equal(a.symbols[0].name, answers[i].name);
		assert_string_equal(a.symbols[0].detail, answers[i].detail);
		assert_true(a.symbols[0].score == answers[i].symbol_score);
	}
}

/* More symbols, longer names and options than there is room for. */
static void
test_much(void **state)
{
	static struct answer a;
	static char json[400000];
	size_t n = 0;

	(void)state;
	n += (size_t)sprintf(
	    json, "{\"score\":1,\"action\":\"reject\",\"symbols\":{");
	for (int i = 0; i < 300; i++)
		n += (size_t)sprintf(json + n,
		    "%s\"%0100d\":{\"score\":1,\"options\":[\"%0100d\","
		    "\"%0100d\"]}",
		    i > 0 ? "," : "", i, i, i);
	sprintf(json + n, "}}");
	assert_true(answer_parse(json, strlen(json), &a));
	assert_int_equal(a.count, ANSWER_SYMBOLS);
	assert_int_equal(strlen(a.symbols[0].name), ANSWER_NAME);
	assert_int_equal(strlen(a.symbols[0].detail), ANSWER_DETAIL);
}

/* --- the whole of it --- */

#define JSON(action)                                                           \
	OK "\r\n{\"score\":7.5,\"required_score\":15,\"action\":\"" action     \
	   "\",\"symbols\":{\"A\":{\"score\":7.5,\"options\":[\"o\"]},"        \
	   "\"N\":{\"score\":0}},\"messages\":{\"smtp_message\":\"m\"}}"
#define NOTES(action)                                                          \
	"note_set rspamd.action=" action "\nnote_set rspamd.score=7.50\n"      \
	"note_set rspamd.threshold=15.00\n"
#define HELD "symbol RSPAMD_A 7.50 o\n"

static const struct story {
	const char *option, *value, *more, *more_value, *answer;
	mr_verdict verdict;
	const char *lines;
} stories[] = {
	{ NULL, NULL, NULL, NULL, JSON("reject"), MR_CONTINUE,
	    NOTES("reject") HELD },
	{ "follow", "reject", NULL, NULL, JSON("reject"), MR_REJECT,
	    NOTES("reject") HELD "reply 550 5.7.1 Message refused as spam\n" },
	{ "follow", "reject", "reply", "{message}: {score} of {threshold}",
	    JSON("reject"), MR_REJECT,
	    NOTES("reject") HELD "reply 550 5.7.1 m: 7.50 of 15.00\n" },
	{ "follow", "soft reject", "later-reply", "{message}",
	    JSON("soft reject"), MR_TEMPFAIL,
	    NOTES("soft reject") HELD "reply 451 4.7.1 m\n" },
	{ "follow", "greylist", NULL, NULL, JSON("greylist"), MR_TEMPFAIL,
	    NOTES("greylist") HELD "reply 451 4.7.1 Please try again later\n" },
	{ "follow", "reject", NULL, NULL, JSON("greylist"), MR_CONTINUE,
	    NOTES("greylist") HELD },
	{ "follow", "add header", NULL, NULL, JSON("add header"), MR_CONTINUE,
	    "delete_header X-Spam 2\ndelete_header X-Spam 1\n" NOTES(
		"add header") HELD "add_header X-Spam: Yes\n" },
	{ "follow", "add header", "header", "X-Other", JSON("no action"),
	    MR_CONTINUE, NOTES("no action") HELD },
	{ "follow", "quarantine", NULL, NULL, JSON("quarantine"), MR_QUARANTINE,
	    NOTES("quarantine") HELD "quarantine rspamd: score 7.50\n" },
	{ "follow", "discard", NULL, NULL, JSON("discard"), MR_DISCARD,
	    NOTES("discard") HELD },
	{ NULL, NULL, NULL, NULL, JSON("mine"), MR_CONTINUE,
	    NOTES("other") HELD },
	{ "symbols", "all", "prefix", "X_", JSON("no action"), MR_CONTINUE,
	    NOTES("no action") "symbol X_A 7.50 o\nsymbol X_N 0.00\n" },
	{ "symbols", "sum", "weight", "0.5", JSON("no action"), MR_CONTINUE,
	    NOTES("no action") "symbol RSPAMD_SCORE 3.75\n" },
	{ NULL, NULL, NULL, NULL,
	    OK "\r\n{\"is_skipped\":true,\"score\":0,\"action\":\"no action\"}",
	    MR_CONTINUE,
	    "symbol RSPAMD_UNSCANNED 0.00 rspamd has skipped it\n" },
	{ NULL, NULL, NULL, NULL,
	    "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", MR_ERROR,
	    "symbol RSPAMD_FAILED 0.00 it answers 500\n"
	    "log warn it answers 500\n" },
	{ NULL, NULL, NULL, NULL, OK "\r\n{\"score\":7.5", MR_ERROR,
	    "symbol RSPAMD_FAILED 0.00 its answer makes no sense\n"
	    "log warn its answer makes no sense\n" },
};

static mr_verdict
play(struct fake *f)
{
	fake_connect(f);
	fake_helo(f, "mx.example.com");
	fake_mail(f, "a@example.com");
	fake_rcpt(f, "b@example.net");
	fake_header(f, "X-Spam", "No");
	fake_header(f, "x-spam", "never");
	fake_eoh(f);
	fake_body(f, "body\r\n", 6);
	return fake_eom(f);
}

static const char *
without_macros(const struct fake *f)
{
	const char *text = fake_transcript(f);

	while (strncmp(text, "macros ", 7) == 0)
		text = strchr(text, '\n') + 1;
	return text;
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;

		fake_init(&f, &mr_plugin_rspamd);
		fake_stream_clear();
		fake_stream_answer(s->answer, strlen(s->answer));
		if (s->option != NULL)
			fake_set(&f, s->option, s->value);
		if (s->more != NULL)
			fake_set(&f, s->more, s->more_value);
		assert_true(fake_open(&f));
		if (play(&f) != s->verdict)
			fail_msg(
			    "%zu: another verdict\n%s", i, fake_transcript(&f));
		assert_string_equal(without_macros(&f), s->lines);
		fake_finish(&f);
	}
	fake_stream_clear();
}

static void
test_question(void **state)
{
	static const char want[] =
	    "POST /checkv2 HTTP/1.1\r\nHost: rspamd\r\nUser-Agent: millrace\r\n"
	    "Connection: close\r\nContent-Length: 21\r\nQueue-Id: Q1\r\n"
	    "IP: 2001:db8::1\r\nHelo: h?x?\r\nUser: ann\r\n"
	    "TLS-Version: TLSv1.3\r\nMTA-Name: mx.example.net\r\n"
	    "Settings-Id: out\r\nFrom: <>\r\nRcpt: <b@example.net>\r\n"
	    "Rcpt: <c?@example.net>\r\n\r\n"
	    "Subject: hi\r\n\r\nbody\r\n";
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_rspamd);
	fake_stream_clear();
	fake_set(&f, "settings-id", "out");
	f.client.addr = "2001:db8::1";
	f.client.name = "[2001:db8::1]";
	f.client.login = "ann";
	f.client.tls = "TLSv1.3";
	fake_macro(&f, "j", "mx.example.net");
	assert_true(fake_open(&f));
	fake_helo(&f, "h\nx\x7f");
	fake_mail(&f, "");
	f.ctx.queue_id = "Q1";
	fake_rcpt(&f, "b@example.net");
	fake_rcpt(&f, "c\r@example.net");
	fake_header(&f, "Subject", "hi");
	fake_body(&f, "body\r\n", 6);
	assert_int_equal(fake_eom(&f), MR_ERROR);
	assert_string_equal(fake_stream.asked, want);
	fake_finish(&f);
	fake_stream_clear();
}

static void
test_size(void **state)
{
	struct fake f;

	(void)state;
	scanner_check_size(&f, &mr_plugin_rspamd,
	    "symbol RSPAMD_UNSCANNED 0.00 larger than max-size");
	fake_finish(&f);
}

static const struct wrong wrongs[] = {
	{ "servers", "http://127.0.0.1/", "config_error servers: " },
	{ "follow", "drop", "config_error follow: \"drop\" is no action" },
	{ "follow", "no action", "config_error follow: \"no action\" is no" },
	{ "prefix", "rspamd.", "config_error prefix: write at most 32" },
	{ "header", "X Spam", "config_error header: write the name" },
	{ "settings-id", "a b", "config_error settings-id: write" },
	{ "reply", "{symbols}",
	    "config_error reply: in braces may stand {score}, {threshold}, "
	    "{message}" },
	{ "later-reply", "{", "config_error later-reply: in braces" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_rspamd, wrongs, COUNT(wrongs));
}

static void
test_plan(void **state)
{
	static const struct {
		const char *action;
		uint32_t needs;
	} rows[] = {
		{ "reject", 0 },
		{ "add header",
		    MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER },
		{ "quarantine", MR_ACTION_QUARANTINE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_rspamd);
		fake_set(&f, "follow", rows[i].action);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.actions, rows[i].needs);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
