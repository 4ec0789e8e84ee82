/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin dmarc with a fake host: what it asks, decides and leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/dmarc/conf.c"
#include "../../plugins/dmarc/decide.c"
#include "../../plugins/dmarc/dmarc.c"
#include "../../plugins/dmarc/evaluate.c"
#include "../../plugins/dmarc/evidence.c"
#include "../../plugins/dmarc/gather.c"
#include "../../plugins/dmarc/lookup.c"
#include "../../plugins/dmarc/record.c"
#include "../../plugins/dmarc/text.c"
#include "../../plugins/dmarc/walk.c"
#include "../../plugins/dmarc/witness.c"
#include "service/service.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The commands have tests of their own. */
const struct mr_command tool_commands[] = { { 0 } };

enum { OPTIONS = 4, NOTES = 8, LINES = 8, HEADERS = 4 };

/*
 * A message from 192.0.2.1.  The DNS: example.com rejects, q.example
 * quarantines, none.example asks for nothing, sub.example.com has no record,
 * bad.example a bad one, slow.example does not answer.
 */
struct story {
	const char *about;
	const char *headers[HEADERS][2];
	const char *notes[NOTES][2];
	struct {
		const char *name, *text;
	} set[OPTIONS];
	mr_verdict want;
	const char *lines[LINES]; /* each begins one of the transcript */
	const char * not ;        /* and this does not */
};

#define SPF(result, domain)                                                    \
	{ "spf.result", result },                                              \
	{                                                                      \
		"spf.domain", domain                                           \
	}
#define DKIM(result, domain)                                                   \
	{ "dkim.count", "1" }, { "dkim.1.result", result },                    \
	    { "dkim.1.domain", domain },                                       \
	{                                                                      \
		"dkim.1.selector", "s1"                                        \
	}
#define FROM(value)                                                            \
	{                                                                      \
		{                                                              \
			"From", value                                          \
		}                                                              \
	}

