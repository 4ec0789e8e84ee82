/* SPDX-License-Identifier: Apache-2.0 */
/* Names and records of the DNS, between text and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/dns_answer.h"
#include "service/dns_name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define A10      "aaaaaaaaaa"
#define A60      A10 A10 A10 A10 A10 A10
#define A63      A60 "aaa"

static const struct {
	const char *in, *want; /* NULL: no such name */
} names[] = {
	{ "example.com", "example.com" },
	{ "EXAMPLE.Com.", "example.com" },
	{ "_dmarc.example.com", "_dmarc.example.com" },
	{ "a", "a" },
	{ "", NULL },
	{ ".", NULL },
	{ "..", NULL },
	{ ".a", NULL },
	{ "a..b", NULL },
	{ "a..", NULL },
	{ A63 ".example", A63 ".example" },
	{ A63 "a.example", NULL },
	/* 253 bytes, then 254 (RFC 1035, 2.3.4) */
	{ A63 "." A63 "." A63 "." A60 "a", A63 "." A63 "." A63 "." A60 "a" },
	{ A63 "." A63 "." A63 "." A60 "aa", NULL },
	{ A63 "." A63 "." A63 "." A60 "a.", A63 "." A63 "." A63 "." A60 "a" },
	{ A63 "." A63 "." A63 "." A60 ".a", NULL },
	/* escapes, and what must be escaped */
	{ "a b.example", "a\\032b.example" },
	{ "a\\032b.example", "a\\032b.example" },
	{ "a\\.b.example", "a\\046b.example" },
	{ "a\\046b.example", "a\\046b.example" },
	{ "\\065.example", "a.example" },
	{ "a\\\\b", "a\\092b" },
	{ "a@b/c\"d", "a\\064b\\047c\\034d" },
	{ "\xc3\xa4.example", "\\195\\164.example" },
	{ "\\000.example", "\\000.example" },
	{ "\\256.example", NULL },
	{ "\\99.example", NULL },
	{ "\\9", NULL },
	{ "a\\", NULL },
	{ "*.example", "\\042.example" },
	{ "\r\n.example", "\\013\\010.example" },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char out[DNS_NAME] = "?", again[DNS_NAME];
		bool ok = dns_name_fold(names[i].in, out);

		if (ok != (names[i].want != NULL) ||
		    (ok && strcmp(out, names[i].want) != 0))
			fail_msg("%s: %s", names[i].in, ok ? out : "refused");
		if (ok) {
			assert_true(dns_name_fold(out, again));
			assert_string_equal(out, again);
		}
	}
}

/* All 255 bytes of a name escaped: the longest text form. */
static void
test_longest_name(void **state)
{
	char in[260], out[DNS_NAME];
	size_t n = 0;

	(void)state;
	for (int label = 0; label < 4; label++) {
		memset(in + n, '!', 63);
		n += 63;
		in[n++] = '.';
	}
	in[253] = '\0';
	assert_true(dns_name_fold(in, out));
	assert_int_equal(strlen(out), 250 * 4 + 3);
}

static const struct {
	const char *addr, *zone, *want;
} reverses[] = {
	{ "192.0.2.1", NULL, "1.2.0.192.in-addr.arpa" },
	{ "192.0.2.1", "list.example", "1.2.0.192.list.example" },
	{ "::ffff:192.0.2.1", NULL, "1.2.0.192.in-addr.arpa" },
	{ "2001:db8::1", NULL,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa" },
	{ "2001:db8::ab:0", "l",
	    "0.0.0.0.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "l" },
	{ "unknown", NULL, NULL },
	{ "local", NULL, NULL },
	{ "", NULL, NULL },
};

static void
test_reverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reverses); i++) {
		struct buf out = { 0 };
		bool ok =
		    dns_name_reverse(reverses[i].addr, reverses[i].zone, &out);

		assert_int_equal(ok, reverses[i].want != NULL);
		if (ok)
			assert_string_equal(out.p, reverses[i].want);
		buf_finish(&out);
	}
}

