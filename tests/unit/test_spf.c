/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_spf.h"

static void
test_stories(const struct story *stories, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct story *s = &stories[i];
		struct fake f;
		mr_verdict v;

		start(&f, s);
		if (s->helo != NULL)
			fake_helo(&f, s->helo);
		v = fake_mail(&f, s->sender);
		if (strcmp(fake_transcript(&f), s->lines) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", s->about,
			    fake_transcript(&f), s->lines);
		if (v != s->want)
			fail_msg("%s: verdict %d", s->about, (int)v);
		/* Nothing is left for later. */
		fake_forget(&f);
		assert_int_equal(fake_eom(&f), MR_CONTINUE);
		assert_string_equal(fake_transcript(&f), "");
		fake_finish(&f);
	}
}

#define NOTES(result, domain)                                                  \
	"note_set spf.result=" result "\nnote_set spf.domain=" domain "\n"
#define AUTH(result, sender)                                                   \
	"auth_result spf=" result "\nauth_property smtp.mailfrom=" sender "\n"

static const struct story result_stories[] = {
	{ "pass", { { NULL, NULL } }, NULL, NULL, "a@pass.example", MR_SKIP,
	    "symbol SPF_PASS 0.00 identity=mailfrom domain=pass.example "
	    "client=192.0.2.7 term=\"ip4:192.0.2.0/24\" terms=0 "
	    "voids=0\n" NOTES("pass", "pass.example")
		AUTH("pass", "a@pass.example") },
	{ "fail", { { NULL, NULL } }, NULL, NULL, "a@Fail.Example", MR_REJECT,
	    "symbol SPF_FAIL 0.00 identity=mailfrom domain=Fail.Example "
	    "client=192.0.2.7 term=\"-all\" terms=0 voids=0\n" NOTES(
		"fail", "Fail.Example") AUTH("fail",
		"a@Fail.Example") "reply 550 5.7.23 SPF fail: 192.0.2.7 is not "
				  "allowed to send "
				  "mail for Fail.Example\n" },
	{ "an explanation, and the way to it", { { NULL, NULL } }, NULL, NULL,
	    "user@exp.example", MR_REJECT,
	    "symbol SPF_FAIL 0.00 identity=mailfrom domain=exp.example "
	    "client=192.0.2.7 term=\"redirect=%{l}.exp.example > -all\" "
	    "terms=2 voids=1\n" NOTES("fail", "exp.example") AUTH(
		"fail", "user@exp.example") "reply 550 5.7.23 SPF fail: "
					    "192.0.2.7 is not allowed to send "
					    "mail for exp.example\nexp.example "
					    "explains: 192.0.2.7 is not "
					    "exp.example's, mx.example.com\n" },
	{ "no explanation", { { "explanation", "false" } }, NULL, NULL,
	    "user@exp.example", MR_REJECT,
	    "symbol SPF_FAIL 0.00 identity=mailfrom domain=exp.example "
	    "client=192.0.2.7 term=\"redirect=%{l}.exp.example > -all\" "
	    "terms=2 voids=1\n" NOTES("fail", "exp.example") AUTH(
		"fail", "user@exp.example") "reply 550 5.7.23 SPF fail: "
					    "192.0.2.7 is not allowed to send "
					    "mail for exp.example\n" },
	{ "softfail", { { NULL, NULL } }, NULL, NULL, "a@softfail.example",
	    MR_SKIP,
	    "symbol SPF_SOFTFAIL 2.00 identity=mailfrom "
	    "domain=softfail.example client=192.0.2.7 term=\"~all\" terms=0 "
	    "voids=0\n" NOTES("softfail", "softfail.example")
		AUTH("softfail", "a@softfail.example") },
	{ "neutral, by no term at all",
	    { { "neutral", "score" }, { "neutral-score", "-1.5" } }, NULL, NULL,
	    "a@neutral.example", MR_SKIP,
	    "symbol SPF_NEUTRAL -1.50 identity=mailfrom "
	    "domain=neutral.example client=192.0.2.7 terms=1 voids=0\n" NOTES(
		"neutral", "neutral.example")
		AUTH("neutral", "a@neutral.example") },
	{ "none", { { "none", "tempfail" } }, NULL, NULL, "a@none.example",
	    MR_TEMPFAIL,
	    "symbol SPF_NONE 0.00 identity=mailfrom domain=none.example "
	    "client=192.0.2.7 terms=0 voids=0\n" NOTES("none", "none.example")
		AUTH("none",
		    "a@none.example") "reply 451 4.7.23 SPF none: none.example "
				      "has no SPF record\n" },
	{ "a domain that is none", { { NULL, NULL } }, NULL, NULL,
	    "a@[192.0.2.7]", MR_SKIP,
	    "symbol SPF_NONE 0.00 identity=mailfrom domain=[192.0.2.7] "
	    "client=192.0.2.7 terms=0 voids=0\n" NOTES("none", "[192.0.2.7]")
		AUTH("none", "a@[192.0.2.7]") },
	{ "temperror is the instance's", { { NULL, NULL } }, NULL, NULL,
	    "a@temperror.example", MR_ERROR,
	    "symbol SPF_TEMPERROR 0.00 identity=mailfrom "
	    "domain=temperror.example client=192.0.2.7 why=\"the DNS failed "
	    "for temperror.example: the test says so\" terms=0 voids=0\n" NOTES(
		"temperror",
		"temperror.example") "auth_result spf=temperror reason=the DNS "
				     "failed for "
				     "temperror.example: the test says so\n"
				     "auth_property "
				     "smtp.mailfrom=a@temperror.example\n" },
	{ "temperror", { { "temperror", "tempfail" } }, NULL, NULL,
	    "a@temperror.example", MR_TEMPFAIL,
	    "symbol SPF_TEMPERROR 0.00 identity=mailfrom "
	    "domain=temperror.example client=192.0.2.7 why=\"the DNS failed "
	    "for temperror.example: the test says so\" terms=0 voids=0\n" NOTES(
		"temperror",
		"temperror.example") "auth_result spf=temperror reason=the DNS "
				     "failed for "
				     "temperror.example: the test says so\n"
				     "auth_property "
				     "smtp.mailfrom=a@temperror.example\n"
				     "reply 451 4.4.3 SPF temperror: the DNS "
				     "failed for "
				     "temperror.example: the test says so\n" },
	{ "permerror", { { "permerror", "reject" } }, NULL, NULL,
	    "a@permerror.example", MR_REJECT,
	    "symbol SPF_PERMERROR 0.00 identity=mailfrom "
	    "domain=permerror.example client=192.0.2.7 why=\"the record of "
	    "permerror.example is wrong at a:museum: a domain does not "
	    "end like a name\" terms=0 voids=0\n" NOTES("permerror",
		"permerror.example") "auth_result spf=permerror reason=the "
				     "record of "
				     "permerror.example is wrong at "
				     "a:museum: a domain does not "
				     "end like a name\n"
				     "auth_property "
				     "smtp.mailfrom=a@permerror.example\n"
				     "reply 550 5.7.24 SPF permerror: the "
				     "record of "
				     "permerror.example is wrong at "
				     "a:museum: a domain does not "
				     "end like a name\n" },
	{ "quarantine", { { "softfail", "quarantine" } }, NULL, NULL,
	    "a@softfail.example", MR_SKIP,
	    "symbol SPF_SOFTFAIL 0.00 identity=mailfrom "
	    "domain=softfail.example client=192.0.2.7 term=\"~all\" terms=0 "
	    "voids=0\n" NOTES("softfail", "softfail.example") AUTH("softfail",
		"a@softfail.example") "quarantine SPF softfail: 192.0.2.7 is "
				      "probably not allowed to "
				      "send mail for softfail.example\n" },
};

