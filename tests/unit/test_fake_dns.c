/* SPDX-License-Identifier: Apache-2.0 */
/* The fake of dns/1 keeps what <millrace/dns.h> promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"

static void
test_answers(void **state)
{
	struct fake f;
	const struct mr_dns_service *dns;
	const struct mr_dns_answer *a;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	assert_true(fake_open(&f));
	dns = f.host.service(&f.host, MR_DNS_SERVICE);
	assert_non_null(dns);
	fake_dns(&f, "example.com", MR_DNS_TXT, "v=spf1 -all");
	fake_dns(&f, "example.com", MR_DNS_TXT, "other");
	fake_dns(&f, "example.com", MR_DNS_MX, "10 mx.example.com");
	fake_dns(&f, "mx.example.com", MR_DNS_A, "192.0.2.1");
	fake_dns(&f, "mx.example.com", MR_DNS_AAAA, "2001:db8::1");
	fake_dns_bytes(&f, "nul.example", MR_DNS_TXT, "a\0b", 3);
	fake_dns_status(&f, "slow.example", MR_DNS_TXT, MR_DNS_TEMPFAIL);
	fake_dns_secure(&f, "mx.example.com", MR_DNS_A);

	a = dns->query(&f.ctx, "Example.COM.", MR_DNS_TXT, 0);
	assert_int_equal(a->status, MR_DNS_OK);
	assert_int_equal(a->count, 2);
	assert_string_equal(a->records[0].data, "v=spf1 -all");
	assert_string_equal(a->records[1].data, "other");
	assert_false(a->secure);
	a = dns->query(&f.ctx, "example.com", MR_DNS_MX, 0);
	assert_int_equal(a->records[0].preference, 10);
	assert_string_equal(a->records[0].data, "mx.example.com");
	a = dns->query(&f.ctx, "mx.example.com", MR_DNS_A, 0);
	assert_memory_equal(a->records[0].data, "\xc0\0\2\1", 5);
	assert_true(a->secure);
	a = dns->query(&f.ctx, "mx.example.com", MR_DNS_AAAA, 0);
	assert_int_equal(a->records[0].len, 16);
	a = dns->query(&f.ctx, "nul.example", MR_DNS_TXT, 0);
	assert_int_equal(a->records[0].len, 3);
	assert_int_equal(dns->query(&f.ctx, "example.com", MR_DNS_A, 0)->status,
	    MR_DNS_NODATA);
	assert_int_equal(dns->query(&f.ctx, "no.example", MR_DNS_A, 0)->status,
	    MR_DNS_NXDOMAIN);
	a = dns->query(&f.ctx, "slow.example", MR_DNS_TXT, 0);
	assert_int_equal(a->status, MR_DNS_TEMPFAIL);
	assert_non_null(a->why);
	a = dns->query(&f.ctx, "a..example", MR_DNS_TXT, 0);
	assert_int_equal(a->status, MR_DNS_BADNAME);

	dns->prefetch(&f.ctx, "example.com", MR_DNS_TXT);
	assert_int_equal(fake_dns_asked(&f, "example.com", MR_DNS_TXT), 1);
	assert_int_equal(fake_dns_prefetched(&f, "example.com", MR_DNS_TXT), 1);
	assert_string_equal(
	    dns->reverse(&f.ctx, "192.0.2.1", NULL), "1.2.0.192.in-addr.arpa");
	assert_string_equal(dns->reverse(&f.ctx, "192.0.2.1", "list.example"),
	    "1.2.0.192.list.example");
	assert_null(dns->reverse(&f.ctx, "unknown", NULL));
	fake_finish(&f);
}

static void
test_a_daemon_without_it(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	fake_service(&f, MR_DNS_SERVICE, NULL);
	assert_true(fake_open(&f));
	assert_null(f.host.service(&f.host, MR_DNS_SERVICE));
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_a_daemon_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
