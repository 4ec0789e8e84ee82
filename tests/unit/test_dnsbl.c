/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/dnsbl/dnsbl.c"
#include "../../plugins/dnsbl/entry.c"
#include "../../plugins/dnsbl/health.c"
#include "../../plugins/dnsbl/subject.c"
#include "service/service.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ZONE     "secret-key.list.example"
#define LIST(w)  "bl " ZONE " " w " 127.0.0.2=LISTED:3 &4=BIT:1.5"
#define OTHER    "other other.example client *=OTHER:-2 untested"

enum { RECORDS = 6 };

/*
 * Client 192.0.2.7, HELO mx.helo.example, sender a@mail.sender.example; a
 * signature of signer.example that is right and one of bad.example that is
 * wrong; links to www.linked.example and to an address.
 */
static const struct story {
	const char *about, *list, *reject_above;
	struct {
		const char *name, *address; /* NULL: a temporary failure */
	} records[RECORDS];
	mr_verdict verdict; /* of mail, else of eom */
	const char *lines;
} stories[] = {
	{ "nothing is listed", LIST("client,helo,sender,dkim,url"), "0",
	    { { NULL, NULL } }, MR_CONTINUE, "" },
	{ "the client", LIST("client"), "0",
	    { { "7.2.0.192." ZONE, "127.0.0.2" } }, MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 192.0.2.7\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "several answers", LIST("client"), "0",
	    { { "7.2.0.192." ZONE, "127.0.0.2" },
		{ "7.2.0.192." ZONE, "127.0.0.4" },
		{ "7.2.0.192." ZONE, "127.0.0.12" } },
	    MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 192.0.2.7\n"
	    "symbol DNSBL_BIT 1.50 192.0.2.7\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "a code without a meaning here", LIST("client"), "0",
	    { { "7.2.0.192." ZONE, "127.0.0.9" } }, MR_CONTINUE, "" },
	{ "the HELO name's domain", LIST("helo"), "0",
	    { { "helo.example." ZONE, "127.0.0.2" },
		{ "mx.helo.example." ZONE, "127.0.0.4" } },
	    MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 helo.example\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "the HELO name itself", LIST("helo-host"), "0",
	    { { "mx.helo.example." ZONE, "127.0.0.2" } }, MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 mx.helo.example\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "the sender's domain", LIST("sender"), "0",
	    { { "sender.example." ZONE, "127.0.0.2" } }, MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 sender.example\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "who signed it, and not who pretends to", LIST("dkim"), "0",
	    { { "signer.example." ZONE, "127.0.0.2" },
		{ "bad.example." ZONE, "127.0.0.4" } },
	    MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 signer.example\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "links, each domain once", LIST("url"), "0",
	    { { "linked.example." ZONE, "127.0.0.2" },
		{ "9.100.51.198." ZONE, "127.0.0.4" } },
	    MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 linked.example\n"
	    "symbol DNSBL_BIT 1.50 198.51.100.9\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "an allow list", OTHER, "0",
	    { { "7.2.0.192.other.example", "127.0.0.1" } }, MR_CONTINUE,
	    "symbol DNSBL_OTHER -2.00 192.0.2.7\n"
	    "note_set dnsbl.lists=other\n" },
	{ "a refusal", LIST("client"), "3",
	    { { "7.2.0.192." ZONE, "127.0.0.2" } }, MR_REJECT,
	    "symbol DNSBL_LISTED 3.00 192.0.2.7\n"
	    "reply 550 5.7.1 Listed by bl\n" },
	{ "too little for a refusal", LIST("client"), "3.5",
	    { { "7.2.0.192." ZONE, "127.0.0.2" } }, MR_CONTINUE,
	    "symbol DNSBL_LISTED 3.00 192.0.2.7\n"
	    "note_set dnsbl.lists=bl\n" },
	{ "a list that fails says nothing", LIST("client"), "1",
	    { { "7.2.0.192." ZONE, NULL } }, MR_CONTINUE, "" },
	{ "a list that refuses", LIST("client"), "1",
	    { { "7.2.0.192." ZONE, "127.255.255.254" } }, MR_CONTINUE,
	    "log warn list bl refuses to answer (127.255.255.x): it is not "
	    "asked for 900 s\n" },
	{ "a name server that invents answers", LIST("client"), "1",
	    { { "7.2.0.192." ZONE, "203.0.113.1" } }, MR_CONTINUE,
	    "log warn list bl answers with an address that means nothing: it "
	    "is not asked for 900 s\n" },
	{ "a list that lists everything", LIST("client"), "1",
	    { { "7.2.0.192." ZONE, "127.0.0.2" },
		{ "1.0.0.127." ZONE, "127.0.0.2" } },
	    MR_CONTINUE,
	    "log warn list bl lists everything: it is not asked for 900 s\n" },
	{ "a list that refuses all there is, its test entries too",
	    "bl gone.example client *=LISTED:3", "1",
	    { { "7.2.0.192.gone.example", "127.255.255.254" },
		{ "1.0.0.127.gone.example", "127.255.255.254" },
		{ "2.0.0.127.gone.example", "127.255.255.254" } },
	    MR_CONTINUE,
	    "log warn list bl refuses to answer (127.255.255.x): it is not "
	    "asked for 900 s\n" },
	{ "a domain that somebody has parked",
	    "bl gone.example client *=LISTED:3", "1",
	    { { "1.0.0.127.gone.example", "203.0.113.1" },
		{ "2.0.0.127.gone.example", "203.0.113.1" } },
	    MR_CONTINUE,
	    "log warn list bl answers with an address that means nothing: it "
	    "is not asked for 900 s\n" },
	{ "a list that has ended", "bl gone.example client *=LISTED:3", "1",
	    { { "7.2.0.192.gone.example", "127.0.0.2" } }, MR_CONTINUE,
	    "log warn list bl lacks its test entry: it is not asked for 900 "
	    "s\n" },
};

