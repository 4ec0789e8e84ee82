/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/ratelimit/limit.c"
#include "../../plugins/ratelimit/reply.c"
#include "../../plugins/ratelimit/rules.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAILBOX, DOMAIN, TENANT, PLAN, SERVER, KEYS };

static const struct rules_key keys[KEYS] = {
	{ "mailbox", "alice@example.com" },
	{ "domain", "example.com" },
	{ "tenant", "t1" },
	{ "plan", "basic" },
	{ "server", NULL },
};

/*
 * The configuration: 100 messages / 1h, 1 GB / 1d of a mailbox, 1000
 * messages / 1d of a domain, 9 messages / 1m of the server (no value).
 */
static const char *const config[] = { "mailbox: 100 messages / 1h",
	"mailbox: 1 GB / 1d", "domain: 1000 messages / 1d",
	"server: 9 messages / 1m" };

/* "key limit source", as they come out, apart by "; ". */
static const struct story {
	const char *about;
	struct rules_override overrides[4];
	const char *want;
} stories[] = {
	{ "the configuration alone", { { 0 } },
	    "mailbox 100 messages / 1h config; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "a mailbox has more, and inherits the rest",
	    { { MAILBOX, "file", "200 messages / 1h" } },
	    "mailbox 200 messages / 1h file; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "the mailbox wins over its domain",
	    { { MAILBOX, "file", "200 messages / 1h" },
		{ DOMAIN, "file",
		    "mailbox: 50 messages / 1h, mailbox: 2 GB / "
		    "1d" } },
	    "mailbox 200 messages / 1h file; mailbox 2 GB / 1d file; "
	    "domain 1000 messages / 1d config" },
	{ "a plan gives limits to mailboxes",
	    { { PLAN, "sql", "mailbox: 10 messages / 1h" } },
	    "mailbox 10 messages / 1h sql; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "the store before the file before SQL",
	    { { MAILBOX, "store", "1 message / 1h" },
		{ MAILBOX, "file", "2 messages / 1h" },
		{ MAILBOX, "sql", "3 messages / 1h, 3 messages / 1d" } },
	    "mailbox 1 message / 1h store; mailbox 3 messages / 1d sql; "
	    "mailbox 1 GB / 1d config; domain 1000 messages / 1d config" },
	{ "another period is another limit",
	    { { MAILBOX, "file", "5 messages / 1m" } },
	    "mailbox 5 messages / 1m file; mailbox 100 messages / 1h config; "
	    "mailbox 1 GB / 1d config; domain 1000 messages / 1d config" },
	{ "unlimited: counted, not limited; the domain's limit holds",
	    { { MAILBOX, "file", "unlimited" } },
	    "mailbox unlimited messages / 1h config; "
	    "mailbox unlimited bytes / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "an unlimited rate is no limit at all",
	    { { MAILBOX, "file", "unlimited" },
		{ DOMAIN, "file", "mailbox: rate 1 message / 1s" } },
	    "mailbox unlimited messages / 1h config; "
	    "mailbox unlimited bytes / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "unlimited but for what stands beside it",
	    { { MAILBOX, "file", "unlimited, 7 messages / 1d" } },
	    "mailbox 7 messages / 1d file; "
	    "mailbox unlimited messages / 1h config; "
	    "mailbox unlimited bytes / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "a mailbox's own limit counts in an unlimited domain",
	    { { MAILBOX, "file", "5 messages / 1h" },
		{ DOMAIN, "file", "mailbox: unlimited" } },
	    "mailbox 5 messages / 1h file; mailbox unlimited bytes / 1d "
	    "config; domain 1000 messages / 1d config" },
	{ "one unit unlimited",
	    { { MAILBOX, "file", "unlimited messages / 1h" } },
	    "mailbox unlimited messages / 1h file; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "blocked, with the most exact text",
	    { { MAILBOX, "store", "blocked Call us" },
		{ DOMAIN, "file", "blocked No" } },
	    "mailbox 100 messages / 1h config; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config; BLOCKED Call us store" },
	{ "a tenant is blocked", { { TENANT, "sql", "blocked Unpaid" } },
	    "mailbox 100 messages / 1h config; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config; BLOCKED Unpaid sql" },
	{ "what is wrong ends the text, not the rest",
	    { { MAILBOX, "file", "5 messages / 1h, rubbish" },
		{ DOMAIN, "file", "6 messages / 1d" } },
	    "mailbox 5 messages / 1h file; domain 6 messages / 1d file; "
	    "mailbox 1 GB / 1d config" },
	{ "a key without a value has no limits",
	    { { MAILBOX, "file", "server: 5 messages / 1h" } },
	    "mailbox 100 messages / 1h config; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
	{ "an unknown key's limits are nobody's",
	    { { MAILBOX, "file", "planet: 5 messages / 1h" } },
	    "mailbox 100 messages / 1h config; mailbox 1 GB / 1d config; "
	    "domain 1000 messages / 1d config" },
};

static uint32_t
defaults(struct rule *out)
{
	for (uint32_t i = 0; i < COUNT(config); i++) {
		const char *at = config[i];

		out[i] = (struct rule){ .source = "config" };
		assert_null(limit_next(&at, &out[i].limit));
		out[i].key = rules_key_named(
		    keys, KEYS, out[i].limit.key, out[i].limit.key_bytes);
	}
	return COUNT(config);
}

static void
write_rules(char *out, size_t size, const struct rules *r)
{
	char text[LIMIT_PRINT_BYTES];
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < r->count; i++) {
		limit_print(text, &r->items[i].limit);
		n += (size_t)snprintf(out + n, size - n, "%s%s %s %s",
		    i > 0 ? "; " : "", keys[r->items[i].key].name, text,
		    r->items[i].source);
	}
	if (r->blocked.source != NULL)
		snprintf(out + n, size - n, "; BLOCKED %.*s %s",
		    (int)r->blocked.limit.text_bytes, r->blocked.limit.text,
		    r->blocked.source);
}