/* One record; out NULL: malformed. */
#define R(s)                                                                   \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
static const struct {
	mr_dns_type type;
	struct span in;
	const char *out;
	size_t n;
	uint16_t preference;
} records[] = {
	{ MR_DNS_A, R("\xc0\0\2\1"), "\xc0\0\2\1", 4, 0 },
	{ MR_DNS_A, R("\xc0\0\2"), NULL, 0, 0 },
	{ MR_DNS_A, R("\xc0\0\2\1\0"), NULL, 0, 0 },
	{ MR_DNS_A, R(""), NULL, 0, 0 },
	{ MR_DNS_AAAA, R("0123456789abcdef"), "0123456789abcdef", 16, 0 },
	{ MR_DNS_AAAA, R("0123"), NULL, 0, 0 },
	{ MR_DNS_TXT, R("\3abc"), "abc", 3, 0 },
	{ MR_DNS_TXT, R("\3abc\0\2de"), "abcde", 5, 0 },
	{ MR_DNS_TXT, R("\0"), "", 0, 0 },
	{ MR_DNS_TXT, R("\3a\0b"), "a\0b", 3, 0 },
	{ MR_DNS_TXT, R(""), NULL, 0, 0 },
	{ MR_DNS_TXT, R("\4abc"), NULL, 0, 0 },
	{ MR_DNS_TXT, R("\3abc\1"), NULL, 0, 0 },
	{ MR_DNS_TXT, R("\xff"), NULL, 0, 0 },
	{ MR_DNS_PTR, R("\2MX\7example\3com\0"), "mx.example.com", 14, 0 },
	{ MR_DNS_PTR, R("\0"), "", 0, 0 },
	{ MR_DNS_PTR, R("\3a.b\1c\0"), "a\\046b.c", 8, 0 },
	{ MR_DNS_PTR, R("\2mx\7example"), NULL, 0, 0 },
	{ MR_DNS_PTR, R("\2mx\0x"), NULL, 0, 0 },
	{ MR_DNS_PTR, R("\xc0\x0c"), NULL, 0, 0 },
	{ MR_DNS_PTR, R("\2m"), NULL, 0, 0 }, { MR_DNS_PTR, R(""), NULL, 0, 0 },
	{ MR_DNS_MX, R("\0\x0a\2mx\0"), "mx", 2, 10 },
	{ MR_DNS_MX, R("\xff\xff\0"), "", 0, 65535 },
	{ MR_DNS_MX, R("\0\x0a"), NULL, 0, 0 },
	{ MR_DNS_MX, R("\0"), NULL, 0, 0 },
	{ 99, R("\3abc"), NULL, 0, 0 }, /* no type that is shown */
};

static void
test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct dns_answer *a = dns_answer_decode(
		    records[i].type, &records[i].in, 1, 65536);
		const struct mr_dns_record *r = a->answer.records;

		if (records[i].out == NULL) {
			assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
			assert_non_null(a->answer.why);
			assert_int_equal(a->answer.count, 0);
		} else {
			assert_int_equal(a->answer.status, MR_DNS_OK);
			assert_int_equal(a->answer.count, 1);
			assert_int_equal(r->len, records[i].n);
			assert_memory_equal(
			    r->data, records[i].out, records[i].n + 1);
			assert_int_equal(r->preference, records[i].preference);
		}
		dns_answer_drop(&a);
	}
}

static void
test_several(void **state)
{
	static const struct span good[] = { R("\3one"), R("\0"), R("\5three") },
				 bad[] = { R("\3one"), R("\7two") };
	struct dns_answer *a = dns_answer_decode(MR_DNS_TXT, good, 3, 11);
	struct mr_dns_answer *copy;
	void *place = malloc(a->bytes);

	(void)state;
	copy = dns_answer_copy(a, place);
	dns_answer_drop(&a);
	assert_int_equal(copy->count, 3);
	assert_string_equal(copy->records[0].data, "one");
	assert_string_equal(copy->records[1].data, "");
	assert_string_equal(copy->records[2].data, "three");
	free(place);
	/* One that is malformed spoils them all: which is missing matters. */
	a = dns_answer_decode(MR_DNS_TXT, bad, 2, 100);
	assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
	dns_answer_drop(&a);
	a = dns_answer_decode(MR_DNS_TXT, good, 3, 10);
	assert_int_equal(a->answer.status, MR_DNS_TEMPFAIL);
	assert_string_equal(a->answer.why,
	    "the answer has more than 10 bytes (dns-answer-max)");
	place = malloc(a->bytes);
	copy = dns_answer_copy(a, place);
	dns_answer_drop(&a);
	assert_string_equal(
	    copy->why, "the answer has more than 10 bytes (dns-answer-max)");
	free(place);
	a = dns_answer_decode(MR_DNS_TXT, NULL, 0, 10);
	assert_int_equal(a->answer.status, MR_DNS_NODATA);
	dns_answer_drop(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
