/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_spf.h"

/* At helo only what keeps the session out counts, and it is logged. */
static void
test_helo_stage(void **state)
{
	static const struct story s = { "helo", { { "helo-stage", "helo" } },
		NULL, NULL, NULL, 0, NULL };
	struct fake f;

	(void)state;
	start(&f, &s);
	assert_int_equal(fake_helo(&f, "h.example"), MR_CONTINUE);
	assert_string_equal(fake_transcript(&f), "");
	assert_int_equal(fake_helo(&f, "forger.example"), MR_REJECT);
	assert_string_equal(fake_transcript(&f),
	    "reply 550 5.7.23 SPF fail: 192.0.2.7 is not allowed to use the "
	    "name forger.example\nlog info SPF_HELO_FAIL identity=helo "
	    "domain=forger.example client=192.0.2.7 term=\"-all\" terms=1 "
	    "voids=0\n");
	fake_finish(&f);
}

static void
test_authenticated(void **state)
{
	static const struct story on = { "on", { { NULL, NULL } }, NULL, NULL,
		NULL, 0, NULL };
	static const struct story off = { "off",
		{ { "skip-authenticated", "false" } }, NULL, NULL, NULL, 0,
		NULL };
	struct fake f;

	(void)state;
	start(&f, &on);
	f.client.login = "alice";
	assert_int_equal(fake_mail(&f, "a@fail.example"), MR_SKIP);
	assert_string_equal(fake_transcript(&f), "");
	fake_finish(&f);
	start(&f, &off);
	f.client.login = "alice";
	assert_int_equal(fake_mail(&f, "a@fail.example"), MR_REJECT);
	fake_finish(&f);
}

/* libspf2 would let it pass, whatever the record says. */
static void
test_loopback(void **state)
{
	static const char *const clients[] = { "127.0.0.9", "::1" };

	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++) {
		struct fake f;

		fake_init(&f, &mr_plugin_spf);
		((struct spf_conf *)f.conf)->skip_clients = NULL;
		f.client.addr = clients[i];
		put_zone(&f);
		assert_true(fake_open(&f));
		assert_int_equal(fake_mail(&f, "a@fail.example"), MR_REJECT);
		fake_finish(&f);
	}
}

/* --- relays --- */

static const struct relay_case {
	const char *received[3];
	const char *want; /* of the transcript at eoh */
	mr_verdict verdict;
} relay_cases[] = {
	{ { "from h.example (x [192.0.2.7]) by relay.example" },
	    "symbol SPF_RELAYED 0.00 192.0.2.7\nsymbol SPF_HELO_PASS",
	    MR_SKIP },
	{ { "from relay2 (y [198.51.100.26]) by relay.example",
	      "from h.example (x [192.0.2.7]) by relay2.example",
	      "from forged (z [203.0.113.1]) by elsewhere" },
	    "symbol SPF_RELAYED 0.00 192.0.2.7\nsymbol SPF_HELO_PASS",
	    MR_SKIP },
	{ { "from forger.example (x [203.0.113.1]) by relay.example" },
	    "symbol SPF_RELAYED 0.00 203.0.113.1\nsymbol SPF_HELO_FAIL",
	    MR_REJECT },
	{ { "by relay.example (Postfix, from userid 0)" },
	    "symbol SPF_RELAY_UNKNOWN", MR_SKIP },
	{ { "from relay2 (y [198.51.100.26]) by relay.example" },
	    "symbol SPF_RELAY_UNKNOWN", MR_SKIP },
	{ { "from b (x [127.0.0.1]) by relay.example" },
	    "symbol SPF_RELAYED 0.00 127.0.0.1\n", MR_SKIP },
	{ { NULL }, "symbol SPF_RELAY_UNKNOWN", MR_SKIP },
};

static void
test_relays(void **state)
{
	static const struct story s = { "relay",
		{ { "relays", "198.51.100.24/29" },
		    { "skip-clients", "127.0.0.0/8" } },
		"198.51.100.25", NULL, NULL, 0, NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(relay_cases); i++) {
		const struct relay_case *c = &relay_cases[i];
		struct fake f;

		start(&f, &s);
		assert_int_equal(fake_helo(&f, "forger.example"), MR_CONTINUE);
		assert_int_equal(fake_mail(&f, "a@pass.example"), MR_CONTINUE);
		assert_string_equal(fake_transcript(&f), "");
		for (size_t k = 0; k < 3 && c->received[k] != NULL; k++)
			fake_header(&f, "Received", c->received[k]);
		if (fake_eoh(&f) != c->verdict)
			fail_msg("%zu: another verdict", i);
		if (!fake_did(&f, c->want) &&
		    strncmp(fake_transcript(&f), c->want, strlen(c->want)))
			fail_msg("%zu:\n%s", i, fake_transcript(&f));
		fake_finish(&f);
	}
}