static const struct story stories[] = {
	{ .about = "it passes by SPF",
	    .headers = FROM("A <a@example.com>"),
	    .notes = { SPF("pass", "example.com") },
	    .lines = { "auth_result dmarc=pass",
		"auth_property header.from=example.com",
		"auth_property policy.dmarc=none",
		"symbol DMARC_PASS 0.00 from=example.com disposition=pass "
		"spf=pass dkim=fail domain=example.com p=reject",
		"note_set dmarc.result=pass", "note_set dmarc.aligned-spf=yes",
		"note_set dmarc.aligned-dkim=no",
		"note_set dmarc.policy=reject" },
	    .not = "reply" },
	{ .about = "it passes by a signature of a sub-domain",
	    .headers = FROM("A <a@Example.COM>"),
	    .notes = { SPF("fail", "x.example"),
		DKIM("pass", "News.Example.com") },
	    .lines = { "auth_result dmarc=pass",
		"symbol DMARC_PASS 0.00 from=example.com disposition=pass "
		"spf=fail dkim=pass",
		"note_set dmarc.aligned-dkim=yes" } },
	{ .about = "a pass has the score that is set",
	    .headers = FROM("A <a@example.com>"),
	    .notes = { SPF("pass", "example.com") },
	    .set = { { "pass-score", "-1.5" } },
	    .lines = { "symbol DMARC_PASS -1.50" } },
	{ .about = "it fails and the domain asks to reject",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("pass", "x.example"), DKIM("pass", "x.example") },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_REJECT 0.00 from=example.com "
		       "disposition=reject spf=fail dkim=fail",
		"auth_result dmarc=fail", "auth_property policy.dmarc=reject",
		"reply 550 5.7.1 Email rejected per DMARC policy for "
		"example.com",
		"note_set dmarc.disposition=reject",
		"note_set dmarc.domain=example.com",
		"note_set dmarc.org-domain=example.com" } },
	{ .about = "a sub-domain has the policy of the organization",
	    .headers = FROM("a@sub.example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_REJECT 0.00 from=sub.example.com "
		       "disposition=reject spf=fail dkim=fail "
		       "domain=example.com",
		"reply 550 5.7.1 Email rejected per DMARC policy for "
		"sub.example.com",
		"note_set dmarc.org-domain=example.com" } },
	{ .about = "the domain asks to quarantine",
	    .headers = FROM("a@q.example"),
	    .notes = { SPF("fail", "x.example") },
	    .want = MR_QUARANTINE,
	    .lines = { "symbol DMARC_QUARANTINE 0.00",
		"quarantine DMARC policy of q.example",
		"auth_property policy.dmarc=quarantine" } },
	{ .about = "the domain asks for nothing",
	    .headers = FROM("a@none.example"),
	    .notes = { SPF("fail", "x.example") },
	    .lines = { "symbol DMARC_NONE 0.50", "auth_result dmarc=fail",
		"auth_property policy.dmarc=none" },
	    .not = "reply" },
	{ .about = "no record",
	    .headers = FROM("a@nobody.example"),
	    .notes = { SPF("fail", "x.example") },
	    .lines = { "symbol DMARC_NO_POLICY 0.00 from=nobody.example",
		"auth_result dmarc=none",
		"auth_property header.from=nobody.example" },
	    .not = "auth_property policy" },
	{ .about = "a bad record",
	    .headers = FROM("a@bad.example"),
	    .notes = { SPF("pass", "bad.example") },
	    .lines = { "symbol DMARC_PERMERROR 0.00",
		"auth_result dmarc=permerror reason=its policy" },
	    .not = "auth_property policy" },
	{ .about = "no answer",
	    .headers = FROM("a@slow.example"),
	    .notes = { SPF("pass", "slow.example") },
	    .want = MR_ERROR,
	    .lines = { "symbol DMARC_TEMPERROR 0.00 from=slow.example",
		"auth_result dmarc=temperror reason=the test says so",
		"note_set dmarc.result=temperror" } },
	{ .about = "no answer, and who cares",
	    .headers = FROM("a@slow.example"),
	    .notes = { SPF("pass", "slow.example") },
	    .set = { { "temperror", "score" }, { "temperror-score", "1" } },
	    .lines = { "symbol DMARC_TEMPERROR 1.00" } },

	/* the operator's actions */
	{ .about = "reject becomes a score",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "reject", "score" }, { "reject-score", "4" } },
	    .lines = { "symbol DMARC_REJECT 4.00 from=example.com "
		       "disposition=none",
		"auth_property policy.dmarc=none",
		"note_set dmarc.disposition=none",
		"note_set dmarc.policy=reject" },
	    .not = "reply" },
	{ .about = "reject becomes tempfail",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "reject", "tempfail" }, { "reply", "Not {domain}!" } },
	    .want = MR_TEMPFAIL,
	    .lines = { "reply 451 4.7.1 Not example.com!" } },
	{ .about = "reject becomes accept",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "reject", "accept" } },
	    .lines = { "symbol DMARC_REJECT 0.00" },
	    .not = "reply" },
	{ .about = "an override of the domain",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "overrides", "example.com score 2.5" } },
	    .lines = { "symbol DMARC_REJECT 2.50 from=example.com "
		       "disposition=none" },
	    .not = "reply" },
	{ .about = "an override that is harder than the domain",
	    .headers = FROM("a@none.example"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "overrides", ".example reject" } },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_NONE 0.00 from=none.example "
		       "disposition=reject" } },
	{ .about = "an override is for failures only",
	    .headers = FROM("a@none.example"),
	    .notes = { SPF("pass", "none.example") },
	    .set = { { "overrides", ".example reject" } },
	    .lines = { "symbol DMARC_PASS" },
	    .not = "reply" },
	{ .about = "a forwarder by its signature",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example"), DKIM("pass", "fwd.example") },
	    .set = { { "trusted-forwarders", "fwd.example" } },
	    .lines = { "symbol DMARC_REJECT 0.00 from=example.com "
		       "disposition=none" },
	    .not = "reply" },
	{ .about = "not if the signature is broken",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example"), DKIM("fail", "fwd.example") },
	    .set = { { "trusted-forwarders", "fwd.example" } },
	    .want = MR_REJECT },
	{ .about = "a forwarder by its address",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "trusted-forwarders", "192.0.2.0/24 quarantine" } },
	    .want = MR_QUARANTINE },
	{ .about = "a mailing list",
	    .headers = { { "From", "a@example.com" },
		{ "List-Id", "<l.lists.example>" } },
	    .notes = { SPF("pass", "lists.example") },
	    .set = { { "mailing-lists", "lists.example" } },
	    .lines = { "symbol DMARC_REJECT 0.00 from=example.com "
		       "disposition=none" } },
	{ .about = "a list without a List-Id is none",
	    .headers = FROM("a@example.com"),
	    .notes = { SPF("pass", "lists.example") },
	    .set = { { "mailing-lists", "lists.example" } },
	    .want = MR_REJECT },

	/* From */
	{ .about = "two domains: the gravest",
	    .headers = FROM("a@none.example, b@example.com, c@q.example"),
	    .notes = { SPF("fail", "x.example") },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_NONE", "symbol DMARC_REJECT",
		"symbol DMARC_QUARANTINE",
		"auth_property header.from=none.example",
		"auth_property header.from=q.example",
		"note_set dmarc.domain=example.com" } },
	{ .about = "one of two passes: that is not enough",
	    .headers = FROM("a@example.com, b@none.example"),
	    .notes = { SPF("pass", "example.com") },
	    .lines = { "symbol DMARC_PASS", "symbol DMARC_NONE",
		"note_set dmarc.result=fail",
		"note_set dmarc.domain=none.example" } },
	{ .about = "two From fields",
	    .headers = { { "From", "a@none.example" },
		{ "From", "b@example.com" } },
	    .notes = { SPF("pass", "none.example") },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_PASS", "symbol DMARC_REJECT" } },
	{ .about = "several domains are not wanted",
	    .headers = FROM("a@none.example, b@example.com"),
	    .notes = { SPF("pass", "none.example") },
	    .set = { { "several-domains", "reject" } },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_SEVERAL_DOMAINS",
		"reply 550 5.7.1 Addresses of several domains",
		"auth_result dmarc=permerror" } },
	{ .about = "several addresses of one domain are fine",
	    .headers = FROM("a@example.com, b@EXAMPLE.com"),
	    .notes = { SPF("pass", "example.com") },
	    .set = { { "several-domains", "reject" } },
	    .lines = { "symbol DMARC_PASS" } },
	{ .about = "too many domains",
	    .headers = FROM("a@a.example, a@b.example, a@c.example, "
			    "a@d.example, a@e.example"),
	    .notes = { SPF("fail", "x.example") },
	    .lines = { "symbol DMARC_NO_DOMAIN 2.00 too many domains" } },
	{ .about = "no From",
	    .headers = { { "Subject", "x" } },
	    .notes = { SPF("fail", "x.example") },
	    .set = { { "no-domain", "reject" } },
	    .want = MR_REJECT,
	    .lines = { "symbol DMARC_NO_DOMAIN 0.00 no From field",
		"auth_result dmarc=permerror reason=no From field",
		"reply 550 5.7.1 Email rejected per DMARC policy for the "
		"domain in From" } },
	{ .about = "From is nonsense",
	    .headers = FROM("root"),
	    .notes = { SPF("fail", "x.example") },
	    .lines = { "symbol DMARC_NO_DOMAIN 2.00 From is no list" } },
	{ .about = "a literal",
	    .headers = FROM("a@[192.0.2.1]"),
	    .notes = { SPF("fail", "x.example") },
	    .lines = { "symbol DMARC_NO_DOMAIN 2.00 no domain in From" } },
	{ .about = "half of From is nonsense",
	    .headers = FROM("root, a@example.com"),
	    .notes = { SPF("fail", "x.example") },
	    .want = MR_REJECT },

	/* who has not run */
	{ .about = "nobody has run",
	    .headers = FROM("a@example.com"),
	    .lines = { "symbol DMARC_UNCHECKED" },
	    .not = "auth_result" },
	{ .about = "only DKIM has, and there is no signature",
	    .headers = FROM("a@example.com"),
	    .notes = { { "dkim.count", "0" }, { "dkim.result", "none" } },
	    .want = MR_REJECT },
};

