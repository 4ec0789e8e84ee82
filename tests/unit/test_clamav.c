/* SPDX-License-Identifier: Apache-2.0 */
/* What clamd says, and what becomes of a message then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/clamav/clamav.c"
#include "../../plugins/clamav/reply.c"
#include "../../plugins/clamav/rule.c"
#include "scanner.h"
#include "wrong.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define ANSWER(s)  s, sizeof(s)     /* with its NUL */
#define UNENDED(s) s, sizeof(s) - 1 /* without */

static const struct {
	const char *bytes;
	size_t n;
	enum reply_kind kind;
	const char *text;
} replies[] = {
	{ ANSWER("stream: OK"), REPLY_CLEAN, "" },
	{ ANSWER("stream: Eicar-Signature FOUND"), REPLY_FOUND,
	    "Eicar-Signature" },
	{ ANSWER("stream: A(44d88612fea8a8f36de82e1278abb02f:68) FOUND"),
	    REPLY_FOUND, "A(44d88612fea8a8f36de82e1278abb02f:68)" },
	{ ANSWER("stream: A FOUND FOUND"), REPLY_FOUND, "A FOUND" },
	{ ANSWER("stream: a\r\n550 \xff FOUND"), REPLY_FOUND, "a??550 ?" },
	{ ANSWER("INSTREAM size limit exceeded. ERROR"), REPLY_TOO_LARGE,
	    "INSTREAM size limit exceeded." },
	{ ANSWER("stream: Can't open file ERROR"), REPLY_ERROR,
	    "stream: Can't open file" },
	{ ANSWER("COMMAND READ TIMED OUT ERROR"), REPLY_ERROR,
	    "COMMAND READ TIMED OUT" },
	{ UNENDED("stream: OK"), REPLY_MORE, "" },
	{ UNENDED(""), REPLY_MORE, "" },
	{ ANSWER("stream: OK\0stream: X FOUND"), REPLY_CLEAN, "" },
	{ ANSWER("stream: OK "), REPLY_BAD, "" },
	{ ANSWER("stream:  FOUND"), REPLY_BAD, "" },
	{ ANSWER("other: X FOUND"), REPLY_BAD, "" },
	{ ANSWER(" FOUND"), REPLY_BAD, "" },
	{ ANSWER("UNKNOWN COMMAND"), REPLY_BAD, "" },
	{ ANSWER(""), REPLY_BAD, "" },
};

static void
test_replies(void **state)
{
	char text[REPLY_TEXT + 1], big[REPLY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++) {
		enum reply_kind kind =
		    reply_parse(replies[i].bytes, replies[i].n, text);

		if (kind != replies[i].kind ||
		    strcmp(text, replies[i].text) != 0)
			fail_msg("%s: %d %s", replies[i].bytes, kind, text);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(reply_parse(big, REPLY_MAX - 1, text), REPLY_MORE);
	assert_int_equal(reply_parse(big, REPLY_MAX, text), REPLY_BAD);
}

static const struct {
	const char *text, *why; /* how it begins; NULL: it is right */
	enum rule_action action;
	double score;
} rules[] = {
	{ "A accept", NULL, RULE_ACCEPT, 0 },
	{ " Heuristics.*\tscore  -5.5 ", NULL, RULE_SCORE, -5.5 },
	{ "* tempfail", NULL, RULE_TEMPFAIL, 0 },
	{ "", "it begins with a pattern", 0, 0 },
	{ "A", "after the pattern comes", 0, 0 },
	{ "A rejects", "after the pattern comes", 0, 0 },
	{ "A rej", "after the pattern comes", 0, 0 },
	{ "A |", "after the pattern comes", 0, 0 },
	{ "A score x", "after the action may come", 0, 0 },
	{ "A score 0x5", "after the action may come", 0, 0 },
	{ "A score 1001", "after the action may come", 0, 0 },
	{ "A score 1-1", "after the action may come", 0, 0 },
	{ "A score 1 2", "after the action may come", 0, 0 },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct rule r = { 0 };
		const char *why;
		bool ok = rule_parse(rules[i].text, &r, &why);

		if (ok != (rules[i].why == NULL) || r.score != rules[i].score ||
		    r.action != rules[i].action)
			fail_msg("%s", rules[i].text);
		if (!ok && strncmp(why, rules[i].why, strlen(rules[i].why)))
			fail_msg("%s: %s", rules[i].text, why);
	}
}

