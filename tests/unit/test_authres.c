/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/authres.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A result of method "m", result "r" with one property; what is written. */
static const struct value_case {
	const char *name, *value, *want;
} values[] = {
	{ "smtp.helo", "mx.example.org", "smtp.helo=mx.example.org" },
	{ "smtp.mailfrom", "user@example.org",
	    "smtp.mailfrom=user@example.org" },
	{ "smtp.mailfrom", "a.b+c=d/e@ex-1.example.org",
	    "smtp.mailfrom=a.b+c=d/e@ex-1.example.org" },
	{ "header.i", "@example.org", "header.i=@example.org" },
	{ "Header.D", "Example.ORG", "header.d=Example.ORG" },
	{ "policy.dmarc", "sub-domain_x", "policy.dmarc=sub-domain_x" },
	{ "header.b", "abc/+=", "header.b=\"abc/+=\"" },
	/* a domain has two labels, none of them empty */
	{ "smtp.mailfrom", "a@localhost", "smtp.mailfrom=\"a@localhost\"" },
	{ "smtp.mailfrom", "a@example.org.",
	    "smtp.mailfrom=\"a@example.org.\"" },
	{ "smtp.mailfrom", "a@.org", "smtp.mailfrom=\"a@.org\"" },
	{ "smtp.mailfrom", "a@-b.org", "smtp.mailfrom=\"a@-b.org\"" },
	{ "smtp.mailfrom", "a@b_c.org", "smtp.mailfrom=\"a@b_c.org\"" },
	{ "smtp.mailfrom", "a@[192.0.2.1]", "smtp.mailfrom=\"a@[192.0.2.1]\"" },
	{ "smtp.mailfrom", ".a@b.org", "smtp.mailfrom=\".a@b.org\"" },
	{ "smtp.mailfrom", "a..b@b.org", "smtp.mailfrom=\"a..b@b.org\"" },
	{ "smtp.mailfrom", "a.@b.org", "smtp.mailfrom=\"a.@b.org\"" },
	{ "smtp.mailfrom", "a@b@b.org", "smtp.mailfrom=\"a@b@b.org\"" },
	{ "smtp.mailfrom", "@", "smtp.mailfrom=\"@\"" },
	{ "smtp.mailfrom", "\"a b\"@b.org",
	    "smtp.mailfrom=\"\\\"a b\\\"@b.org\"" },
	{ "policy.iprev", "192.0.2.1", "policy.iprev=192.0.2.1" },
	{ "policy.iprev", "2001:db8::1", "policy.iprev=\"2001:db8::1\"" },
	/* what would say more than it should */
	{ "smtp.helo", "a; dkim=pass", "smtp.helo=\"a; dkim=pass\"" },
	{ "smtp.helo", "a\"; dkim=pass", "smtp.helo=\"a\\\"; dkim=pass\"" },
	{ "smtp.helo", "a\\", "smtp.helo=\"a\\\\\"" },
	{ "smtp.helo", "a (b", "smtp.helo=\"a (b\"" },
	{ "smtp.helo", "a\r\nBcc: b", "smtp.helo=\"a??Bcc: b\"" },
	{ "smtp.helo", "a\tb\x7f", "smtp.helo=\"a?b?\"" },
	{ "smtp.helo", "\xc3\xbc.example", "smtp.helo=\"??.example\"" },
	/* left out */
	{ "smtp.mailfrom", "", NULL },
	{ "header.d", "", NULL },
	{ "smtp.helo", NULL, NULL },
};

static void
test_values(void **state)
{
	struct arena *arena = arena_create(256);

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		const struct mr_auth_property p = { values[i].name,
			values[i].value };
		struct authres_result r;
		const char *why, *want = "id;\n\tm=r";

		assert_true(
		    authres_check(arena, "m", "r", NULL, &p, 1, &r, &why));
		assert_int_equal(r.count, values[i].want != NULL);
		if (values[i].want != NULL)
			want =
			    arena_printf(arena, "%s %s", want, values[i].want);
		assert_string_equal(authres_build(arena, "id", &r, 1), want);
	}
	arena_destroy(&arena);
}