static void
tell_dns(struct fake *f)
{
	static const char *const records[][2] = {
		{ "_dmarc.example.com",
		    "v=DMARC1; p=reject; rua=mailto:d@example.com" },
		{ "_dmarc.q.example", "v=DMARC1; p=quarantine" },
		{ "_dmarc.none.example", "v=DMARC1; p=none" },
		{ "_dmarc.bad.example", "v=DMARC1; p=bad" },
	};

	for (size_t i = 0; i < COUNT(records); i++)
		fake_dns(f, records[i][0], MR_DNS_TXT, records[i][1]);
	fake_dns_status(f, "_dmarc.slow.example", MR_DNS_TXT, MR_DNS_TEMPFAIL);
}

/* A message up to the end of its header. */
static mr_verdict
begin(struct fake *f, const char *const headers[HEADERS][2])
{
	mr_verdict v;

	tell_dns(f);
	fake_connect(f);
	fake_helo(f, "mx.example.org");
	fake_mail(f, "s@x.example");
	fake_rcpt(f, "r@here.example");
	for (size_t i = 0; i < HEADERS && headers[i][0] != NULL; i++)
		fake_header(f, headers[i][0], headers[i][1]);
	v = fake_eoh(f);
	return v;
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;
		mr_verdict v;

		fake_init(&f, &mr_plugin_dmarc);
		/* The real one: From is its business. */
		fake_service(&f, MR_ADDRESS_SERVICE, address_service.table);
		for (size_t o = 0; o < OPTIONS && s->set[o].name != NULL; o++)
			fake_set(&f, s->set[o].name, s->set[o].text);
		if (!fake_open(&f))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		v = begin(&f, s->headers);
		assert_int_equal(v, MR_CONTINUE);
		for (size_t n = 0; n < NOTES && s->notes[n][0] != NULL; n++)
			fake_note(&f, s->notes[n][0], s->notes[n][1]);
		v = fake_eom(&f);
		if (v != s->want)
			fail_msg("%s: verdict %d\n%s", s->about, v,
			    fake_transcript(&f));
		for (size_t l = 0; l < LINES && s->lines[l] != NULL; l++)
			if (!fake_did(&f, s->lines[l]))
				fail_msg("%s: no \"%s\"\n%s", s->about,
				    s->lines[l], fake_transcript(&f));
		if (s->not != NULL && fake_did(&f, s->not ))
			fail_msg("%s: \"%s\"\n%s", s->about, s->not,
			    fake_transcript(&f));
		if (fake_did(&f, "misbehaves"))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		fake_finish(&f);
	}
}