static void
begin(struct fake *f, const struct story *s)
{
	fake_init(f, &mr_plugin_dnsbl);
	fake_service(f, MR_ADDRESS_SERVICE, address_service.table);
	fake_set(f, "lists", s->list);
	fake_set(f, "reject-above", s->reject_above);
	/* What every list has (RFC 5782, 5). */
	fake_dns(f, "2.0.0.127." ZONE, MR_DNS_A, "127.0.0.2");
	fake_dns(f, "test." ZONE, MR_DNS_A, "127.0.0.2");
	for (size_t i = 0; i < RECORDS && s->records[i].name != NULL; i++)
		if (s->records[i].address != NULL)
			fake_dns(f, s->records[i].name, MR_DNS_A,
			    s->records[i].address);
		else
			fake_dns_status(
			    f, s->records[i].name, MR_DNS_A, MR_DNS_TEMPFAIL);
	fake_note(f, "dkim.1.result", "fail");
	fake_note(f, "dkim.1.domain", "bad.example");
	fake_note(f, "dkim.2.result", "pass");
	fake_note(f, "dkim.2.domain", "signer.example");
	f->client.addr = "192.0.2.7";
}

static mr_verdict
play(struct fake *f)
{
	mr_verdict v;

	fake_connect(f);
	fake_helo(f, "mx.helo.example");
	if ((v = fake_mail(f, "a@mail.sender.example")) != MR_CONTINUE)
		return v;
	fake_rcpt(f, "b@example.net");
	fake_content_url(f, "http", "www.linked.example", "/", NULL);
	fake_content_url(f, "http", "ftp.linked.example", "/", NULL);
	fake_content_url(f, "http", "198.51.100.9", "/", NULL);
	f->content->urls[0].registered = "linked.example";
	f->content->urls[1].registered = "linked.example";
	return fake_eom(f);
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;

		begin(&f, s);
		if (!fake_open(&f))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		if (play(&f) != s->verdict)
			fail_msg("%s: another verdict", s->about);
		if (strcmp(fake_transcript(&f), s->lines) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", s->about,
			    fake_transcript(&f), s->lines);
		assert_null(strstr(fake_transcript(&f), "secret-key"));
		fake_finish(&f);
	}
}