/* --- time --- */

/* A server that uses up all the time that it is given. */
static const struct mr_dns_answer *
slow_query(struct mr_ctx *c, const char *name, mr_dns_type type, int64_t limit)
{
	struct fake *f = fake_of(c);

	if (f->time_left < 10000) {
		f->time_left -= limit;
		fake_dns_status(f, "late.example", MR_DNS_TXT, MR_DNS_TEMPFAIL);
		return fake_dns_query(c, "late.example", MR_DNS_TXT, limit);
	}
	return fake_dns_query(c, name, type, limit);
}

static void
test_late(void **state)
{
	static const struct mr_dns_service slow = { sizeof(slow),
		fake_dns_prefetch, slow_query, fake_dns_reverse };
	static const struct story s = { "late", { { NULL, NULL } }, NULL, NULL,
		NULL, 0, NULL };
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_spf);
	fake_service(&f, MR_DNS_SERVICE, &slow);
	f.client.addr = "192.0.2.7";
	put_zone(&f);
	assert_true(fake_open(&f));
	fake_forget(&f);
	(void)s;
	f.time_left = 3000;
	assert_int_equal(fake_mail(&f, "a@fail.example"), MR_CONTINUE);
	assert_string_equal(fake_transcript(&f), "");
	assert_true(f.time_left >= 300); /* for the others */
	/* At eom there is time, and an answer. */
	f.time_left = 60000;
	assert_int_equal(fake_eom(&f), MR_REJECT);
	assert_true(fake_did(&f, "symbol SPF_FAIL"));
	/* Or there is none for good. */
	fake_forget(&f);
	f.time_left = 3000;
	assert_int_equal(fake_mail(&f, "a@fail.example"), MR_CONTINUE);
	f.time_left = 5000;
	assert_int_equal(fake_eom(&f), MR_ERROR);
	assert_true(fake_did(&f, "symbol SPF_TEMPERROR"));
	fake_finish(&f);
}

/* --- limits --- */

/* Far behind in a long record, with numbers of five digits. */
static void
test_many_terms(void **state)
{
	enum { NETWORKS = 1500, TERMS = 15 };
	static const struct story s = { "terms",
		{ { "max-terms", "15" }, { "max-voids", "15" },
		    { "permerror", "reject" } },
		"2001:db8::7", NULL, NULL, 0, NULL };
	char *record = calloc(1, NETWORKS * 40 + 400);
	struct fake f;
	size_t n;

	(void)state;
	n = (size_t)sprintf(record, "v=spf1");
	for (int i = 0; i < NETWORKS; i++)
		n +=
		    (size_t)sprintf(record + n, " ip6:2001:db8:%x::/48", i + 1);
	for (int i = 0; i < TERMS; i++)
		n += (size_t)sprintf(record + n, " a:none.example/32//64");
	start(&f, &s);
	fake_dns(&f, "good.example", MR_DNS_TXT, record);
	sprintf(record + n, " a");
	fake_dns(&f, "bad.example", MR_DNS_TXT, record);
	sprintf(record + n, " -all");
	fake_dns(&f, "all.example", MR_DNS_TXT, record);
	fake_mail(&f, "a@good.example");
	assert_true(fake_did(&f, "symbol SPF_NEUTRAL"));
	assert_non_null(strstr(fake_transcript(&f), " terms=15 voids=15"));
	fake_forget(&f);
	fake_mail(&f, "a@bad.example");
	assert_true(fake_did(&f,
	    "reply 550 5.7.24 SPF permerror: more than 15 terms ask the "
	    "DNS"));
	fake_forget(&f);
	fake_mail(&f, "a@all.example");
	assert_true(fake_did(&f, "symbol SPF_FAIL"));
	fake_finish(&f);
	free(record);
}

/* What brings down libspf2's own compiler: CVE-2023-42118. */
static void
test_many_macros(void **state)
{
	static const struct story s = { "macros", { { NULL, NULL } }, NULL,
		NULL, NULL, 0, NULL };
	static const char *const forms[][2] = {
		{ "v=spf1 exists:", ".example -all" },
		{ "v=spf1 x=", " -all" },
		{ "v=spf1 exp=exp.many.example y=", " -all" },
	};
	char *macros = calloc(1, 8000), *record = calloc(1, 9000);
	struct fake f;

	(void)state;
	for (int i = 0; i < 127; i++)
		strcat(macros, "%{l}");
	memset(macros + strlen(macros), 'x', 6000);
	start(&f, &s);
	for (size_t i = 0; i < COUNT(forms); i++) {
		char name[32];

		snprintf(name, sizeof(name), "many%zu.example", i);
		snprintf(
		    record, 9000, "%s%s%s", forms[i][0], macros, forms[i][1]);
		fake_dns(&f, name, MR_DNS_TXT, record);
	}
	fake_dns(&f, "exp.many.example", MR_DNS_TXT, macros);
	assert_int_equal(fake_mail(&f, "a@many0.example"), MR_REJECT);
	assert_int_equal(fake_mail(&f, "a@many1.example"), MR_REJECT);
	assert_int_equal(fake_mail(&f, "a@many2.example"), MR_REJECT);
	assert_true(fake_did(&f, "many2.example explains: aaaaaaa"));
	fake_finish(&f);
	free(macros);
	free(record);
}