/* What a report is made of stands in the symbol. */
static void
test_evidence(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@example.com" } };
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_dmarc);
	fake_set(&f, "reject", "quarantine");
	assert_true(fake_open(&f));
	begin(&f, from);
	fake_note(&f, "spf.result", "softfail");
	fake_note(&f, "spf.domain", "x.example");
	fake_note(&f, "dkim.count", "3");
	fake_note(&f, "dkim.1.result", "fail");
	fake_note(&f, "dkim.1.domain", "example.com");
	fake_note(&f, "dkim.1.selector", "s;1");
	fake_note(&f, "dkim.2.result", "pass");
	fake_note(&f, "dkim.2.domain", "y.example");
	fake_note(&f, "dkim.2.selector", "s2");
	fake_note(&f, "dkim.3.result", "pass");
	fake_note(&f, "dkim.3.domain", "not a name");
	fake_note(&f, "dkim.3.selector", "s3");
	assert_int_equal(fake_eom(&f), MR_QUARANTINE);
	assert_true(fake_did(&f,
	    "symbol DMARC_REJECT 0.00 from=example.com disposition=quarantine "
	    "spf=fail dkim=fail domain=example.com p=reject adkim=r aspf=r "
	    "fo=0 t=n method=treewalk rua=yes org=example.com "
	    "envelope=x.example spf-result=softfail reason=local_policy "
	    "sig=pass;y.example;s2 sig=fail;example.com;s%3B1"));
	fake_finish(&f);
}

/* The DNS is asked for all that a walk needs when the header is there. */
static void
test_prefetch(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@a.b.example.com" } };
	static const char *const walk[] = { "_dmarc.a.b.example.com",
		"_dmarc.b.example.com", "_dmarc.example.com", "_dmarc.com" };
	struct fake f;

	(void)state;
	for (int psl = 0; psl < 2; psl++) {
		fake_init(&f, &mr_plugin_dmarc);
		if (psl)
			fake_set(&f, "organizational-domain", "psl");
		assert_true(fake_open(&f));
		begin(&f, from);
		for (int i = 0; i < 4; i++) {
			bool wanted = !psl || i == 0 || i == 2;

			assert_int_equal(
			    fake_dns_prefetched(&f, walk[i], MR_DNS_TXT),
			    wanted);
			assert_int_equal(
			    fake_dns_asked(&f, walk[i], MR_DNS_TXT), 0);
		}
		fake_finish(&f);
	}
}

/* By the public suffix list: no walk, and what it finds. */
static void
test_list(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@a.b.example.com" } };
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_dmarc);
	fake_set(&f, "organizational-domain", "psl");
	assert_true(fake_open(&f));
	begin(&f, from);
	fake_note(&f, "spf.result", "pass");
	fake_note(&f, "spf.domain", "other.example.com");
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_true(fake_did(&f,
	    "symbol DMARC_PASS 0.00 from=a.b.example.com disposition=pass "
	    "spf=pass dkim=fail domain=example.com p=reject adkim=r aspf=r "
	    "fo=0 t=n method=psl"));
	assert_int_equal(
	    fake_dns_asked(&f, "_dmarc.b.example.com", MR_DNS_TXT), 0);
	fake_finish(&f);
}