static const struct story helo_stories[] = {
	{ "both identities", { { NULL, NULL } }, NULL, "h.example",
	    "a@pass.example", MR_SKIP,
	    "symbol SPF_HELO_PASS 0.00 identity=helo domain=h.example "
	    "client=192.0.2.7 term=\"a\" terms=1 voids=0\n"
	    "note_set spf.helo.result=pass\n"
	    "note_set spf.helo.domain=h.example\n"
	    "auth_result spf=pass\nauth_property smtp.helo=h.example\n"
	    "symbol SPF_PASS 0.00 identity=mailfrom domain=pass.example "
	    "client=192.0.2.7 term=\"ip4:192.0.2.0/24\" terms=0 "
	    "voids=0\n" NOTES("pass", "pass.example")
		AUTH("pass", "a@pass.example") },
	{ "a forged HELO ends it", { { NULL, NULL } }, NULL, "forger.example",
	    "a@pass.example", MR_REJECT,
	    "symbol SPF_HELO_FAIL 0.00 identity=helo domain=forger.example "
	    "client=192.0.2.7 term=\"-all\" terms=1 voids=0\n"
	    "note_set spf.helo.result=fail\n"
	    "note_set spf.helo.domain=forger.example\n"
	    "auth_result spf=fail\nauth_property smtp.helo=forger.example\n"
	    "reply 550 5.7.23 SPF fail: 192.0.2.7 is not allowed to use the "
	    "name forger.example\n" },
	{ "the graver of both",
	    { { "helo-fail", "tempfail" }, { "softfail", "quarantine" } }, NULL,
	    "forger.example", "a@softfail.example", MR_TEMPFAIL,
	    "symbol SPF_HELO_FAIL 0.00 identity=helo domain=forger.example "
	    "client=192.0.2.7 term=\"-all\" terms=1 voids=0\n"
	    "note_set spf.helo.result=fail\n"
	    "note_set spf.helo.domain=forger.example\n"
	    "auth_result spf=fail\nauth_property smtp.helo=forger.example\n"
	    "symbol SPF_SOFTFAIL 0.00 identity=mailfrom "
	    "domain=softfail.example client=192.0.2.7 term=\"~all\" terms=0 "
	    "voids=0\n" NOTES("softfail", "softfail.example") AUTH("softfail",
		"a@softfail.example") "reply 451 4.7.23 SPF fail: 192.0.2.7 is "
				      "not allowed to use the "
				      "name forger.example\n" },
	{ "not asked for", { { "check-helo", "false" } }, NULL,
	    "forger.example", "a@pass.example", MR_SKIP,
	    "symbol SPF_PASS 0.00 identity=mailfrom domain=pass.example "
	    "client=192.0.2.7 term=\"ip4:192.0.2.0/24\" terms=0 "
	    "voids=0\n" NOTES("pass", "pass.example")
		AUTH("pass", "a@pass.example") },
	{ "<> is the HELO name's", { { NULL, NULL } }, NULL, "h.example", "",
	    MR_SKIP,
	    "symbol SPF_PASS 0.00 identity=helo domain=h.example "
	    "client=192.0.2.7 term=\"a\" terms=1 voids=0\n"
	    "note_set spf.helo.result=pass\n"
	    "note_set spf.helo.domain=h.example\n" NOTES(
		"pass", "h.example") "auth_result spf=pass\nauth_property "
				     "smtp.helo=h.example\n" },
	{ "<> and options of both", { { "fail", "accept" } }, NULL,
	    "forger.example", "", MR_REJECT,
	    "symbol SPF_FAIL 0.00 identity=helo domain=forger.example "
	    "client=192.0.2.7 term=\"-all\" terms=1 voids=0\n"
	    "note_set spf.helo.result=fail\n"
	    "note_set spf.helo.domain=forger.example\n" NOTES(
		"fail", "forger.example") "auth_result spf=fail\nauth_property "
					  "smtp.helo=forger.example\n"
					  "reply 550 5.7.23 SPF fail: "
					  "192.0.2.7 is not allowed to use the "
					  "name forger.example\n" },
	{ "no HELO and no sender", { { NULL, NULL } }, NULL, NULL, "", MR_SKIP,
	    "symbol SPF_NONE 0.00 identity=helo domain= client=192.0.2.7 "
	    "terms=0 voids=0\nnote_set spf.helo.result=none\n"
	    "note_set spf.helo.domain=\n" NOTES("none",
		"") "auth_result spf=none\nauth_property smtp.helo=\n" },
	{ "hostile names", { { "none", "reject" } }, NULL,
	    "x\r\n)(\"\\\xe9.example", "a\n@\xc3\xa4\".example", MR_REJECT,
	    "symbol SPF_HELO_NONE 0.00 identity=helo "
	    "domain=x?"
	    "?)(\"\\?.example client=192.0.2.7 terms=0 voids=0\n"
	    "note_set spf.helo.result=none\n"
	    "note_set spf.helo.domain=x\r\n)(\"\\\xe9.example\n"
	    "auth_result spf=none\n"
	    "auth_property smtp.helo=x\r\n)(\"\\\xe9.example\n"
	    "symbol SPF_NONE 0.00 identity=mailfrom domain=??\".example "
	    "client=192.0.2.7 terms=0 voids=0\n" NOTES(
		"none", "\xc3\xa4\".example") AUTH("none",
		"a\n@\xc3\xa4\".example") "reply 550 5.7.23 SPF none: "
					  "??\".example has no SPF record\n" },
};

