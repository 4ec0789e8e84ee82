/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin as a whole: what is told of a signature, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "dkim_world.h"

enum { OPTIONS = 6 };

static const struct story {
	const char *about;
	unsigned parts;
	const char *body;
	const char *ed_record, *rsa_record;
	struct {
		const char *name, *text;
	} set[OPTIONS];
	mr_verdict want;
	const char *lines[10]; /* beginnings of lines that must be there */
} stories[] = {
	{ "both signatures", WITH_ED | WITH_RSA, RFC_BODY, RFC_ED25519_RECORD,
	    RFC_RSA_RECORD, { { NULL, NULL } }, MR_CONTINUE,
	    { "symbol DKIM_PASS 0.00 d=football.example.com s=brisbane "
	      "a=ed25519-sha256 256 bits i=@football.example.com\n",
		"symbol DKIM_PASS 0.00 d=football.example.com s=test "
		"a=rsa-sha256 1024 bits i=@football.example.com\n",
		"auth_result dkim=pass\n"
		"auth_property header.d=football.example.com\n"
		"auth_property header.i=@football.example.com\n"
		"auth_property header.s=brisbane\n"
		"auth_property header.a=ed25519-sha256\n"
		"auth_property header.b=/gCrinpc\n",
		"note_set dkim.count=2\nnote_set dkim.result=pass\n",
		"note_set dkim.1.result=pass\n"
		"note_set dkim.1.domain=football.example.com\n"
		"note_set dkim.1.selector=brisbane\n"
		"note_set dkim.1.identity=@football.example.com\n",
		"note_set dkim.2.result=pass\n" } },
	{ "no signature", 0, RFC_BODY, "", "", { { "none-score", "2.5" } },
	    MR_CONTINUE,
	    { "symbol DKIM_NONE 0.00\n", "auth_result dkim=none\n",
		"note_set dkim.count=0\nnote_set dkim.result=none\n" } },
	{ "no signature, scored", 0, RFC_BODY, "", "",
	    { { "none", "score" }, { "none-score", "2.5" } }, MR_CONTINUE,
	    { "symbol DKIM_NONE 2.50\n" } },
	{ "no signature, refused", 0, RFC_BODY, "", "",
	    { { "none", "reject" } }, MR_REJECT,
	    { "reply 550 5.7.20 The message has no DKIM signature\n" } },
	{ "a changed body is scored", WITH_RSA, "Hi.\r\n", "", RFC_RSA_RECORD,
	    { { "fail-score", "3" } }, MR_CONTINUE,
	    { "symbol DKIM_FAIL 3.00 d=football.example.com s=test "
	      "a=rsa-sha256 1024 bits i=@football.example.com: the body was "
	      "changed\n",
		"auth_result dkim=fail reason=the body was changed\n",
		"note_set dkim.1.result=fail\n",
		"note_set dkim.count=1\nnote_set dkim.result=fail\n" } },
	{ "a changed body is refused", WITH_RSA, "Hi.\r\n", "", RFC_RSA_RECORD,
	    { { "fail", "reject" } }, MR_REJECT,
	    { "reply 550 5.7.20 The DKIM signature does not fit the "
	      "message\n" } },
	{ "a changed body is put off", WITH_RSA, "Hi.\r\n", "", RFC_RSA_RECORD,
	    { { "fail", "tempfail" } }, MR_TEMPFAIL,
	    { "reply 451 4.7.20 The DKIM signature" } },
	{ "a changed body is held", WITH_RSA, "Hi.\r\n", "", RFC_RSA_RECORD,
	    { { "fail", "quarantine" } }, MR_QUARANTINE,
	    { "quarantine The DKIM signature does not fit" } },
	{ "one that passes is enough", OTHERS | WITH_RSA, RFC_BODY, "",
	    RFC_RSA_RECORD,
	    { { "permerror", "reject" }, { "pass-score", "-1" } }, MR_CONTINUE,
	    { "symbol DKIM_PERMERROR 0.00 d=example.org s=x a=rsa-sha256: "
	      "its key is not in the DNS\n",
		"symbol DKIM_PASS -1.00 d=football.example.com s=test",
		"note_set dkim.count=2\nnote_set dkim.result=pass\n" } },
	{ "no key", OTHERS, RFC_BODY, "", "", { { "permerror", "reject" } },
	    MR_REJECT,
	    { "reply 550 5.7.20 The DKIM signature or its key is broken\n",
		"note_set dkim.result=permerror" } },
	{ "the DNS does not answer", WITH_RSA, RFC_BODY, "", NULL,
	    { { "temperror", "tempfail" } }, MR_TEMPFAIL,
	    { "symbol DKIM_TEMPERROR 0.00 d=football.example.com s=test "
	      "a=rsa-sha256 i=@football.example.com: the DNS does not answer "
	      "for its key\n",
		"reply 451 4.7.20 The key of the DKIM signature cannot be "
		"found now\n",
		"auth_result dkim=temperror" } },
	{ "a key that is too short", WITH_RSA, RFC_BODY, "", RFC_RSA_RECORD,
	    { { "min-key-bits", "2048" }, { "policy", "reject" } }, MR_REJECT,
	    { "symbol DKIM_POLICY 1.00 d=football.example.com s=test "
	      "a=rsa-sha256 1024 bits i=@football.example.com: the key is too "
	      "short to be safe\n",
		"reply 550 5.7.21 The DKIM signature is not acceptable "
		"here\n" } },
	{ "a test key that fails is as none", WITH_RSA, "Hi.\r\n", "",
	    RFC_RSA_RECORD "; t=y", { { "fail", "reject" } }, MR_CONTINUE,
	    { "symbol DKIM_FAIL 0.00 d=football.example.com s=test "
	      "a=rsa-sha256 1024 bits i=@football.example.com: the body was "
	      "changed (test mode)\n",
		"note_set dkim.1.test=yes\n" } },
	{ "several From", WITH_RSA | TWO_FROM, RFC_BODY, "", RFC_RSA_RECORD,
	    { { NULL, NULL } }, MR_CONTINUE, { "symbol DKIM_FAIL 1.00" } },
	{ "more than wanted", WITH_ED | WITH_RSA | OTHERS, RFC_BODY, "", "",
	    { { "max-signatures", "1" } }, MR_CONTINUE,
	    { "symbol DKIM_PASSED_OVER 0.00 2\n", "note_set dkim.count=1\n",
		"note_set dkim.result=permerror\n" } },
	{ "required and there", WITH_RSA, RFC_BODY, "", RFC_RSA_RECORD,
	    { { "required", "football.example.com" } }, MR_CONTINUE,
	    { "symbol DKIM_PASS" } },
	{ "required and missing", 0, RFC_BODY, "", "",
	    { { "required", "football.example.com" } }, MR_REJECT,
	    { "symbol DKIM_REQUIRED 5.00 football.example.com\n",
		"reply 550 5.7.22 Mail of this author's domain must be "
		"signed by it\n" } },
	{ "required, and signed by another", WITH_RSA, RFC_BODY, "",
	    RFC_RSA_RECORD,
	    { { "required", "football.example.com example.org" } }, MR_CONTINUE,
	    { "symbol DKIM_PASS" } },
	{ "required by another that is listed", WITH_RSA | TWO_FROM, RFC_BODY,
	    "", RFC_RSA_RECORD,
	    { { "required", "bank.example a.example, football.example.com" } },
	    MR_REJECT, { "symbol DKIM_REQUIRED 5.00 bank.example\n" } },
	{ "required, in test mode", WITH_RSA, RFC_BODY, "",
	    RFC_RSA_RECORD "; t=y", { { "required", "football.example.com" } },
	    MR_REJECT, { "symbol DKIM_REQUIRED 5.00 football.example.com\n" } },
	{ "required, but the DNS does not answer", WITH_RSA, RFC_BODY, "", NULL,
	    { { "required", "football.example.com" } }, MR_TEMPFAIL,
	    { "reply 451 4.7.22 The key of the DKIM signature cannot be "
	      "found now\n" } },
	{ "required, only scored", 0, RFC_BODY, "", "",
	    { { "required", ".example.com" }, { "required-action", "score" },
		{ "required-score", "7" } },
	    MR_CONTINUE,
	    { "symbol DKIM_REQUIRED 7.00 football.example.com\n" } },
	{ "required of somebody else", 0, RFC_BODY, "", "",
	    { { "required", "bank.example" } }, MR_CONTINUE,
	    { "symbol DKIM_NONE" } },
	{ "a second From of whom it is required", WITH_RSA | TWO_FROM, RFC_BODY,
	    "", RFC_RSA_RECORD, { { "required", "bank.example" } }, MR_REJECT,
	    { "symbol DKIM_REQUIRED 5.00 bank.example\n" } },
};

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;
		mr_verdict v;

		start(&f);
		publish_at(0, ED_NAME, s->ed_record);
		publish_at(1, RSA_NAME, s->rsa_record);
		for (int k = 0; k < OPTIONS && s->set[k].name != NULL; k++)
			fake_set(&f, s->set[k].name, s->set[k].text);
		if (!fake_open(&f))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		send_example(&f, s->parts, s->body);
		v = fake_eom(&f);
		if (v != s->want)
			fail_msg("%s: verdict %d\n%s", s->about, (int)v,
			    fake_transcript(&f));
		for (int k = 0; k < 10 && s->lines[k] != NULL; k++)
			if (!fake_did(&f, s->lines[k]))
				fail_msg("%s: no \"%s\" in\n%s", s->about,
				    s->lines[k], fake_transcript(&f));
		assert_false(fake_did(&f, "misbehaves"));
		fake_finish(&f);
	}
}