/* Everything is asked before anything is waited for. */
static void
test_early(void **state)
{
	struct story s = { .list = LIST("client,sender"), .reject_above = "0" };
	struct fake f;

	(void)state;
	begin(&f, &s);
	assert_true(fake_open(&f));
	fake_connect(&f);
	assert_int_equal(
	    fake_dns_prefetched(&f, "7.2.0.192." ZONE, MR_DNS_A), 1);
	assert_int_equal(
	    fake_dns_prefetched(&f, "2.0.0.127." ZONE, MR_DNS_A), 1);
	fake_mail(&f, "a@mail.sender.example");
	assert_int_equal(
	    fake_dns_prefetched(&f, "sender.example." ZONE, MR_DNS_A), 1);
	assert_int_equal(fake_dns_asked(&f, "7.2.0.192." ZONE, MR_DNS_A), 0);
	fake_eom(&f);
	assert_int_equal(fake_dns_asked(&f, "7.2.0.192." ZONE, MR_DNS_A), 1);
	assert_int_equal(fake_dns_asked(&f, "1.0.0.127." ZONE, MR_DNS_A), 1);
	/* The next message: its list has been tested. */
	fake_mail(&f, "a@mail.sender.example");
	fake_eom(&f);
	assert_int_equal(fake_dns_asked(&f, "7.2.0.192." ZONE, MR_DNS_A), 2);
	assert_int_equal(fake_dns_asked(&f, "1.0.0.127." ZONE, MR_DNS_A), 1);
	fake_finish(&f);
}

static void
test_switched_off(void **state)
{
	struct story s = { .list = LIST("client"),
		.reject_above = "0",
		.records = { { "7.2.0.192." ZONE, NULL } } };
	struct fake f;

	(void)state;
	begin(&f, &s);
	fake_set(&f, "errors-max", "3");
	assert_true(fake_open(&f));
	fake_connect(&f);
	for (int i = 0; i < 6; i++) {
		fake_mail(&f, "a@mail.sender.example");
		fake_eom(&f);
	}
	assert_int_equal(fake_dns_asked(&f, "7.2.0.192." ZONE, MR_DNS_A), 3);
	assert_string_equal(fake_transcript(&f),
	    "log warn list bl fails too often: it is not asked for 900 s\n");
	fake_finish(&f);
}

static const struct {
	const char *option, *value, *line;
} wrongs[] = {
	{ "lists", "",
	    "config_error lists: name at least one list, and at most 64" },
	{ "lists", "bl secret-key.example",
	    "config_error lists: list 1 bl: after the zone comes what it is" },
	{ "reply", "two\nlines", "config_error reply: write one line" },
};

static void
test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_dnsbl);
		if (strcmp(wrongs[i].option, "lists") != 0)
			fake_set(&f, "lists", OTHER);
		if (wrongs[i].value[0] != '\0')
			fake_set(&f, wrongs[i].option, wrongs[i].value);
		assert_false(fake_open(&f));
		if (!fake_did(&f, wrongs[i].line))
			fail_msg("%s", fake_transcript(&f));
		assert_null(strstr(fake_transcript(&f), "secret-key"));
		fake_finish(&f);
	}
}

static void
test_plan(void **state)
{
	static const struct {
		const char *list;
		uint32_t wants;
	} rows[] = { { OTHER, 0 },
		{ LIST("client,url"), MR_WANT_HEADERS | MR_WANT_BODY } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_dnsbl);
		fake_set(&f, "lists", rows[i].list);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.wants, rows[i].wants);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