static const struct check_case {
	const char *method, *result, *property;
	bool ok;
} checks[] = {
	{ "spf", "pass", "smtp.mailfrom", true },
	{ "DKIM", "Pass", "HEADER.d", true },
	{ "x-my-3", "hardfail", "policy.x-y", true },
	{ "", "pass", "a.b", false },
	{ NULL, "pass", "a.b", false },
	{ "spf", "", "a.b", false },
	{ "spf", NULL, "a.b", false },
	{ "none", "pass", "a.b", false },
	{ "None", "pass", "a.b", false },
	{ "spf", "none", "a.b", true },
	{ "-spf", "pass", "a.b", false },
	{ "spf-", "pass", "a.b", false },
	{ "s pf", "pass", "a.b", false },
	{ "s_pf", "pass", "a.b", false },
	{ "spf/1", "pass", "a.b", false },
	{ "spf;", "pass", "a.b", false },
	{ "spf", "pass (x)", "a.b", false },
	{ "spf", "pass\n", "a.b", false },
	{ "spf", "p\xc3\xa4ss", "a.b", false },
	{ "spf", "pass", "ab", false },
	{ "spf", "pass", ".b", false },
	{ "spf", "pass", "a.", false },
	{ "spf", "pass", "a.b.c", false },
	{ "spf", "pass", "a.b=c", false },
	{ "spf", "pass", "a b.c", false },
	{ "spf", "pass", "", false },
	{ "spf", "pass", NULL, false },
};

static void
test_checks(void **state)
{
	struct arena *arena = arena_create(256);

	(void)state;
	for (size_t i = 0; i < COUNT(checks); i++) {
		const struct check_case *c = &checks[i];
		const struct mr_auth_property p = { c->property, "v" };
		struct authres_result r = { .count = 7 };
		const char *why = NULL;

		assert_int_equal(authres_check(arena, c->method, c->result, "",
				     &p, 1, &r, &why),
		    c->ok);
		assert_int_equal(why == NULL, c->ok);
		assert_int_equal(r.count, c->ok ? 1 : 7);
		assert_null(r.reason);
	}
	arena_destroy(&arena);
}

static void
test_check_edges(void **state)
{
	struct arena *arena = arena_create(256);
	char value[322], method[66];
	struct mr_auth_property p = { "a.b", value };
	struct authres_result r;
	const char *why = NULL;

	(void)state;
	memset(value, 'x', sizeof(value));
	value[321] = '\0';
	memset(method, 'm', sizeof(method));
	method[65] = '\0';
	assert_true(authres_check(arena, "m", "r", NULL, &p, 1, &r, &why));
	assert_int_equal(r.count, 0);
	value[320] = '\0';
	assert_true(authres_check(arena, "m", "r", NULL, &p, 1, &r, &why));
	assert_int_equal(r.count, 1);
	value[0] = 'y';
	assert_int_equal(r.properties[0].value[0], 'x');
	assert_true(authres_check(arena, "M", "R", "W", NULL, 0, &r, &why));
	assert_string_equal(r.method, "m");
	assert_string_equal(r.result, "r");
	assert_string_equal(r.reason, "W");
	assert_false(authres_check(arena, "m", "r", NULL, NULL, 1, &r, &why));
	assert_false(
	    authres_check(arena, method, "r", NULL, NULL, 0, &r, &why));
	assert_true(
	    authres_check(arena, method + 1, "r", NULL, NULL, 0, &r, &why));
	arena_destroy(&arena);
}