static void
test_prefetch(void **state)
{
	static const struct story s = { "prefetch", { { NULL, NULL } }, NULL,
		NULL, NULL, 0, NULL };
	struct fake f;

	(void)state;
	start(&f, &s);
	fake_dns(&f, "many.example", MR_DNS_TXT,
	    "v=spf1 include:%{d2}.x include:a.example include:b.example "
	    "include:%{p}.example -all");
	fake_helo(&f, "h.example");
	assert_int_equal(fake_dns_prefetched(&f, "h.example", MR_DNS_TXT), 1);
	fake_mail(&f, "a@many.example");
	assert_int_equal(
	    fake_dns_prefetched(&f, "many.example", MR_DNS_TXT), 1);
	assert_int_equal(
	    fake_dns_prefetched(&f, "many.example.x", MR_DNS_TXT), 1);
	assert_int_equal(fake_dns_prefetched(&f, "b.example", MR_DNS_TXT), 1);
	fake_finish(&f);
}

/* --- configuration --- */

static const struct open_case {
	struct {
		const char *name, *text;
	} set[2];
	const char *line; /* NULL: it opens */
} open_cases[] = {
	{ { { "policies", "a.example fail=accept" } }, NULL },
	{ { { "policies", "a.example fail=drop" } },
	    "config_error policies: entry \"a.example\": the action after "
	    "the = must be accept" },
	{ { { "records", "a.example v=spf1 -all" } }, NULL },
	{ { { "records", "a.example v=spf1 a:museum" } },
	    "config_error records: entry \"a.example\": a domain does not end "
	    "like a name" },
	{ { { "records", "a.example -all" } },
	    "config_error records: entry \"a.example\": a record begins with "
	    "v=spf1" },
	{ { { "best-guess", "a mx" } }, "config_error best-guess: a record" },
	{ { { "best-guess", "v=spf1 a/24 mx/24 ptr" } }, NULL },
	{ { { "reply", "no {ip}" } }, "config_error reply: after a {" },
	{ { { "forwarder-domains", "localhost" } },
	    "config_error forwarder-domains: \"localhost\" is no domain" },
};

static void
test_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(open_cases); i++) {
		const struct open_case *c = &open_cases[i];
		struct fake f;

		fake_init(&f, &mr_plugin_spf);
		for (size_t k = 0; k < 2 && c->set[k].name != NULL; k++)
			fake_set(&f, c->set[k].name, c->set[k].text);
		if (fake_open(&f) != (c->line == NULL))
			fail_msg("%s: it opens or not", c->set[0].text);
		if (c->line != NULL && !fake_did(&f, c->line))
			fail_msg("%s", fake_transcript(&f));
		fake_finish(&f);
	}
}

static void
test_plan(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_spf);
	assert_true(fake_open(&f));
	assert_int_equal(
	    f.plan.stages, MR_STAGE_HELO | MR_STAGE_MAIL | MR_STAGE_EOM);
	assert_int_equal(f.plan.actions, 0);
	assert_int_equal(f.plan.wants, MR_WANT_AUTH_RESULTS);
	fake_finish(&f);
	fake_init(&f, &mr_plugin_spf);
	fake_set(&f, "relays", "192.0.2.1");
	fake_set(&f, "check-helo", "false");
	fake_set(&f, "received-spf", "true");
	fake_set(&f, "helo-none", "quarantine");
	assert_true(fake_open(&f));
	assert_int_equal(
	    f.plan.stages, MR_STAGE_MAIL | MR_STAGE_EOH | MR_STAGE_EOM);
	assert_int_equal(
	    f.plan.actions, MR_ACTION_ADD_HEADER | MR_ACTION_QUARANTINE);
	assert_int_equal(f.plan.wants, MR_WANT_AUTH_RESULTS | MR_WANT_HEADERS);
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helo_stage),
		cmocka_unit_test(test_authenticated),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_relays),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_many_terms),
		cmocka_unit_test(test_many_macros),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
