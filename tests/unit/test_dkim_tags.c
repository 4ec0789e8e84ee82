/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "../../plugins/dkim/record.c"
#include "../../plugins/dkim/signature.c"
#include "../../plugins/dkim/tags.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What tags_next() finds, as "name=value|", and how it ends. */
static const struct list {
	const char *in, *want;
	enum tags_found end;
} lists[] = {
	{ "", "", TAGS_END },
	{ " \n\t", "", TAGS_END },
	{ "a=b", "a=b|", TAGS_END },
	{ "a=b;", "a=b|", TAGS_END },
	{ "a=b; ", "a=b|", TAGS_END },
	{ " a = b ;\n\tc\t=\n d e ", "a=b|c=d e|", TAGS_END },
	{ "a=;b=", "a=|b=|", TAGS_END },
	{ "a=b=c", "a=b=c|", TAGS_END },
	{ "a_1=b", "a_1=b|", TAGS_END },
	{ "i=caf\xc3\xa9", "i=caf\xc3\xa9|", TAGS_END },
	{ "a", "", TAGS_BAD },
	{ "a=b;c", "a=b|", TAGS_BAD },
	{ ";", "", TAGS_BAD },
	{ ";a=b", "", TAGS_BAD },
	{ "a=b;;c=d", "a=b|", TAGS_BAD },
	{ "=b", "", TAGS_BAD },
	{ "1a=b", "", TAGS_BAD },
	{ "a b=c", "", TAGS_BAD },
	{ "a-b=c", "", TAGS_BAD },
	{ "a=\x01", "", TAGS_BAD },
	{ "a=\x7f", "", TAGS_BAD },
};

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct span in = span_of(lists[i].in), name, value;
		enum tags_found found;
		char out[200] = "";
		size_t n = 0;

		while ((found = tags_next(&in, &name, &value)) == TAGS_ONE)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "%.*s=%.*s|", (int)name.n, name.p, (int)value.n,
			    value.p);
		if (found != lists[i].end || strcmp(out, lists[i].want) != 0)
			fail_msg("\"%s\": %d \"%s\"", lists[i].in, found, out);
	}
}

static const struct name {
	const char *text;
	bool domain, selector;
} name_cases[] = {
	{ "example.com", true, true },
	{ "com", false, true },
	{ "a.b", true, true },
	{ "2026a", false, true },
	{ "_a.b_c", true, true },
	{ "xn--caf-dma.example", true, true },
	{ "", false, false },
	{ ".", false, false },
	{ "a.", false, false },
	{ ".a", false, false },
	{ "a..b", false, false },
	{ "-a.b", false, false },
	{ "a-.b", false, false },
	{ "a b.c", false, false },
	{ "a/b.c", false, false },
	{ "caf\xc3\xa9.example", false, false },
	{ "a.123456789012345678901234567890123456789012345678901234567890123",
	    true, true },
	{ "a.1234567890123456789012345678901234567890123456789012345678901234",
	    false, false },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(name_cases); i++) {
		struct span s = span_of(name_cases[i].text);

		if (tags_is_domain(s) != name_cases[i].domain ||
		    tags_is_selector(s) != name_cases[i].selector)
			fail_msg("\"%s\"", name_cases[i].text);
	}
}

static void
test_numbers(void **state)
{
	int64_t n = -7;

	(void)state;
	assert_true(tags_number(span_of("0"), &n));
	assert_int_equal(n, 0);
	assert_true(tags_number(span_of("999999999999999999"), &n));
	assert_int_equal(n, INT64_C(999999999999999999));
	n = -7;
	assert_false(tags_number(span_of(""), &n));
	assert_false(tags_number(span_of("-1"), &n));
	assert_false(tags_number(span_of("1 "), &n));
	assert_false(tags_number(span_of("1000000000000000000"), &n));
	assert_int_equal(n, -7);
	assert_true(tags_is_base64(span_of("aG k=\n\t")));
	assert_false(tags_is_base64(span_of("")));
	assert_false(tags_is_base64(span_of("==")));
	assert_false(tags_is_base64(span_of("a=b")));
	assert_false(tags_is_base64(span_of("a===")));
	assert_false(tags_is_base64(span_of("a-b")));
	assert_true(
	    tags_is_below(span_of("a.Example.com"), span_of("example.com")));
	assert_true(
	    tags_is_below(span_of("example.com"), span_of("example.com")));
	assert_false(
	    tags_is_below(span_of("anexample.com"), span_of("example.com")));
	assert_false(tags_is_below(span_of("com"), span_of("example.com")));
	assert_true(tags_lists(span_of("a : sha256"), "sha256"));
	assert_false(tags_lists(span_of("sha256x"), "sha256"));
	assert_false(tags_lists(span_of(""), "sha256"));
}