static void
test_field(void **state)
{
	static const struct authres_property spf[] = {
		{ "smtp.mailfrom", "user@example.org" },
		{ "smtp.helo", "mail-out-17.cluster-3.example.org" },
	};
	static const struct authres_property dkim[] = {
		{ "header.d", "example.org" },
		{ "header.i", "a-long-identity@department.example.org" },
		{ "header.s", "selector-2026" },
		{ "header.b", "dzdVyOfA" },
	};
	static const struct authres_result results[] = {
		{ "spf", "pass", NULL, spf, 2, "spf" },
		{ "dkim", "fail", "body hash did \"not\" verify; sorry", dkim,
		    4, "dkim" },
		{ "dmarc", "none", NULL, NULL, 0, "dmarc" },
	};
	static const char want[] =
	    "mx.example.com;\n"
	    "\tspf=pass smtp.mailfrom=user@example.org\n"
	    "\tsmtp.helo=mail-out-17.cluster-3.example.org;\n"
	    "\tdkim=fail reason=\"body hash did \\\"not\\\" verify; sorry\"\n"
	    "\theader.d=example.org "
	    "header.i=a-long-identity@department.example.org\n"
	    "\theader.s=selector-2026 header.b=dzdVyOfA;\n"
	    "\tdmarc=none";
	struct arena *arena = arena_create(256);

	(void)state;
	assert_string_equal(
	    authres_build(arena, "mx.example.com", results, 3), want);
	assert_string_equal(authres_build(arena, "mx.example.com", NULL, 0),
	    "mx.example.com; none");
	arena_destroy(&arena);
}

/* 78 columns with the ";" that may follow; a tab is 8. */
static void
test_width(void **state)
{
	struct arena *arena = arena_create(256);
	char value[101] = "";

	(void)state;
	for (size_t n = 1; n < sizeof(value); n++) {
		struct authres_property p = { "a.b", value };
		struct authres_result r[] = { { "m", "r", NULL, &p, 1, "p" },
			{ "s", "t", NULL, NULL, 0, "p" } };

		value[n - 1] = 'x';
		assert_string_equal(authres_build(arena, "id", r, 2),
		    arena_printf(arena, "id;\n\tm=r%sa.b=%s;\n\ts=t",
			n <= 61 ? " " : "\n\t", value));
	}
	arena_destroy(&arena);
}

static void
test_long_reason(void **state)
{
	struct arena *arena = arena_create(256);
	struct authres_result r = { "m", "r", NULL, NULL, 0, "p" };
	char reason[300];
	const char *value;

	(void)state;
	memset(reason, '"', sizeof(reason));
	reason[299] = '\0';
	r.reason = reason;
	value = authres_build(arena, "id", &r, 1);
	assert_int_equal(
	    strlen(value), strlen("id;\n\tm=r\n\treason=\"\"") + 2 * 200);
	arena_destroy(&arena);
}