/* Keys are asked for while the body is still on its way. */
static void
test_keys_are_fetched_at_eoh(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	assert_true(fake_open(&f));
	send_example(&f, WITH_ED | WITH_RSA, RFC_BODY);
	assert_string_equal(world.fetched, ED_NAME " " RSA_NAME " ");
	assert_string_equal(world.asked, "");
	fake_eom(&f);
	assert_string_equal(world.asked, ED_NAME " " RSA_NAME " ");
	fake_finish(&f);
}

/* Several records at one name, and others that are no keys. */
static void
test_several_records(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	publish_at(0, RSA_NAME, "v=spf1 -all");
	publish_at(1, RSA_NAME, RFC_RSA_RECORD);
	assert_true(fake_open(&f));
	send_example(&f, WITH_RSA, RFC_BODY);
	fake_eom(&f);
	assert_true(fake_did(&f, "symbol DKIM_PASS"));
	publish_at(2, RSA_NAME, RFC_RSA_RECORD);
	send_example(&f, WITH_RSA, RFC_BODY);
	fake_eom(&f);
	assert_true(fake_did(&f, "symbol DKIM_PERMERROR 1.00 "
				 "d=football.example.com s=test a=rsa-sha256 "
				 "i=@football.example.com: there are several "
				 "keys at its name\n"));
	fake_finish(&f);
}