#define V   "v=1;"
#define A   "a=rsa-sha256;"
#define D   "d=example.com;"
#define S   "s=sel;"
#define H   "h=from;"
#define B   "b=aaaa;"
#define BH  "bh=aaaa;"
#define ALL V A D S H B BH

enum { NOW = 1000000 };

static const struct claim {
	const char *value, *why;
	enum signature_state state;
} claims[] = {
	{ ALL, "", SIGNATURE_CHECKABLE },
	{ ALL "x_new=1; y=", "", SIGNATURE_CHECKABLE },
	{ "v=1; a=RSA-SHA256;" D S B BH "h=To : FROM", "",
	    SIGNATURE_CHECKABLE },
	{ V "a=ed25519-sha256;" D S H B BH, "", SIGNATURE_CHECKABLE },
	{ ALL "c=relaxed", "", SIGNATURE_CHECKABLE },
	{ ALL "c=simple/relaxed", "", SIGNATURE_CHECKABLE },
	{ ALL "i=@example.com", "", SIGNATURE_CHECKABLE },
	{ ALL "i=a@b.Example.com", "", SIGNATURE_CHECKABLE },
	{ ALL "q=dns/txt:other", "", SIGNATURE_CHECKABLE },
	{ ALL "l=0", "", SIGNATURE_CHECKABLE },
	{ ALL "t=1000300; x=1000301", "", SIGNATURE_CHECKABLE },
	{ ALL "x=999700", "", SIGNATURE_CHECKABLE },
	{ ALL "x=999699", "it has expired", SIGNATURE_POLICY },
	{ ALL "t=1000301", "it was made in the future", SIGNATURE_POLICY },
	{ V "a=rsa-sha1;" D S H B BH,
	    "SHA-1 is not safe and no longer valid (RFC 8301)",
	    SIGNATURE_POLICY },
	{ ALL "i=caf\xc3\xa9@example.com",
	    "it holds UTF-8, which is not supported (RFC 8616)",
	    SIGNATURE_NEUTRAL },
	{ ALL D, "a tag stands there twice", SIGNATURE_PERMERROR },
	{ "x", "it is no list of tags", SIGNATURE_PERMERROR },
	{ A D S H B BH, "v= is missing", SIGNATURE_PERMERROR },
	{ "v=2;" A D S H B BH, "v= is not 1", SIGNATURE_PERMERROR },
	{ V D S H B BH, "a= names no algorithm that is known",
	    SIGNATURE_PERMERROR },
	{ V "a=dsa;" D S H B BH, "a= names no algorithm that is known",
	    SIGNATURE_PERMERROR },
	{ V A S H B BH, "d= is no domain name", SIGNATURE_PERMERROR },
	{ V A "d=exam ple.com;" S H B BH, "d= is no domain name",
	    SIGNATURE_PERMERROR },
	{ V A "d=com;" S H B BH, "d= is no domain name", SIGNATURE_PERMERROR },
	{ V A D H B BH, "s= is no selector", SIGNATURE_PERMERROR },
	{ V A D "s=a..b;" H B BH, "s= is no selector", SIGNATURE_PERMERROR },
	{ V A D S B BH, "h= is missing", SIGNATURE_PERMERROR },
	{ V A D S "h=;" B BH, "h= is missing", SIGNATURE_PERMERROR },
	{ V A D S "h=to;" B BH, "it does not sign the From field",
	    SIGNATURE_PERMERROR },
	{ V A D S "h=from::to;" B BH, "h= names an empty field",
	    SIGNATURE_PERMERROR },
	{ V A D S "h=from:a b;" B BH, "h= names no header fields",
	    SIGNATURE_PERMERROR },
	{ V A D S H BH, "b= is missing or no base64", SIGNATURE_PERMERROR },
	{ V A D S H "b=*;" BH, "b= is missing or no base64",
	    SIGNATURE_PERMERROR },
	{ V A D S H B, "bh= is missing or no base64", SIGNATURE_PERMERROR },
	{ ALL "c=relaxed/", "c= names no canonicalization that is known",
	    SIGNATURE_PERMERROR },
	{ ALL "i=example.com",
	    "i= is not of the domain d=", SIGNATURE_PERMERROR },
	{ ALL "i=@com", "i= is not of the domain d=", SIGNATURE_PERMERROR },
	{ ALL "i=@anexample.com",
	    "i= is not of the domain d=", SIGNATURE_PERMERROR },
	{ ALL "q=other", "q= does not name dns/txt", SIGNATURE_PERMERROR },
	{ ALL "l=-1", "l= is no length", SIGNATURE_PERMERROR },
	{ ALL "l=4096abc", "l= is no length", SIGNATURE_PERMERROR },
	{ ALL "l=", "l= is no length", SIGNATURE_PERMERROR },
	{ ALL "t=now", "t= is no time", SIGNATURE_PERMERROR },
	{ ALL "x=", "x= is no time", SIGNATURE_PERMERROR },
	{ ALL "t=5; x=5", "it expires before it was made",
	    SIGNATURE_PERMERROR },
};

