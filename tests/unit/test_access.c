/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/access/access.c"
#include "../../plugins/access/entry.c"
#include "../../plugins/access/judge.c"
#include "service/service.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { OPTIONS = 6 };

/*
 * One session: client 192.0.2.1 (mail.example.org), HELO mx.example.org,
 * login alice, from a@example.org to b@example.com and c@example.com, with
 * the Subject "Cheap viagra" (encoded).
 */
struct story {
	const char *about;
	struct {
		const char *name, *text;
	} set[OPTIONS];
	const char *want; /* "stage verdict" where it is not continue */
	const char *lines;
};

static const char *const verdicts[] = { "continue", "skip", "accept", "reject",
	"tempfail", "discard", "quarantine", "error" };

static bool
tell(char *answers, size_t size, const char *stage, mr_verdict v)
{
	size_t n = strlen(answers);

	if (v != MR_CONTINUE)
		snprintf(answers + n, size - n, "%s%s %s", n > 0 ? ", " : "",
		    stage, verdicts[v]);
	/* What ends the questions, of this message or of all. */
	return v == MR_CONTINUE || v == MR_SKIP;
}

/* Stage after stage until a verdict ends it, as the daemon would. */
static void
play(struct fake *f, char *answers, size_t size)
{
	static const char *const to[] = { "b@example.com", "c@example.com" };
	mr_verdict v;

	f->client.name = "mail.example.org";
	if (!tell(answers, size, "connect", fake_connect(f)) ||
	    !tell(answers, size, "helo", fake_helo(f, "mx.example.org")))
		return;
	f->client.login = "alice";
	if (!tell(answers, size, "mail", fake_mail(f, "a@example.org")))
		return;
	for (size_t i = 0; i < COUNT(to); i++) {
		v = fake_rcpt(f, to[i]);
		if (!tell(answers, size, to[i], v) && v != MR_REJECT &&
		    v != MR_TEMPFAIL)
			return;
	}
	if (f->nrecipients == 0 || !tell(answers, size, "data", fake_data(f)))
		return;
	fake_header(f, "From", "a@example.org");
	fake_header(f, "Subject", "=?utf-8?q?Cheap_?=\n =?utf-8?b?dmlhZ3Jh?=");
	fake_header(f, "X-Tag", "forged");
	fake_header(f, "x-tag", "forged twice");
	if (tell(answers, size, "eoh", fake_eoh(f)))
		tell(answers, size, "eom", fake_eom(f));
}

static void
configure(struct fake *f, const struct story *s)
{
	fake_init(f, &mr_plugin_access);
	/* The real one: what it decodes is looked up here. */
	fake_service(f, MR_ADDRESS_SERVICE, address_service.table);
	for (size_t i = 0; i < OPTIONS && s->set[i].name != NULL; i++)
		fake_set(f, s->set[i].name, s->set[i].text);
}

static void
test_stories(const struct story *stories, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct story *s = &stories[i];
		char answers[400] = "";
		struct fake f;

		configure(&f, s);
		if (!fake_open(&f))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		fake_forget(&f);
		play(&f, answers, sizeof(answers));
		if (strcmp(answers, s->want) != 0)
			fail_msg("%s: \"%s\", want \"%s\"", s->about, answers,
			    s->want);
		if (strcmp(fake_transcript(&f), s->lines) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", s->about,
			    fake_transcript(&f), s->lines);
		fake_finish(&f);
	}
}