/* What a sender wrote and is no name is not shown. */
static void
test_nothing_strange_is_told(void **state)
{
	static const char *const strange[] = {
		"v=1; a=rsa-sha256\" x; d=a\"b.example; s=<x>; h=from; bh=aaaa;"
		" b=aaaa",
		"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=aaaa; b=aaaa;"
		" i=\x01@a.example",
		"v=1; a=\xff\xfe; d=\xc3\xa9.example; s=\xc3\xa9; h=from; "
		"bh=aaaa; b=\xc3\xa9",
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(strange); i++) {
		start(&f);
		assert_true(fake_open(&f));
		fake_mail(&f, "a@example.com");
		fake_rcpt(&f, "b@example.net");
		fake_header(&f, "DKIM-Signature", strange[i]);
		fake_header(&f, "From", "a@example.com");
		fake_eoh(&f);
		fake_body(&f, "a\r\n", 3);
		fake_eom(&f);
		assert_true(fake_did(&f, "note_set dkim.count=1"));
		for (const char *p = fake_transcript(&f); *p != '\0'; p++)
			assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
		assert_null(strstr(fake_transcript(&f), "<x>"));
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_keys_are_fetched_at_eoh),
		cmocka_unit_test(test_several_records),
		cmocka_unit_test(test_nothing_strange_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