static const struct story {
	const char *option, *value; /* NULL: as it is by default */
	const char *answer;
	size_t n;
	mr_verdict verdict;
	const char *lines;
} stories[] = {
	{ NULL, NULL, ANSWER("stream: OK"), MR_CONTINUE,
	    "note_set clamav.result=clean\n" },
	{ NULL, NULL, ANSWER("stream: Bad.X FOUND"), MR_REJECT,
	    "symbol CLAMAV_FOUND 10.00 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n"
	    "reply 550 5.7.1 Refused: malware found (Bad.X)\n" },
	{ "infected", "tempfail", ANSWER("stream: Bad.X FOUND"), MR_TEMPFAIL,
	    "symbol CLAMAV_FOUND 10.00 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n"
	    "reply 451 4.7.1 Refused: malware found (Bad.X)\n" },
	{ "infected", "quarantine", ANSWER("stream: Bad.X FOUND"),
	    MR_QUARANTINE,
	    "symbol CLAMAV_FOUND 10.00 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n"
	    "quarantine Bad.X\n" },
	{ "infected", "discard", ANSWER("stream: Bad.X FOUND"), MR_DISCARD,
	    "symbol CLAMAV_FOUND 10.00 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n" },
	{ "signatures", "bad.* score 2.5", ANSWER("stream: Bad.X FOUND"),
	    MR_CONTINUE,
	    "symbol CLAMAV_FOUND 2.50 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n" },
	{ "signatures", "Bad.X accept", ANSWER("stream: Bad.X FOUND"),
	    MR_CONTINUE,
	    "symbol CLAMAV_FOUND 0.00 Bad.X\n"
	    "note_set clamav.result=found\n"
	    "note_set clamav.signature=Bad.X\n" },
	{ "signatures", "Good.* accept", ANSWER("stream: Bad.X FOUND"),
	    MR_REJECT, NULL },
	{ NULL, NULL, ANSWER("INSTREAM size limit exceeded. ERROR"),
	    MR_CONTINUE,
	    "symbol CLAMAV_UNSCANNED 0.00 larger than clamd's StreamMaxLength\n"
	    "note_set clamav.result=unscanned\n" },
	{ NULL, NULL, ANSWER("stream: Can't do\n it ERROR"), MR_ERROR,
	    "symbol CLAMAV_FAILED 0.00 stream: Can't do? it\n"
	    "note_set clamav.result=error\n"
	    "log warn stream: Can't do? it\n" },
	{ NULL, NULL, UNENDED("stream: OK"), MR_ERROR,
	    "symbol CLAMAV_FAILED 0.00 its answer makes no sense\n"
	    "note_set clamav.result=error\n"
	    "log warn its answer makes no sense\n" },
	{ NULL, NULL, UNENDED(""), MR_ERROR, NULL },
};

static mr_verdict
play(struct fake *f)
{
	fake_mail(f, "a@example.com");
	fake_rcpt(f, "b@example.net");
	fake_header(f, "Subject", "a\n b");
	fake_eoh(f);
	fake_body(f, "body\r\n", 6);
	return fake_eom(f);
}

static void
test_stories(void **state)
{
	static const char asked[] =
	    "zINSTREAM\0\0\0\0\x12Subject: a\r\n b\r\n\r\n"
	    "\0\0\0\x06"
	    "body\r\n\0\0\0";

	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;

		fake_init(&f, &mr_plugin_clamav);
		fake_stream_clear();
		fake_stream_answer(s->answer, s->n);
		if (s->option != NULL)
			fake_set(&f, s->option, s->value);
		assert_true(fake_open(&f));
		assert_int_equal(play(&f), s->verdict);
		if (s->lines != NULL)
			assert_string_equal(fake_transcript(&f), s->lines);
		assert_int_equal(fake_stream.n, sizeof(asked));
		assert_memory_equal(fake_stream.asked, asked, sizeof(asked));
		fake_finish(&f);
	}
	fake_stream_clear();
}

/* An error that the server itself tells of, and another that knows. */
static void
test_next_server(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_clamav);
	fake_stream_clear();
	fake_stream_answer(ANSWER("stream: Too busy ERROR"));
	fake_stream_answer(ANSWER("stream: Bad.X FOUND"));
	assert_true(fake_open(&f));
	assert_int_equal(play(&f), MR_REJECT);
	fake_finish(&f);
	fake_stream_clear();
}

static void
test_sizes(void **state)
{
	struct fake f;

	(void)state;
	scanner_check_size(&f, &mr_plugin_clamav,
	    "symbol CLAMAV_UNSCANNED 0.00 larger than max-size");
	/* No body at all: there is no chunk of it, which would be the end. */
	fake_mail(&f, "a@example.com");
	fake_stream_answer(ANSWER("stream: OK"));
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_int_equal(fake_stream.n, 10 + 4 + 2 + 4);
	fake_finish(&f);
	fake_stream_clear();
}

static const struct wrong wrongs[] = {
	{ "servers", "clamd.example.com:3310", "config_error servers: " },
	{ "signatures", "Heuristics.*",
	    "config_error signatures: \"Heuristics.*\": after the pattern" },
	{ "reply", "{virus}",
	    "config_error reply: in braces may stand {signature}" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_clamav, wrongs, COUNT(wrongs));
}

static void
test_plan(void **state)
{
	static const struct {
		const char *option, *value;
		uint32_t actions;
	} rows[] = {
		{ "infected", "reject", 0 },
		{ "infected", "quarantine", MR_ACTION_QUARANTINE },
		{ "signatures", "PUA.* quarantine", MR_ACTION_QUARANTINE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_clamav);
		fake_set(&f, rows[i].option, rows[i].value);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.actions, rows[i].actions);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_next_server),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