/* np= needs to know whether the name is there: only then it is asked for. */
static void
test_existence(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@typo.np.example" } };
	struct fake f;

	(void)state;
	for (int there = 0; there < 2; there++) {
		fake_init(&f, &mr_plugin_dmarc);
		assert_true(fake_open(&f));
		fake_dns(&f, "_dmarc.np.example", MR_DNS_TXT,
		    "v=DMARC1; p=none; np=reject");
		if (there)
			fake_dns(&f, "typo.np.example", MR_DNS_TXT, "here");
		begin(&f, from);
		fake_note(&f, "spf.result", "fail");
		fake_note(&f, "spf.domain", "x.example");
		assert_int_equal(fake_eom(&f), there ? MR_CONTINUE : MR_REJECT);
		fake_finish(&f);
	}
}

/* Signatures for many sub-domains: there is an end to what is asked. */
static void
test_look_up_limit(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@example.com" } };
	char key[40], value[100];
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_dmarc);
	assert_true(fake_open(&f));
	begin(&f, from);
	fake_note(&f, "dkim.count", "20");
	for (int i = 1; i <= 14; i++) {
		snprintf(key, sizeof(key), "dkim.%d.result", i);
		fake_note(&f, key, "pass");
		snprintf(key, sizeof(key), "dkim.%d.domain", i);
		snprintf(value, sizeof(value), "a.b.c.d.e%d.example.com", i);
		fake_note(&f, key, value);
	}
	/* What was found out before is enough here. */
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_true(fake_did(&f, "symbol DMARC_PASS"));
	assert_int_equal(
	    fake_dns_asked(&f, "_dmarc.e14.example.com", MR_DNS_TXT), 0);
	fake_finish(&f);
}

static const struct spared_case {
	const char *addr, *login, *option, *text;
	bool spared;
} spared[] = {
	{ "192.0.2.1", NULL, NULL, NULL, false },
	{ "192.0.2.1", "alice", NULL, NULL, true },
	{ "192.0.2.1", "alice", "skip-authenticated", "false", false },
	{ "127.0.0.1", NULL, NULL, NULL, true },
	{ "::1", NULL, NULL, NULL, true },
	{ "local", NULL, NULL, NULL, true },
	{ "unknown", NULL, NULL, NULL, true },
	{ "192.0.2.9", NULL, "skip-clients", "192.0.2.0/24", true },
	{ "127.0.0.1", NULL, "skip-clients", "192.0.2.0/24", false },
};

static void
test_spared(void **state)
{
	static const char *const from[HEADERS][2] = { { "From",
	    "a@example.com" } };

	(void)state;
	for (size_t i = 0; i < COUNT(spared); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_dmarc);
		f.client.addr = spared[i].addr;
		f.client.login = spared[i].login;
		if (spared[i].option != NULL)
			fake_set(&f, spared[i].option, spared[i].text);
		assert_true(fake_open(&f));
		if (begin(&f, from) !=
		    (spared[i].spared ? MR_SKIP : MR_CONTINUE))
			fail_msg("%s %s", spared[i].addr, spared[i].login);
		fake_finish(&f);
	}
}

static const struct wrong wrongs[] = {
	{ "overrides", "example.com refuse",
	    "config_error overrides: entry \"example.com\": the value must "
	    "begin with accept" },
	{ "overrides", "example.com reject 5",
	    "config_error overrides: entry \"example.com\": only score has" },
	{ "trusted-forwarders", "example.com score x",
	    "config_error trusted-forwarders: entry \"example.com\": the "
	    "score must be" },
	{ "mailing-lists", "example.com score 1e9",
	    "config_error mailing-lists: entry \"example.com\": the score" },
	{ "mailing-lists", "example.com error",
	    "config_error mailing-lists: entry \"example.com\": the value" },
	{ "reply", "", "config_error reply: write one line" },
	{ "reply", "gr\xc3\xbc\xc3\x9f", "config_error reply: write one" },
	{ "report-email", "nobody", "config_error report-email: not a plain" },
	{ "report-email", "a@b.example,c@d.example",
	    "config_error report-email: not a plain" },
	{ "report-sendmail", "sendmail", "config_error report-sendmail: not" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_dmarc, wrongs, COUNT(wrongs));
}

/* Quarantine is declared only if it can happen. */
static void
test_plan(void **state)
{
	struct fake f;

	(void)state;
	for (int never = 0; never < 2; never++) {
		fake_init(&f, &mr_plugin_dmarc);
		if (never)
			fake_set(&f, "quarantine", "score");
		assert_true(fake_open(&f));
		assert_int_equal(
		    (f.plan.actions & MR_ACTION_QUARANTINE) != 0, !never);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_existence),
		cmocka_unit_test(test_look_up_limit),
		cmocka_unit_test(test_spared),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