static void
test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(claims); i++) {
		struct signature s;
		const char *why = NULL;
		enum signature_state got =
		    signature_read(span_of(claims[i].value), NOW, &s, &why);

		if (got != claims[i].state ||
		    strcmp(why != NULL ? why : "", claims[i].why) != 0)
			fail_msg("\"%s\": %d \"%s\"", claims[i].value, got,
			    why != NULL ? why : "");
	}
}

static void
test_too_many_tags(void **state)
{
	struct signature s;
	char many[1000] = "";
	const char *why;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 65; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "x%d=;", i);
	assert_int_equal(
	    signature_read(span_of(many), NOW, &s, &why), SIGNATURE_PERMERROR);
	assert_string_equal(why, "it has too many tags");
}

static void
test_covers(void **state)
{
	struct signature s;
	const char *why;

	(void)state;
	signature_read(
	    span_of(V A D S "h=from:To : to:\n from;" B BH), NOW, &s, &why);
	assert_null(why);
	assert_int_equal(signature_covers(&s, "From"), 2);
	assert_int_equal(signature_covers(&s, "to"), 2);
	assert_int_equal(signature_covers(&s, "cc"), 0);
}

static const struct record_case {
	const char *text, *why;
	enum signature_algorithm algorithm;
	bool revoked, test, strict;
} records[] = {
	{ "v=DKIM1; k=rsa; p=aaaa", "", ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "p=aa aa", "", ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "k=ed25519; p=aaaa", "", ALGORITHM_ED25519, 0, 0, 0 },
	{ "p=", "", ALGORITHM_RSA_SHA256, 1, 0, 0 },
	{ "p=aaaa; t=y", "", ALGORITHM_RSA_SHA256, 0, 1, 0 },
	{ "p=aaaa; t=s : y", "", ALGORITHM_RSA_SHA256, 0, 1, 1 },
	{ "p=aaaa; h=sha1:sha256; s=*; n=a note", "", ALGORITHM_RSA_SHA256, 0,
	    0, 0 },
	{ "p=aaaa; s=email", "", ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "v=DKIM2; p=aaaa", "the key's record has another version than DKIM1",
	    ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "v=dkim1; p=aaaa", "the key's record has another version than DKIM1",
	    ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "v=DKIM1", "the key's record has no key (p=)", ALGORITHM_RSA_SHA256,
	    0, 0, 0 },
	{ "p=aaaa; p=bbbb", "the key's record is no list of tags",
	    ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "p=a*a", "the key is no base64 (p=)", ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "k=dsa; p=aaaa", "the key is of a kind that is not known (k=)",
	    ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "k=rsa; p=aaaa", "the key is of another kind than the signature (k=)",
	    ALGORITHM_ED25519, 0, 0, 0 },
	{ "h=sha1; p=aaaa", "the key is not for SHA-256 (h=)",
	    ALGORITHM_RSA_SHA256, 0, 0, 0 },
	{ "s=web; p=aaaa", "the key is not for mail (s=)", ALGORITHM_RSA_SHA256,
	    0, 0, 0 },
};