#define FAILED                                                                 \
	"symbol SPF_FAIL 0.00 identity=mailfrom domain=fail.example "          \
	"client=192.0.2.7 term=\"-all\" terms=0 voids=0\n" NOTES(              \
	    "fail", "fail.example") AUTH("fail", "a@fail.example")

static const struct story policy_stories[] = {
	{ "a domain's own policy",
	    { { "policies", "fail.example fail=score:7 none=reject" },
		{ "policies", ".example fail=tempfail" } },
	    NULL, NULL, "a@fail.example", MR_SKIP,
	    "symbol SPF_FAIL 7.00 identity=mailfrom domain=fail.example "
	    "client=192.0.2.7 term=\"-all\" terms=0 voids=0\n" NOTES(
		"fail", "fail.example") AUTH("fail", "a@fail.example") },
	{ "a forwarder by address", { { "forwarders", "192.0.2.0/29" } }, NULL,
	    NULL, "a@fail.example", MR_SKIP,
	    FAILED "symbol SPF_FORWARDER 0.00 192.0.2.7\n" },
	{ "a forwarder by its own SPF",
	    { { "forwarder-domains", "forger.example" },
		{ "forwarder-domains", "net.example" } },
	    NULL, NULL, "a@fail.example", MR_SKIP,
	    FAILED "symbol SPF_FORWARDER 0.00 net.example\n" },
	{ "no forwarder", { { "forwarder-domains", "forger.example" } }, NULL,
	    NULL, "a@fail.example", MR_REJECT,
	    FAILED "reply 550 5.7.23 SPF fail: 192.0.2.7 is not allowed to "
		   "send mail for fail.example\n" },
	{ "a record of our own",
	    { { "records", "fail.example v=spf1 ip4:192.0.2.7 ~all" } }, NULL,
	    NULL, "a@fail.example", MR_SKIP,
	    "symbol SPF_PASS 0.00 identity=mailfrom domain=fail.example "
	    "client=192.0.2.7 term=\"ip4:192.0.2.7\" terms=0 voids=0\n" NOTES(
		"pass", "fail.example") AUTH("pass", "a@fail.example") },
	{ "a good guess",
	    { { "best-guess", "v=spf1 a/24" }, { "none", "reject" } }, NULL,
	    NULL, "a@none.example", MR_SKIP,
	    "symbol SPF_GUESS_PASS 0.00 a/24\n"
	    "symbol SPF_NONE 0.00 identity=mailfrom domain=none.example "
	    "client=192.0.2.7 terms=0 voids=0\n" NOTES("none", "none.example")
		AUTH("none", "a@none.example") },
	{ "a bad guess", { { "best-guess", "v=spf1 a" }, { "none", "reject" } },
	    NULL, NULL, "a@none.example", MR_REJECT,
	    "symbol SPF_NONE 0.00 identity=mailfrom domain=none.example "
	    "client=192.0.2.7 terms=0 voids=0\n" NOTES("none", "none.example")
		AUTH("none",
		    "a@none.example") "reply 550 5.7.23 SPF none: none.example "
				      "has no SPF record\n" },
	{ "listed clients", { { "skip-clients", "192.0.2.0/24" } }, NULL,
	    "forger.example", "a@fail.example", MR_SKIP, "" },
	{ "mapped ones, too", { { "skip-clients", "192.0.2.0/24" } },
	    "::ffff:192.0.2.7", "forger.example", "a@fail.example", MR_SKIP,
	    "" },
	{ "no address", { { NULL, NULL } }, "unknown", "forger.example",
	    "a@fail.example", MR_SKIP, "" },
	{ "a unix socket", { { NULL, NULL } }, "local", "forger.example",
	    "a@fail.example", MR_SKIP, "" },
	{ "loopback, by default", { { NULL, NULL } }, "127.0.0.9", NULL,
	    "a@fail.example", MR_SKIP, "" },
	{ "a field", { { "received-spf", "true" } }, NULL, "h.example",
	    "a@softfail.example", MR_SKIP,
	    "symbol SPF_HELO_PASS 0.00 identity=helo domain=h.example "
	    "client=192.0.2.7 term=\"a\" terms=1 voids=0\n"
	    "note_set spf.helo.result=pass\n"
	    "note_set spf.helo.domain=h.example\n"
	    "auth_result spf=pass\nauth_property smtp.helo=h.example\n"
	    "symbol SPF_SOFTFAIL 2.00 identity=mailfrom "
	    "domain=softfail.example client=192.0.2.7 term=\"~all\" terms=0 "
	    "voids=0\n" NOTES("softfail", "softfail.example") AUTH("softfail",
		"a@softfail.example") "insert_header Received-SPF: softfail "
				      "(192.0.2.7 is probably not "
				      "allowed to send mail for "
				      "softfail.example)\n\tidentity=mailfrom"
				      ";\n\tclient-ip=192.0.2.7;\n\tenvelope-"
				      "from=\""
				      "a@softfail.example\";\n\thelo=h.example;"
				      "\n\treceiver="
				      "mx.example.com;\n\tmechanism=~all\n" },
	{ "a text of one's own",
	    { { "reply", "{identity} {sender} {client}: {result}" } }, NULL,
	    NULL, "a@fail.example", MR_REJECT,
	    FAILED
	    "reply 550 5.7.23 mailfrom a@fail.example 192.0.2.7: fail\n" },
};

static void
test_results(void **state)
{
	(void)state;
	test_stories(result_stories, COUNT(result_stories));
}

static void
test_helo(void **state)
{
	(void)state;
	test_stories(helo_stories, COUNT(helo_stories));
}

static void
test_policies(void **state)
{
	(void)state;
	test_stories(policy_stories, COUNT(policy_stories));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_helo),
		cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
