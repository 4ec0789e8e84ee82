/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/spf/address.c"
#include "../../plugins/spf/policy.c"
#include "../../plugins/spf/received.c"
#include "../../plugins/spf/result.c"
#include "../../plugins/spf/text.c"
#include "../../plugins/spf/words.c"

/* --- Received --- */

static const struct received_case {
	const char *about, *in;
	const char *client; /* NULL: it does not tell */
	const char *helo;
} received_cases[] = {
	{ "Postfix",
	    "from mail.example (rdns.example [192.0.2.7])\n\t(using TLSv1.3 "
	    "with cipher X (256/256 bits))\n\t(No client certificate "
	    "requested)\n\tby mx.example (Postfix) with ESMTPS id 4X; Mon",
	    "192.0.2.7", "mail.example" },
	{ "Postfix, no name",
	    "from mail.example (unknown [IPv6:2001:db8::7])\n\tby mx.example",
	    "2001:db8::7", "mail.example" },
	{ "a literal as the name",
	    "from [198.51.100.9] (unknown [192.0.2.7]) by mx.example",
	    "192.0.2.7", "[198.51.100.9]" },
	{ "a comment in the name",
	    "from a(b[198.51.100.9]) (unknown [192.0.2.7]) by mx.example",
	    "192.0.2.7", "a(b[198.51.100.9])" },
	{ "Sendmail, forged",
	    "from mail.example (rdns.example [192.0.2.7] (may be forged))\n\t"
	    "by mx.example (8.17.1/8.17.1) with ESMTP id x; Mon",
	    "192.0.2.7", "mail.example" },
	{ "Sendmail, no name", "from mail.example ([192.0.2.7]) by mx.example",
	    "192.0.2.7", "mail.example" },
	{ "Exim",
	    "from rdns.example ([192.0.2.7]:1234 helo=mail.example)\n\tby "
	    "mx.example with esmtps (TLS1.3) tls X (Exim 4.96)",
	    "192.0.2.7", "mail.example" },
	{ "Exim, a literal as the name",
	    "from rdns.example ([192.0.2.7] helo=[198.51.100.9]) by x",
	    "192.0.2.7", "[198.51.100.9]" },
	{ "Exim, no name", "from [192.0.2.7] (helo=mail.example) by x",
	    "192.0.2.7", "mail.example" },
	{ "qmail",
	    "from unknown (HELO [198.51.100.9]) (192.0.2.7)\n  by mx.example "
	    "with SMTP; 1 Jan",
	    "192.0.2.7", "[198.51.100.9]" },
	{ "Exchange",
	    "from mail.example (192.0.2.7) by mx.example (198.51.100.9) with "
	    "Microsoft SMTP Server",
	    "192.0.2.7", "mail.example" },
	{ "Exchange, six", "from mail.example (2001:db8::7) by mx.example",
	    "2001:db8::7", "mail.example" },
	{ "mapped", "from a (b [IPv6:::ffff:192.0.2.7]) by c", "192.0.2.7",
	    "a" },
	{ "any case", "FROM a (b [192.0.2.7]) BY c", "192.0.2.7", "a" },
	{ "local", "by mx.example (Postfix, from userid 0)\n\tid X; Mon", NULL,
	    NULL },
	{ "no address", "from a by b", NULL, NULL },
	{ "behind by", "from a by b (c [192.0.2.7])", NULL, NULL },
	{ "no address in brackets", "from a (b [192.0.2]) by c", NULL, NULL },
	{ "an open comment", "from a (b [192.0.2.7] by c", NULL, NULL },
	{ "an open bracket", "from a (b [192.0.2.7) by c", NULL, NULL },
	{ "nothing", "", NULL, NULL },
	{ "from alone", "from", NULL, NULL },
};

static void
test_received(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(received_cases); i++) {
		const struct received_case *c = &received_cases[i];
		struct received r;
		char client[ADDRESS_TEXT];
		struct text t = TEXT(client);

		if (received_parse(span_of(c->in), &r) != (c->client != NULL))
			fail_msg("%s: it tells or not", c->about);
		if (c->client == NULL)
			continue;
		address_print(&r.client, &t);
		if (strcmp(client, c->client) != 0)
			fail_msg("%s: %s", c->about, client);
		if (r.helo.n != strlen(c->helo) ||
		    memcmp(r.helo.p, c->helo, r.helo.n) != 0)
			fail_msg(
			    "%s: HELO %.*s", c->about, (int)r.helo.n, r.helo.p);
	}
}

/* --- policies --- */

