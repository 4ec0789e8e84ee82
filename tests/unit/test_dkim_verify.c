/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole way of a signature: the example of RFC 8463, what we sign
 * ourselves, and what the DNS may say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_scene.h"

/* Sign with both kinds, change something, and see what becomes of it. */
static const struct change {
	const char *about;
	const struct sign_rules *rules;
	const char *name, *value; /* a field that is put on top */
	const char *bottom;       /* the same at the bottom */
	const char *subject;      /* instead of the Subject */
	const char *body;         /* instead of the body */
	enum verify_result result;
	const char *reason;
} changes[] = {
	{ "as it is", &plain, NULL, NULL, NULL, NULL, NULL, VERIFY_PASS, "" },
	{ "simple", &simple, NULL, NULL, NULL, NULL, NULL, VERIFY_PASS, "" },
	{ "folded otherwise", &plain, NULL, NULL, NULL, " Is dinner ready?",
	    NULL, VERIFY_PASS, "" },
	{ "folded otherwise, simple", &simple, NULL, NULL, NULL,
	    " Is dinner ready?", NULL, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "blanks in the body", &plain, NULL, NULL, NULL, NULL,
	    "Hi. \r\n\r\nWe lost the game. Are\tyou hungry yet?\r\n\r\n"
	    "Joe.\r\n\r\n\r\n",
	    VERIFY_PASS, "" },
	{ "blanks in the body, simple", &simple, NULL, NULL, NULL, NULL,
	    "Hi. \r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"
	    "Joe.\r\n",
	    VERIFY_FAIL, "the body was changed" },
	{ "one byte of the body", &plain, NULL, NULL, NULL, NULL,
	    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"
	    "Jim.\r\n",
	    VERIFY_FAIL, "the body was changed" },
	{ "one byte of the header", &plain, NULL, NULL, NULL,
	    " Is dinner ready!", NULL, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "the body is gone", &plain, NULL, NULL, NULL, NULL, "", VERIFY_FAIL,
	    "the body was changed" },
	{ "text is added", &plain, NULL, NULL, NULL, NULL,
	    RFC_BODY "Buy this\r\n", VERIFY_FAIL, "the body was changed" },
	{ "a field that nobody signs", &over, "X-Any", " thing", NULL, NULL,
	    NULL, VERIFY_PASS, "" },
	{ "a second From on top", &plain, "From", " evil@example.org", NULL,
	    NULL, NULL, VERIFY_POLICY, "the message has several From fields" },
	{ "a second From, oversigned", &over, "From", " evil@example.org", NULL,
	    NULL, NULL, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a second From below", &over, NULL, NULL, "From", NULL, NULL,
	    VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a second Subject on top", &plain, "Subject", " Buy this", NULL, NULL,
	    NULL, VERIFY_POLICY, "there is a Subject that it does not sign" },
	{ "a second Subject, oversigned", &over, "Subject", " Buy this", NULL,
	    NULL, NULL, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a Reply-To, oversigned", &over, "Reply-To", " evil@example.org",
	    NULL, NULL, NULL, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a bare LF", &plain, NULL, NULL, NULL, NULL, "Hi.\nJoe.\r\n",
	    VERIFY_POLICY, "the body has an LF without CR" },
	{ "a bare CR", &plain, NULL, NULL, NULL, NULL, "Hi.\rJoe.\r\n",
	    VERIFY_POLICY, "the body has a CR without LF" },
};

static void
test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		const struct change *c = &changes[i];
		struct scene s;

		begin(&s);
		sign_with(&s, c->rules, &keys.rsa, "rsa");
		sign_with(&s, c->rules, &keys.ed25519, "ed");
		if (c->name != NULL)
			put_top(&s, c->name, c->value);
		if (c->bottom != NULL)
			put(&s, c->bottom, " evil@example.org");
		for (uint32_t k = 0; c->subject != NULL && k < s.nfields; k++)
			if (strcmp(s.fields[k].value,
				" Is  dinner\n\t ready?") == 0)
				s.fields[k].value = c->subject;
		if (c->body != NULL)
			s.body = c->body;
		check(&s);
		assert_int_equal(s.count, 2);
		want(&s, c->about, 0, c->result, c->reason);
		want(&s, c->about, 1, c->result, c->reason);
		end(&s);
	}
}

/* Bodies whose ends differ, signed and verified with every pair. */
static void
test_bodies(void **state)
{
	static const char *const bodies[] = { "", "\r\n", "\r\n\r\n", " \r\n",
		"a", "a\r\n", "a\r\n\r\n", "a \r\n \r\n", "\r\na\r\n",
		"\t a  b\tc \r\n", "..\r\n.\r\n",
		"a b c d e f  g  h\t\ti\r\n\r\n j\r\n", "caf\xc3\xa9\r\n" };
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++)
		for (unsigned pair = 0; pair < 4; pair++) {
			const struct sign_rules rules = { pair & 1, pair & 2,
				headers, headers, 3600 };
			struct scene s;

			begin(&s);
			s.body = bodies[i];
			sign_with(&s, &rules, &keys.ed25519, "ed");
			check(&s);
			want(&s, bodies[i], 0, VERIFY_PASS, "");
			end(&s);
		}
}