static const struct story deny_stories[] = {
	{ "no list does nothing", { { NULL, NULL } }, "", "" },
	{ "a client", { { "deny-clients", "192.0.2.0/24" } }, "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "another client", { { "deny-clients", "198.51.100.0/24" } }, "", "" },
	{ "a client with a reply of its own",
	    { { "deny-clients", "192.0.2.0/24 554 5.7.9 Not you" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 554 5.7.9 Not you\n" },
	{ "a text of its own", { { "deny-clients", "192.0.2.0/24 Not you" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 Not you\n" },
	{ "the exact entry wins",
	    { { "deny-clients", "192.0.2.0/24 Net" },
		{ "deny-clients", "192.0.2.1 Host" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 Host\n" },
	{ "a reverse name", { { "deny-names", ".example.org" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-names mail.example.org\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "a HELO", { { "deny-helos", "mx.example.org" } }, "helo reject",
	    "symbol ACCESS_DENY 0.00 deny-helos mx.example.org\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "a sender", { { "deny-senders", "@example.org" } }, "mail reject",
	    "symbol ACCESS_DENY 0.00 deny-senders a@example.org\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "a login", { { "deny-logins", "alice 535 Bye" } }, "mail reject",
	    "symbol ACCESS_DENY 0.00 deny-logins alice\n"
	    "reply 535 5.7.1 Bye\n" },
	{ "one recipient is refused, the other not",
	    { { "deny-recipients", "b@example.com 551 5.1.6 Moved" } },
	    "b@example.com reject",
	    "symbol ACCESS_DENY 0.00 deny-recipients b@example.com\n"
	    "reply 551 5.1.6 Moved\n" },
	{ "each recipient has its symbol",
	    { { "deny-recipients", "@example.com" } },
	    "b@example.com reject, c@example.com reject",
	    "symbol ACCESS_DENY 0.00 deny-recipients b@example.com\n"
	    "reply 550 5.7.1 Access denied\n"
	    "symbol ACCESS_DENY 0.00 deny-recipients c@example.com\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "a header, unfolded and decoded",
	    { { "deny-headers", "\"subject: *VIAGRA*\" 550 5.7.1 No pills" } },
	    "eoh reject",
	    "symbol ACCESS_DENY 0.00 deny-headers Subject\n"
	    "reply 550 5.7.1 No pills\n" },
	{ "the pattern is of the whole field",
	    { { "deny-headers", "\"Subject: viagra\"" },
		{ "deny-headers", "viagra" } },
	    "", "" },
	{ "the default reply may have a code",
	    { { "deny-senders", "*" }, { "reply", "552 5.3.0 Full" } },
	    "mail reject",
	    "symbol ACCESS_DENY 0.00 deny-senders a@example.org\n"
	    "reply 552 5.3.0 Full\n" },
};

static void
test_deny(void **state)
{
	(void)state;
	test_stories(deny_stories, COUNT(deny_stories));
}

static const struct story how_stories[] = {
	{ "tempfail", { { "deny-senders", "*" }, { "deny-with", "tempfail" } },
	    "mail tempfail",
	    "symbol ACCESS_DENY 0.00 deny-senders a@example.org\n"
	    "reply 451 4.7.1 Access denied\n" },
	{ "a code beats deny-with", { { "deny-senders", "* 450 4.2.0 Later" } },
	    "mail tempfail",
	    "symbol ACCESS_DENY 0.00 deny-senders a@example.org\n"
	    "reply 450 4.2.0 Later\n" },
	{ "a client is discarded when there is a message",
	    { { "deny-clients", "192.0.2.1" }, { "deny-with", "discard" } },
	    "mail discard",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n" },
	{ "a code is told at once, whatever deny-with says",
	    { { "deny-clients", "192.0.2.1 550 No" },
		{ "deny-with", "discard" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 No\n" },
	{ "one recipient is discarded",
	    { { "deny-recipients", "b@example.com" },
		{ "deny-with", "discard" } },
	    "",
	    "symbol ACCESS_DENY 0.00 deny-recipients b@example.com\n"
	    "delete_recipient <b@example.com>\n" },
	{ "a header is discarded",
	    { { "deny-headers", "From:*" }, { "deny-with", "discard" } },
	    "eoh discard", "symbol ACCESS_DENY 0.00 deny-headers From\n" },
	{ "a sender is held",
	    { { "deny-senders", "*" }, { "deny-with", "quarantine" } },
	    "mail quarantine",
	    "symbol ACCESS_DENY 0.00 deny-senders a@example.org\n"
	    "quarantine deny-senders\n" },
	{ "a recipient has the message held, the next is judged",
	    { { "deny-recipients", "b@example.com Look at it" },
		{ "deny-recipients", "c@example.com 550 No" },
		{ "deny-with", "quarantine" } },
	    "c@example.com reject",
	    "symbol ACCESS_DENY 0.00 deny-recipients b@example.com\n"
	    "quarantine Look at it\n"
	    "symbol ACCESS_DENY 0.00 deny-recipients c@example.com\n"
	    "reply 550 5.7.1 No\n" },
};

static void
test_deny_with(void **state)
{
	(void)state;
	test_stories(how_stories, COUNT(how_stories));
}

static const struct story allow_stories[] = {
	{ "a client beats all deny lists",
	    { { "allow-clients", "192.0.2.1" }, { "deny-clients", "*" },
		{ "deny-senders", "*" }, { "deny-recipients", "*" },
		{ "deny-headers", "*" } },
	    "mail skip", "symbol ACCESS_ALLOW 0.00 allow-clients 192.0.2.1\n" },
	{ "at one stage allow is asked first",
	    { { "allow-logins", "alice" }, { "deny-senders", "*" } },
	    "mail skip", "symbol ACCESS_ALLOW 0.00 allow-logins alice\n" },
	{ "a later allow does not help",
	    { { "allow-senders", "*" }, { "deny-clients", "192.0.2.1" } },
	    "connect reject",
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "the chain ends",
	    { { "allow-senders", "*" }, { "allow-ends", "chain" } },
	    "mail accept",
	    "symbol ACCESS_ALLOW 0.00 allow-senders a@example.org\n" },
	{ "a recipient is allowed, the other is not",
	    { { "allow-recipients", "b@example.com" },
		{ "deny-recipients", "*" } },
	    "c@example.com reject",
	    "symbol ACCESS_ALLOW 0.00 allow-recipients b@example.com\n"
	    "symbol ACCESS_DENY 0.00 deny-recipients c@example.com\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "one allowed recipient does not carry the message",
	    { { "allow-recipients", "b@example.com" },
		{ "deny-headers", "From:*" }, { "allow-ends", "chain" } },
	    "eoh reject",
	    "symbol ACCESS_DENY 0.00 deny-headers From\n"
	    "reply 550 5.7.1 Access denied\n" },
	{ "all recipients do",
	    { { "allow-recipients", "@example.com" },
		{ "deny-headers", "From:*" } },
	    "eoh skip",
	    "symbol ACCESS_ALLOW 0.00 allow-recipients c@example.com\n" },
	{ "all recipients end the chain, after the last of them",
	    { { "allow-recipients", "@example.com" },
		{ "allow-ends", "chain" } },
	    "data accept",
	    "symbol ACCESS_ALLOW 0.00 allow-recipients c@example.com\n" },
	{ "a header",
	    { { "allow-headers", "\"From: a@example.org\"" },
		{ "deny-headers", "From:*" } },
	    "eoh skip", "symbol ACCESS_ALLOW 0.00 allow-headers From\n" },
};

static void
test_allow(void **state)
{
	(void)state;
	test_stories(allow_stories, COUNT(allow_stories));
}

static const struct story tag_stories[] = {
	{ "the default score", { { "tag-clients", "192.0.2.0/24" } }, "",
	    "symbol ACCESS_TAG 1.00 tag-clients 192.0.2.1\n" },
	{ "tag-score, and an entry's own",
	    { { "tag-helos", "*" }, { "tag-senders", "a@example.org -2.5" },
		{ "tag-score", "4" } },
	    "",
	    "symbol ACCESS_TAG 4.00 tag-helos mx.example.org\n"
	    "symbol ACCESS_TAG -2.50 tag-senders a@example.org\n" },
	{ "two recipients count once", { { "tag-recipients", "@example.com" } },
	    "", "symbol ACCESS_TAG 1.00 tag-recipients b@example.com\n" },
	{ "a header", { { "tag-headers", "*viagra" } }, "",
	    "symbol ACCESS_TAG 1.00 tag-headers Subject\n" },
	{ "the field names the lists, forged ones go",
	    { { "tag-clients", "*" }, { "tag-logins", "alice" },
		{ "tag-header", "X-Tag" } },
	    "",
	    "delete_header X-Tag 2\n"
	    "delete_header X-Tag 1\n"
	    "symbol ACCESS_TAG 1.00 tag-clients 192.0.2.1\n"
	    "symbol ACCESS_TAG 1.00 tag-logins alice\n"
	    "add_header X-Tag: tag-clients, tag-logins\n" },
	{ "forged ones go when nothing matches",
	    { { "tag-clients", "198.51.100.1" }, { "tag-header", "X-Tag" } },
	    "", "delete_header X-Tag 2\ndelete_header X-Tag 1\n" },
	{ "and of an allowed message, which has no tag",
	    { { "allow-clients", "*" }, { "tag-clients", "*" },
		{ "tag-header", "X-Tag" } },
	    "",
	    "symbol ACCESS_ALLOW 0.00 allow-clients 192.0.2.1\n"
	    "delete_header X-Tag 2\ndelete_header X-Tag 1\n" },
	{ "an allowed recipient brings no tag",
	    { { "allow-recipients", "b@example.com" },
		{ "tag-recipients", "b@example.com" } },
	    "", "" },
};

static void
test_tag(void **state)
{
	(void)state;
	test_stories(tag_stories, COUNT(tag_stories));
}

/* A name that does not resolve back may be refused, but not allowed. */
static void
test_unverified_name(void **state)
{
	static const char *const resolves[] = { "OK", "FAIL", "FORGED" };

	(void)state;
	for (size_t i = 0; i < COUNT(resolves); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_access);
		fake_set(&f, "allow-names", "client.example.com");
		fake_set(&f, "deny-names", "*");
		assert_true(fake_open(&f));
		assert_true(fake_did(&f, "macros 1 {client_resolve}"));
		fake_macro(&f, "{client_resolve}", resolves[i]);
		assert_int_equal(
		    fake_connect(&f), i == 0 ? MR_CONTINUE : MR_REJECT);
		fake_finish(&f);
	}
}

/* The daemon asks an instance with `except-recipients` from rcpt on only. */
static void
test_asked_late(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_access);
	fake_set(&f, "deny-clients", "192.0.2.1");
	fake_set(&f, "deny-helos", "*");
	f.first = MR_STAGE_RCPT;
	assert_true(fake_open(&f));
	assert_int_equal(
	    f.plan.stages, MR_STAGE_CONNECT | MR_STAGE_HELO | MR_STAGE_RCPT);
	f.plan.stages = MR_STAGE_RCPT;
	assert_int_equal(fake_connect(&f), MR_CONTINUE);
	fake_mail(&f, "a@example.org");
	assert_int_equal(fake_rcpt(&f, "b@example.com"), MR_REJECT);
	assert_int_equal(fake_rcpt(&f, "c@example.com"), MR_REJECT);
	assert_string_equal(fake_transcript(&f),
	    "symbol ACCESS_DENY 0.00 deny-clients 192.0.2.1\n"
	    "reply 550 5.7.1 Access denied\n"
	    "reply 550 5.7.1 Access denied\n");
	fake_finish(&f);
}

/* A list file may go bad after open(): the default reply stands in. */
static void
test_value_gone_bad(void **state)
{
	const char **items;
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_access);
	fake_set(&f, "deny-senders", "* 550 fine");
	assert_true(fake_open(&f));
	items = ((const struct access_conf *)f.conf)
		    ->lists[DENY][SENDERS]
		    ->entries.items;
	items[0] = "* 220 bad";
	assert_int_equal(fake_mail(&f, "a@example.org"), MR_REJECT);
	assert_true(fake_did(&f, "log warn deny-senders: the entry for "));
	assert_true(fake_did(&f, "reply 550 5.7.1 Access denied"));
	fake_finish(&f);
}

static const struct wrong wrongs[] = {
	{ "deny-clients", "192.0.2.1 620 x",
	    "config_error deny-clients: entry \"192.0.2.1\": a reply code" },
	{ "deny-headers", "\"Subject: x\" 550 4.1.1 x",
	    "config_error deny-headers: entry \"Subject: x\": the code" },
	{ "tag-clients", "* much",
	    "config_error tag-clients: entry \"*\": the value must be a sco" },
	{ "reply", "450 4.7.1 Later", "config_error reply: the code means" },
	{ "reply", "550 5.7.1", "config_error reply: there is no text" },
	{ "reply", "250 Fine", "config_error reply: a reply code must be" },
	{ "tag-header", "X-Tag:", "config_error tag-header: not a field" },
	{ "tag-header", "", "config_error tag-header: not a field" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_access, wrongs, COUNT(wrongs));
}

static void
test_all_faults_at_once(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_access);
	fake_set(&f, "deny-clients", "192.0.2.1 620 x");
	fake_set(&f, "deny-clients", "192.0.2.2 630 x");
	fake_set(&f, "reply", "550");
	assert_false(fake_open(&f));
	assert_true(fake_did(&f, "config_error deny-clients: entry "
				 "\"192.0.2.1\""));
	assert_true(fake_did(&f, "config_error deny-clients: entry "
				 "\"192.0.2.2\""));
	assert_true(fake_did(&f, "config_error reply"));
	fake_finish(&f);
}

static const struct plan_case {
	const char *name, *text;
	uint32_t stages, actions, wants;
} plan_cases[] = {
	{ "deny-senders", "*", MR_STAGE_MAIL, 0, 0 },
	{ "deny-recipients", "*", MR_STAGE_RCPT, 0, 0 },
	{ "deny-headers", "*", MR_STAGE_EOH, 0, MR_WANT_HEADERS },
	{ "allow-clients", "*", MR_STAGE_MAIL, 0, 0 },
	{ "allow-recipients", "*", 0, 0, 0 },
	{ "tag-clients", "*", MR_STAGE_EOM, 0, 0 },
	{ "tag-headers", "*", MR_STAGE_EOM, 0, MR_WANT_HEADERS },
	{ "tag-header", "X-Tag", 0, 0, 0 },
};

static void
test_plan(void **state)
{
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(plan_cases); i++) {
		fake_init(&f, &mr_plugin_access);
		fake_set(&f, plan_cases[i].name, plan_cases[i].text);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.stages, plan_cases[i].stages);
		assert_int_equal(f.plan.actions, plan_cases[i].actions);
		assert_int_equal(f.plan.wants, plan_cases[i].wants);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deny),
		cmocka_unit_test(test_deny_with),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_unverified_name),
		cmocka_unit_test(test_asked_late),
		cmocka_unit_test(test_value_gone_bad),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