static const struct policy_case {
	const char *value;
	bool ok;
	enum identity identity;
	enum result result;
	enum action action;
	double score;
} policy_cases[] = {
	{ "", true, IDENTITY_MAIL, RESULT_FAIL, ACTION_REJECT, 5 },
	{ "fail=accept", true, IDENTITY_MAIL, RESULT_FAIL, ACTION_ACCEPT, 5 },
	{ "softfail=reject fail=score", true, IDENTITY_MAIL, RESULT_FAIL,
	    ACTION_SCORE, 5 },
	{ "  fail=score:-2.25  ", true, IDENTITY_MAIL, RESULT_FAIL,
	    ACTION_SCORE, -2.25 },
	{ "FAIL=Tempfail", true, IDENTITY_MAIL, RESULT_FAIL, ACTION_TEMPFAIL,
	    5 },
	{ "helo-fail=quarantine", true, IDENTITY_HELO, RESULT_FAIL,
	    ACTION_QUARANTINE, 5 },
	{ "helo-fail=reject", true, IDENTITY_MAIL, RESULT_FAIL, ACTION_REJECT,
	    5 },
	{ "temperror=error", true, IDENTITY_MAIL, RESULT_TEMPERROR,
	    ACTION_ERROR, 0 },
	{ "fail=error", false, 0, 0, 0, 0 },
	{ "pass=reject", false, 0, 0, 0, 0 },
	{ "helo-pass=reject", false, 0, 0, 0, 0 },
	{ "fail", false, 0, 0, 0, 0 },
	{ "fail=", false, 0, 0, 0, 0 },
	{ "fail=drop", false, 0, 0, 0, 0 },
	{ "=reject", false, 0, 0, 0, 0 },
	{ "helo=reject", false, 0, 0, 0, 0 },
	{ "fail=reject:5", false, 0, 0, 0, 0 },
	{ "fail=score:", false, 0, 0, 0, 0 },
	{ "fail=score:1e3", false, 0, 0, 0, 0 },
	{ "fail=score:1001", false, 0, 0, 0, 0 },
	{ "fail=score:5x", false, 0, 0, 0, 0 },
	{ "softfail=reject,fail=reject", false, 0, 0, 0, 0 },
	{ "fail=accept\tnone=reject", false, 0, 0, 0, 0 },
};

static void
test_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(policy_cases); i++) {
		const struct policy_case *c = &policy_cases[i];
		struct policy p = { .scores = { [RESULT_FAIL] = 5 } };
		struct policy before;
		const char *why;

		p.actions[IDENTITY_MAIL][RESULT_FAIL] = ACTION_REJECT;
		memcpy(&before, &p, sizeof(p));
		why = policy_parse(c->value, &p);
		if ((why == NULL) != c->ok)
			fail_msg("%s: %s", c->value, why ? why : "taken");
		if (!c->ok) {
			assert_memory_equal(&before, &p, sizeof(p));
			continue;
		}
		if (p.actions[c->identity][c->result] != c->action ||
		    p.scores[c->result] != c->score)
			fail_msg("%s: other than wanted", c->value);
	}
}

static void
test_score(void **state)
{
	struct policy p = { .scores = {
				[RESULT_PASS] = -1, [RESULT_FAIL] = 5 } };

	(void)state;
	p.actions[IDENTITY_MAIL][RESULT_FAIL] = ACTION_SCORE;
	assert_true(policy_score(&p, IDENTITY_MAIL, RESULT_FAIL) == 5);
	assert_true(policy_score(&p, IDENTITY_HELO, RESULT_FAIL) == 0);
	assert_true(policy_score(&p, IDENTITY_HELO, RESULT_PASS) == -1);
	assert_int_equal(
	    policy_graver(ACTION_QUARANTINE, ACTION_REJECT), ACTION_REJECT);
	assert_int_equal(
	    policy_graver(ACTION_TEMPFAIL, ACTION_ERROR), ACTION_TEMPFAIL);
	assert_int_equal(
	    policy_graver(ACTION_SCORE, ACTION_ACCEPT), ACTION_SCORE);
}

/* --- replies --- */

static const struct words hostile = {
	.identity = IDENTITY_MAIL,
	.result = RESULT_FAIL,
	.client = "192.0.2.7",
	.sender = "a\r\nb\"(\\)@x; y=\xe9.example",
	.domain = "x; y=\xe9.example",
	.helo = "h) {reason} %s",
	.receiver = "mx.example.com",
	.path = "-all",
};