static void
test_rfc8463(void **state)
{
	struct scene s = { .limits = usual, .body = RFC_BODY };

	(void)state;
	put(&s, "DKIM-Signature", RFC_ED25519_SIGNATURE);
	put(&s, "DKIM-Signature", RFC_RSA_SIGNATURE);
	put(&s, "From", " Joe SixPack <joe@football.example.com>");
	put(&s, "To", " Suzie Q <suzie@shopping.example.net>");
	put(&s, "Subject", " Is dinner ready?");
	put(&s, "Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)");
	put(&s, "Message-ID",
	    " <20030712040037.46341.5F8J@football.example.com>");
	check(&s);
	assert_int_equal(s.count, 2);
	want(&s, "ed25519", 0, VERIFY_PASS, "");
	want(&s, "rsa", 1, VERIFY_PASS, "");
	assert_int_equal(s.results[0].key_bits, 256);
	assert_int_equal(s.results[1].key_bits, 1024);
	assert_int_equal(s.lookups, 2);
	/* The one with 1024 bits is too short for who wants 2048. */
	s.limits.key_bits = 2048;
	check(&s);
	want(&s, "ed25519", 0, VERIFY_PASS, "");
	want(&s, "rsa", 1, VERIFY_POLICY, "the key is too short to be safe");
}

/* What the DNS says decides. */
static const struct dns_case {
	const char *about, *record;
	enum verify_key found;
	enum verify_result result;
	const char *reason;
} dns_cases[] = {
	{ "no such key", NULL, KEY_NONE, VERIFY_PERMERROR, "said the test" },
	{ "no answer", NULL, KEY_LATER, VERIFY_TEMPERROR, "said the test" },
	{ "nonsense", NULL, KEY_BAD, VERIFY_PERMERROR, "said the test" },
	{ "k= is missing", "p=%", KEY_HERE, VERIFY_PASS, "" },
	{ "revoked", "v=DKIM1; k=rsa; p=", KEY_HERE, VERIFY_PERMERROR,
	    "the key has been revoked" },
	{ "k= is another", "v=DKIM1; k=ed25519; p=%", KEY_HERE,
	    VERIFY_PERMERROR,
	    "the key is of another kind than the signature (k=)" },
	{ "no key", "v=DKIM1; k=rsa; p=AAAA", KEY_HERE, VERIFY_PERMERROR,
	    "the published key is broken" },
	{ "another key", RFC_RSA_RECORD, KEY_HERE, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "for SHA-1 only", "v=DKIM1; h=sha1; p=%", KEY_HERE, VERIFY_PERMERROR,
	    "the key is not for SHA-256 (h=)" },
	{ "not for mail", "v=DKIM1; s=other; p=%", KEY_HERE, VERIFY_PERMERROR,
	    "the key is not for mail (s=)" },
	{ "no sub-domains", "v=DKIM1; t=s; p=%", KEY_HERE, VERIFY_PASS, "" },
	{ "blanks in it", "v=DKIM1;p= % ;", KEY_HERE, VERIFY_PASS, "" },
};

static void
test_dns(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dns_cases); i++) {
		const struct dns_case *c = &dns_cases[i];
		struct scene s;

		begin(&s);
		s.found = c->found;
		s.record = c->record;
		sign_with(&s, &plain, &keys.rsa, "rsa");
		check(&s);
		assert_int_equal(s.lookups, 1);
		want(&s, c->about, 0, c->result, c->reason);
		end(&s);
	}
}

/* One name has one key, and it is not of the kind of both signatures. */
static void
test_one_name_for_two_kinds(void **state)
{
	struct scene s;

	(void)state;
	for (int first = 0; first < 2; first++) {
		begin(&s);
		sign_with(&s, &plain, first ? &keys.rsa : &keys.ed25519, "rsa");
		sign_with(&s, &plain, first ? &keys.ed25519 : &keys.rsa, "rsa");
		check(&s);
		want(&s, "RSA", first, VERIFY_PASS, "");
		want(&s, "Ed25519", !first, VERIFY_PERMERROR,
		    "the key is of another kind than the signature (k=)");
		end(&s);
	}
}

static void
test_test_mode_is_seen(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.record = "v=DKIM1; t=y:s; p=%";
	sign_with(&s, &plain, &keys.rsa, "rsa");
	check(&s);
	want(&s, "test", 0, VERIFY_PASS, "");
	assert_true(s.results[0].key.test);
	end(&s);
	/* The library asks for a name once; each signature must know. */
	begin(&s);
	s.record = "v=DKIM1; t=y:s; p=%";
	sign_with(&s, &plain, &keys.rsa, "rsa");
	sign_with(&s, &plain, &keys.rsa, "rsa");
	check(&s);
	for (uint32_t i = 0; i < 2; i++) {
		want(&s, "test", i, VERIFY_PASS, "");
		assert_true(s.results[i].key.test && s.results[i].key.strict);
	}
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_rfc8463),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_one_name_for_two_kinds),
		cmocka_unit_test(test_test_mode_is_seen),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