static void
test_stories(void **state)
{
	struct rule base[RULES_MOST];
	uint32_t nbase = defaults(base);

	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct rules rules;
		char got[1000];
		uint32_t n = 0;

		while (n < 4 && s->overrides[n].text != NULL)
			n++;
		rules_build(&rules, keys, KEYS, base, nbase, s->overrides, n);
		write_rules(got, sizeof(got), &rules);
		if (strcmp(got, s->want) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", s->about, got, s->want);
	}
}

static void
test_squeeze(void **state)
{
	static const struct rules_override o = { MAILBOX, "file",
		"5 messages / 1h, rate 100 messages / 1s burst 50, 0 messages "
		"/ 1m, unlimited messages / 1d" };
	struct rules r;
	char got[1000];

	(void)state;
	rules_build(&r, keys, KEYS, NULL, 0, &o, 1);
	rules_squeeze(&r, 10);
	write_rules(got, sizeof(got), &r);
	assert_string_equal(got,
	    "mailbox 1 message / 1h file; mailbox rate 10 messages / 1s burst "
	    "10 file; mailbox 0 messages / 1m file; mailbox unlimited "
	    "messages / 1d file");
}

static void
test_too_many(void **state)
{
	char text[2000] = "";
	struct rules_override o = { MAILBOX, "file", text };
	struct rules r;

	(void)state;
	for (int i = 1; i <= RULES_MOST + 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s1 message / %ds", i > 1 ? ", " : "", i);
	rules_build(&r, keys, KEYS, NULL, 0, &o, 1);
	assert_int_equal(r.count, RULES_MOST);
	assert_true(r.full);
}

static void
test_counters(void **state)
{
	static const char *const bad[] = { "", "mailbox:a",
		"mailbox:a messages", "mailbox:a messages X1000",
		"mailbox:a mails W1000", "mailbox:a messages W999",
		"mailbox:a messages W", "mailbox:a messages W99999999999999",
		"o mailbox:a b W1000", "mailbox: messages W1000",
		"mailbox:a messages W10x0" };
	static const char *const good[] = {
		"mailbox:alice@example.com messages W3600000",
		"client:2001:db8::/64 bytes R1000", "a:b distinct W86400000",
		"a:b failed W86400000", "a:b recipients W1000"
	};
	struct rules_counter_parts p;
	char out[RULES_COUNTER_BYTES], name[100], value[100];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (rules_counter_parse(bad[i], strlen(bad[i]), &p))
			fail_msg("taken: %s", bad[i]);
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!rules_counter_parse(good[i], strlen(good[i]), &p))
			fail_msg("not taken: %s", good[i]);
		snprintf(name, sizeof(name), "%.*s", (int)p.name_bytes, p.name);
		snprintf(
		    value, sizeof(value), "%.*s", (int)p.value_bytes, p.value);
		assert_int_equal(
		    rules_counter(out, name, value, &p.limit), strlen(good[i]));
		assert_string_equal(out, good[i]);
	}
}

static void
test_replies(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} whens[] = { { 0, "now" }, { 1, "in 1 second" },
		{ 1001, "in 2 seconds" }, { 90000, "in 90 seconds" },
		{ 90001, "in 2 minutes" }, { 3600000, "in 60 minutes" },
		{ 5400001, "in 2 hours" }, { 86400000, "in 24 hours" },
		{ 200000000, "in 3 days" } };
	static const struct reply_facts facts = { "L", "K", "U", "W" };
	char out[REPLY_WHEN_BYTES], text[REPLY_BYTES], longest[REPLY_BYTES * 2];

	(void)state;
	for (size_t i = 0; i < COUNT(whens); i++) {
		reply_when(out, whens[i].ms);
		assert_string_equal(out, whens[i].want);
	}
	assert_null(reply_fault("a {limit} b {key}{used}{when}"));
	assert_non_null(reply_fault("a {limits}"));
	assert_non_null(reply_fault("a\nb"));
	assert_non_null(reply_fault(""));
	reply_build(text, "a {limit} {b {key}{used}{when}", &facts);
	assert_string_equal(text, "a L {b KUW");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[0] = '\n';
	reply_build(
	    text, "{key}", &(struct reply_facts){ "", longest, "", "" });
	assert_int_equal(strlen(text), REPLY_BYTES - 1);
	assert_int_equal(text[0], '?');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_squeeze),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