static const struct reply_case {
	const char *text, *out; /* out NULL: it has a fault */
} reply_cases[] = {
	{ "SPF {result}: {reason}",
	    "SPF fail: 192.0.2.7 is not allowed to send mail for "
	    "x; y=?.example" },
	{ "{{{sender}}", "{a??b\"(\\)@x; y=?.example}" },
	{ "{helo} {identity} {receiver} {domain} {client}",
	    "h) {reason} %s mailfrom mx.example.com x; y=?.example "
	    "192.0.2.7" },
	{ "100 % sure }", "100 % sure }" },
	{ "", NULL },
	{ "  ", NULL },
	{ "{ip}", NULL },
	{ "{client", NULL },
	{ "{}", NULL },
	{ "{client {domain}", NULL },
	{ "two\nlines", NULL },
	{ "caf\xc3\xa9", NULL },
};

static void
test_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reply_cases); i++) {
		const struct reply_case *c = &reply_cases[i];
		const char *why = words_fault(c->text);
		char out[WORDS_REPLY];
		struct text t = TEXT(out);

		if ((why == NULL) != (c->out != NULL))
			fail_msg("%s: %s", c->text, why ? why : "taken");
		if (c->out == NULL)
			continue;
		words_expand(c->text, &hostile, &t);
		if (strcmp(out, c->out) != 0)
			fail_msg("%s: %s", c->text, out);
	}
}

/* Nothing is known, or it is nothing: there is still something to say. */
static void
test_nothing(void **state)
{
	struct words w = { .result = RESULT_TEMPERROR,
		.sender = "",
		.domain = "",
		.helo = "" };
	char out[WORDS_REPLY];
	struct text t = TEXT(out);

	(void)state;
	words_expand("{sender} {domain} {helo} {client} {reason}", &w, &t);
	assert_string_equal(out, "<> unknown unknown unknown unknown");
}

static void
test_explain(void **state)
{
	char out[WORDS_REPLY];
	struct text t = TEXT(out);

	(void)state;
	words_explain("See\r\n250 ok \xc3\xa4", "example.com", &t);
	assert_string_equal(out, "example.com explains: See??250 ok ??");
}

static void
test_header(void **state)
{
	char out[WORDS_HEADER], same[WORDS_HEADER];
	struct text t = TEXT(out), s = TEXT(same);
	struct words w = { .identity = IDENTITY_HELO,
		.result = RESULT_PERMERROR,
		.client = "2001:db8::7",
		.sender = "",
		.domain = "h.example",
		.helo = "h.example",
		.why = "(x" };

	(void)state;
	words_header(&hostile, &t);
	assert_string_equal(out,
	    "fail (192.0.2.7 is not allowed to send mail for x; "
	    "y=?.example)\n\tidentity=mailfrom;\n\tclient-ip=192.0.2.7;\n\t"
	    "envelope-from=\"a??b\\\"(\\\\)@x; y=?.example\";\n\t"
	    "helo=\"h) {reason} %s\";\n\treceiver=mx.example.com;\n\t"
	    "mechanism=-all");
	words_header(&w, &s);
	assert_string_equal(same,
	    "permerror (\\(x)\n\tidentity=helo;\n\tclient-ip=\"2001:db8::7\""
	    ";\n\tenvelope-from=\"\";\n\thelo=h.example;\n\tproblem=\"(x\"");
}

/* Whatever has to be quoted, the field ends as it should. */
static void
test_long_header(void **state)
{
	char quotes[600], out[WORDS_HEADER];
	struct text t = TEXT(out);
	struct words w = { .result = RESULT_TEMPERROR,
		.client = quotes,
		.sender = quotes,
		.domain = quotes,
		.helo = quotes,
		.receiver = quotes,
		.why = quotes,
		.path = quotes };

	(void)state;
	memset(quotes, '"', sizeof(quotes) - 1);
	quotes[sizeof(quotes) - 1] = '\0';
	words_header(&w, &t);
	assert_false(t.cut);
	assert_string_equal(out + t.n - 3, "\\\"\"");
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) < 998);
}

static void
test_codes(void **state)
{
	const char *dsn;

	(void)state;
	assert_int_equal(words_code(RESULT_FAIL, true, &dsn), 550);
	assert_string_equal(dsn, "5.7.23");
	assert_int_equal(words_code(RESULT_PERMERROR, true, &dsn), 550);
	assert_string_equal(dsn, "5.7.24");
	assert_int_equal(words_code(RESULT_TEMPERROR, true, &dsn), 550);
	assert_string_equal(dsn, "5.7.24");
	assert_int_equal(words_code(RESULT_TEMPERROR, false, &dsn), 451);
	assert_string_equal(dsn, "4.4.3");
	assert_int_equal(words_code(RESULT_PERMERROR, false, &dsn), 451);
	assert_string_equal(dsn, "4.7.24");
	assert_int_equal(words_code(RESULT_NONE, false, &dsn), 451);
	assert_string_equal(dsn, "4.7.23");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