/* Ours is mx.example.com. */
static const struct forged_case {
	const char *value;
	bool forged;
} forgeds[] = {
	{ "mx.example.com; none", true },
	{ " mx.example.com;spf=pass", true },
	{ "MX.Example.COM; none", true },
	{ "mx.example.com 1; none", true },
	{ "mx.example.com 2; none", true },
	{ "mx.example.com\n\t;none", true },
	{ "\n\tmx.example.com; none", true },
	{ "\r\n mx.example.com; none", true },
	{ "(c)mx.example.com(c)1(c);none", true },
	{ "(a(b)c\\)\\(\n )mx.example.com; none", true },
	{ "(mx.example.net) mx.example.com; none", true },
	{ "(\\\\)mx.example.com; none", true },
	{ "\"mx.example.com\"; none", true },
	{ "\"mx.example\\.c\\om\"; none", true },
	{ "\"mx.example.\n\tcom\"; none", true },
	{ "\" mx.example.com \"; none", true },
	{ "mx.example.com.; none", true },
	{ "\"mx.example.com.\"; none", true },
	/* somebody else's */
	{ "mx.example.net; none", false },
	{ "mx.example.net;mx.example.com; spf=pass", false },
	{ "mx.example.net 1; none", false },
	{ "mx.example.net (mx.example.com); none", false },
	{ "(mx.example.com) mx.example.net; none", false },
	{ "mx.example.net(c)1(c); none", false },
	{ "\"mx.example.net\" 1; none", false },
	{ "\"mx example net\"; none", false },
	{ "\"a;b\\\"c\"; none", false },
	{ "example.com; none", false },
	{ "mx.example.co; none", false },
	{ "mx.example.comm; none", false },
	{ "x.mx.example.com; none", false },
	{ "mx_example_com; none", false },
	{ "1; none", false },
	{ "mx.example.net.; none", false },
	{ "mx.example.net;", false },
	/* cannot be told */
	{ NULL, true },
	{ "", true },
	{ " \t\n ", true },
	{ ";", true },
	{ "; none", true },
	{ "mx.example.net", true },
	{ "mx.example.net 1", true },
	{ "mx.example.net 2; none", true },
	{ "mx.example.net 01; none", true },
	{ "mx.example.net 11; none", true },
	{ "mx.example.net 1 1; none", true },
	{ "mx.example.net x; none", true },
	{ "mx.example.net 1x; none", true },
	{ "\"mx.example.net\"1; none", true },
	{ "spf=pass smtp.mailfrom=a@example.com; dkim=none", true },
	{ "mx.example.net/1; none", true },
	{ "mx.example.net, mx.example.com; none", true },
	{ "mx (c) .example.com; none", true },
	{ "mx.\n example.com; none", true },
	{ "(open mx.example.net; none", true },
	{ "(a(b)mx.example.net; none", true },
	{ "(a\\)mx.example.net; none", true },
	{ "(a\\", true },
	{ "mx.example.net (open; none", true },
	{ "mx.example.net 1(open; none", true },
	{ ") mx.example.net; none", true },
	{ "\"mx.example.net; none", true },
	{ "\"mx.example.net\\", true },
	{ "\"\"; none", true },
	{ "\" \"; none", true },
	{ "\"mx\".example.net; none", true },
	{ "mx.example.net\"x\"; none", true },
	{ "\"mx\x01.example.net\"; none", true },
	{ "mx\xc2\xa0.example.net; none", true },
	{ "\xef\xbb\xbfmx.example.net; none", true },
	{ "mx\x01; none", true },
	{ "<mx.example.net>; none", true },
};

static void
test_forged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(forgeds); i++) {
		const struct forged_case *c = &forgeds[i];

		if (authres_is_forged(c->value, "mx.example.com") != c->forged)
			fail_msg("%s", c->value);
	}
	assert_true(
	    authres_is_forged("mx.example.com; none", "mx.example.com."));
}

/* Over 4,096 bytes nobody looks. */
static void
test_forged_size(void **state)
{
	char value[4098];

	(void)state;
	memset(value, 'x', sizeof(value));
	memcpy(value, "mx.example.net; ", 16);
	value[4097] = '\0';
	assert_true(authres_is_forged(value, "mx.example.com"));
	value[4096] = '\0';
	assert_false(authres_is_forged(value, "mx.example.com"));
	memset(value, '(', 4096);
	assert_true(authres_is_forged(value, "mx.example.com"));
	memset(value, '"', 1);
	memset(value + 1, 'a', 4095);
	assert_true(authres_is_forged(value, "mx.example.com"));
	memcpy(value + 4094, "\";", 2);
	value[4096] = '\0';
	assert_false(authres_is_forged(value, "mx.example.com"));
}

static const struct id_case {
	const char *id;
	bool ok;
} ids[] = {
	{ "mx.example.com", true },
	{ "localhost", true },
	{ "mx_1", true },
	{ "", false },
	{ NULL, false },
	{ "mx.example.com.", false },
	{ ".example.com", false },
	{ "mx..example.com", false },
	{ "mx example", false },
	{ "[192.0.2.1]", false },
	{ "2001:db8::1", false },
	{ "mx;none", false },
	{ "mx\n", false },
	{ "m\xc3\xbcx", false },
};

static void
test_ids(void **state)
{
	char id[257];

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_int_equal(authres_id_ok(ids[i].id), ids[i].ok);
	memset(id, 'x', sizeof(id));
	id[256] = '\0';
	assert_false(authres_id_ok(id));
	id[255] = '\0';
	assert_true(authres_id_ok(id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_check_edges),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_long_reason),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_size),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