static void
test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		const struct record_case *c = &records[i];
		struct record r = { 0 };
		const char *why =
		    record_read(span_of(c->text), c->algorithm, &r);

		if (strcmp(why != NULL ? why : "", c->why) != 0 ||
		    r.revoked != c->revoked || r.test != c->test ||
		    r.strict != c->strict)
			fail_msg(
			    "\"%s\": \"%s\"", c->text, why != NULL ? why : "");
		if (why == NULL && !r.revoked)
			assert_string_equal(r.key, "aaaa");
	}
}

static void
test_long_records(void **state)
{
	char text[2000] = "p=";
	struct record r;

	(void)state;
	/* RSA with 4096 bits has 736 digits, with 8192 bits 1420. */
	memset(text + 2, 'A', 980);
	assert_null(record_read(span_of(text), ALGORITHM_RSA_SHA256, &r));
	text[982] = 'A';
	assert_string_equal(
	    record_read(span_of(text), ALGORITHM_RSA_SHA256, &r),
	    "the key is too long");
	assert_string_equal(record_read((struct span){ "p=aa\0;k=rsa", 11 },
				ALGORITHM_RSA_SHA256, &r),
	    "the key's record holds a NUL");
}

static void
test_is_key(void **state)
{
	(void)state;
	assert_true(record_is_key(span_of("v=DKIM1; p=")));
	assert_true(record_is_key(span_of("k=rsa; p=aaaa")));
	assert_true(record_is_key(span_of("v=DKIM1")));
	assert_false(record_is_key(span_of("v=spf1 -all")));
	assert_false(record_is_key(span_of("google-site-verification=a")));
	assert_false(record_is_key(span_of("")));
}

static void
test_zone(void **state)
{
	char text[600], out[800], key[401];

	(void)state;
	assert_true(record_write(text, sizeof(text), true, "aaaa", false));
	assert_string_equal(text, "v=DKIM1; k=ed25519; p=aaaa");
	assert_true(record_zone(out, sizeof(out), "a._domainkey", text));
	assert_string_equal(
	    out, "a._domainkey IN TXT \"v=DKIM1; k=ed25519; p=aaaa\"\n");
	memset(key, 'A', 400);
	key[400] = '\0';
	assert_true(record_write(text, sizeof(text), false, key, true));
	assert_int_equal(strncmp(text, "v=DKIM1; k=rsa; t=y; p=AAA", 26), 0);
	assert_true(record_zone(out, sizeof(out), "a.", text));
	/* 23 + 400 bytes: strings of 250 and 173 */
	assert_int_equal(strncmp(out, "a. IN TXT (\n\t\"v=DKIM1;", 22), 0);
	assert_int_equal(strcspn(out + 14, "\""), 250);
	assert_int_equal(strncmp(out + 14 + 250, "\"\n\t\"", 4), 0);
	assert_int_equal(strcspn(out + 14 + 254, "\""), 173);
	assert_string_equal(out + 14 + 254 + 173, "\" )\n");
	assert_true(record_zone(out, sizeof(out), "a.", key));
	for (size_t n = 0; n <= strlen(out); n++)
		assert_int_equal(
		    record_zone(text, n, "a.", key), n > strlen(out));
	assert_false(record_write(text, 10, false, key, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_too_many_tags),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_long_records),
		cmocka_unit_test(test_is_key),
		cmocka_unit_test(test_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
