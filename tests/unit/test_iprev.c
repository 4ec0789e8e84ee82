/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/iprev/iprev.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define V4       "7.2.0.192.in-addr.arpa"
#define V6                                                                     \
	"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."     \
	"ip6.arpa"

enum { RECORDS = 4 };

static const struct iprev_case {
	const char *about, *addr;
	struct {
		const char *name;
		mr_dns_type type;
		const char *text; /* NULL: a temporary failure */
	} records[RECORDS];
	const char *result, *name; /* NULL: no result at all */
} cases[] = {
	{ "a name that leads back", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_A, "192.0.2.7" } },
	    "pass", "mx.example" },
	{ "the second name and the second address do", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "no.example" },
		{ V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_A, "192.0.2.8" },
		{ "mx.example", MR_DNS_A, "192.0.2.7" } },
	    "pass", "mx.example" },
	{ "IPv6", "2001:db8::7",
	    { { V6, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_AAAA, "2001:db8::7" } },
	    "pass", "mx.example" },
	{ "IPv4 as IPv6", "::ffff:192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_A, "192.0.2.7" } },
	    "pass", "mx.example" },
	{ "another address", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_A, "192.0.2.9" } },
	    "fail", NULL },
	{ "a name that is not there", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" } }, "fail", NULL },
	{ "a name of the other family", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_AAAA, "2001:db8::7" } },
	    "fail", NULL },
	{ "no name", "192.0.2.7", { { NULL, 0, NULL } }, "permerror", NULL },
	{ "another type only", "192.0.2.7", { { V4, MR_DNS_TXT, "x" } },
	    "permerror", NULL },
	{ "the reverse zone is dead", "192.0.2.7", { { V4, MR_DNS_PTR, NULL } },
	    "temperror", NULL },
	{ "the forward zone is dead", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "mx.example" },
		{ "mx.example", MR_DNS_A, NULL } },
	    "temperror", NULL },
	{ "one is dead, another passes", "192.0.2.7",
	    { { V4, MR_DNS_PTR, "dead.example" },
		{ V4, MR_DNS_PTR, "mx.example" },
		{ "dead.example", MR_DNS_A, NULL },
		{ "mx.example", MR_DNS_A, "192.0.2.7" } },
	    "pass", "mx.example" },
	{ "a name that is none", "192.0.2.7", { { V4, MR_DNS_PTR, "a..b" } },
	    "fail", NULL },
	{ "no address", "unknown", { { NULL, 0, NULL } }, NULL, NULL },
	{ "a unix socket", "local", { { NULL, 0, NULL } }, NULL, NULL },
};

static void
begin(struct fake *f, const struct iprev_case *t)
{
	fake_init(f, &mr_plugin_iprev);
	f->client.addr = t->addr;
	for (size_t i = 0; i < RECORDS && t->records[i].name != NULL; i++)
		if (t->records[i].text != NULL)
			fake_dns(f, t->records[i].name, t->records[i].type,
			    t->records[i].text);
		else
			fake_dns_status(f, t->records[i].name,
			    t->records[i].type, MR_DNS_TEMPFAIL);
}

static void
test_results(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct iprev_case *t = &cases[i];
		char line[200];
		struct fake f;

		begin(&f, t);
		assert_true(fake_open(&f));
		fake_connect(&f);
		fake_helo(&f, "client.example");
		if (t->result == NULL) {
			assert_int_equal(fake_mail(&f, "a@b.example"), MR_SKIP);
			assert_string_equal(fake_transcript(&f), "");
			fake_finish(&f);
			continue;
		}
		assert_int_equal(fake_mail(&f, "a@b.example"), MR_CONTINUE);
		snprintf(line, sizeof(line),
		    "auth_result iprev=%s\nauth_property policy.iprev=%s\n",
		    t->result, t->addr);
		if (strstr(fake_transcript(&f), line) == NULL)
			fail_msg("%s: %s", t->about, fake_transcript(&f));
		snprintf(
		    line, sizeof(line), "note_set iprev.result=%s", t->result);
		assert_true(fake_did(&f, line));
		snprintf(line, sizeof(line), "note_set iprev.name=%s\n",
		    t->name != NULL ? t->name : "");
		assert_int_equal(
		    fake_did(&f, "note_set iprev.name"), t->name != NULL);
		if (t->name != NULL)
			assert_non_null(strstr(fake_transcript(&f), line));
		fake_finish(&f);
	}
}

static const struct {
	const char *option, *value;
	size_t story; /* of cases */
	mr_verdict verdict;
	const char *line;
} policies[] = {
	{ "fail", "reject", 4, MR_REJECT, "reply 550 5.7.25 The reverse name" },
	{ "fail", "tempfail", 4, MR_TEMPFAIL, "reply 450 4.7.25 The reverse" },
	{ "fail", "reject", 7, MR_CONTINUE, "symbol IPREV_PERMERROR 2.00" },
	{ "permerror", "reject", 7, MR_REJECT,
	    "reply 550 5.7.25 Your address" },
	{ "temperror", "tempfail", 9, MR_TEMPFAIL, "reply 450 4.7.25" },
	{ "fail-score", "7", 4, MR_CONTINUE, "symbol IPREV_FAIL 7.00" },
	{ "pass-score", "-1", 0, MR_CONTINUE,
	    "symbol IPREV_PASS -1.00 mx.example" },
};

static void
test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++) {
		struct fake f;

		begin(&f, &cases[policies[i].story]);
		fake_set(&f, policies[i].option, policies[i].value);
		assert_true(fake_open(&f));
		fake_connect(&f);
		assert_int_equal(
		    fake_mail(&f, "a@b.example"), policies[i].verdict);
		if (!fake_did(&f, policies[i].line))
			fail_msg("%s", fake_transcript(&f));
		fake_finish(&f);
	}
}

/* Begun early, asked once a session, and not without end. */
static void
test_questions(void **state)
{
	struct fake f;
	char name[32];

	(void)state;
	begin(&f, &cases[0]);
	assert_true(fake_open(&f));
	fake_connect(&f);
	assert_int_equal(fake_dns_prefetched(&f, V4, MR_DNS_PTR), 1);
	assert_int_equal(fake_dns_asked(&f, V4, MR_DNS_PTR), 0);
	fake_helo(&f, "client.example");
	assert_int_equal(fake_dns_prefetched(&f, "mx.example", MR_DNS_A), 1);
	assert_int_equal(fake_dns_asked(&f, "mx.example", MR_DNS_A), 0);
	fake_mail(&f, "a@b.example");
	fake_mail(&f, "a@b.example");
	assert_int_equal(fake_dns_asked(&f, "mx.example", MR_DNS_A), 1);
	fake_finish(&f);

	begin(&f, &cases[7]);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		fake_dns(&f, V4, MR_DNS_PTR, name);
	}
	assert_true(fake_open(&f));
	fake_connect(&f);
	fake_mail(&f, "a@b.example");
	assert_int_equal(fake_dns_asked(&f, "9.example", MR_DNS_A), 1);
	assert_int_equal(fake_dns_asked(&f, "10.example", MR_DNS_A), 0);
	fake_finish(&f);
}

static void
test_without_dns(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_iprev);
	fake_service(&f, MR_DNS_SERVICE, NULL);
	assert_false(fake_open(&f));
	assert_true(fake_did(&f, "config_error"));
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_without_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
