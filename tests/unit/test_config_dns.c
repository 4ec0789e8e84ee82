/* SPDX-License-Identifier: Apache-2.0 */
/* The option dns-servers, and what stands in for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/dns_servers.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in, *want; /* NULL: refused */
} servers[] = {
	{ "192.0.2.1", "192.0.2.1@53" },
	{ "192.0.2.1@5353", "192.0.2.1@5353" },
	{ "192.0.2.1@65535", "192.0.2.1@65535" },
	{ "2001:DB8::1", "2001:db8::1@53" },
	{ "2001:db8::1@53", "2001:db8::1@53" },
	{ "[2001:db8::1]", "2001:db8::1@53" },
	{ "[2001:db8::1]@5353", "2001:db8::1@5353" },
	{ "fe80::1%eth0", "fe80::1%eth0@53" },
	{ "[fe80::1%eth0]@54", "fe80::1%eth0@54" },
	{ "", NULL },
	{ "@53", NULL },
	{ "192.0.2.1@", NULL },
	{ "192.0.2.1@0", NULL },
	{ "192.0.2.1@65536", NULL },
	{ "192.0.2.1@99999999999", NULL },
	{ "192.0.2.1@53 ", NULL },
	{ "192.0.2.1@-1", NULL },
	{ "192.0.2.1:53", NULL },
	{ "192.0.2.0/24", NULL },
	{ "192.0.2", NULL },
	{ "resolver.example", NULL },
	{ "fe80::1%", NULL },
	{ "fe80::1%a\nb", NULL },
	{ "fe80::1%a b", NULL },
	{ "fe80::1%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
};

static void
test_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(servers); i++) {
		char out[CONFIG_DNS_SERVER] = "untouched", *why = NULL;
		bool ok = config_dns_server_parse(servers[i].in, out, &why);

		if (ok != (servers[i].want != NULL))
			fail_msg("\"%s\": %s", servers[i].in, ok ? out : why);
		assert_string_equal(out, ok ? servers[i].want : "untouched");
		assert_int_equal(why == NULL, ok);
		free(why);
	}
}

static const struct {
	const char *text, *want; /* servers, apart by blanks */
} systems[] = {
	{ "", "" },
	{ "nameserver 192.0.2.1\n", "192.0.2.1@53" },
	{ "nameserver 192.0.2.1", "192.0.2.1@53" },
	{ "# made by hand\r\nsearch example.com\r\n"
	  "nameserver\t 192.0.2.1 \r\nnameserver 2001:db8::1 # second\n"
	  "options ndots:1\n",
	    "192.0.2.1@53 2001:db8::1@53" },
	{ "nameserver fe80::1%eth0\n", "fe80::1%eth0@53" },
	{ "  nameserver 192.0.2.1\n", "192.0.2.1@53" },
	{ ";nameserver 192.0.2.1\n#nameserver 192.0.2.2\n", "" },
	{ "nameservers 192.0.2.1\nnameserver\nnameserver x\n\n\n"
	  "nameserver 192.0.2.3",
	    "192.0.2.3@53" },
	{ "Nameserver 192.0.2.1\n", "" },
};

static void
test_resolv_conf(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(systems); i++) {
		struct span left = span_of(systems[i].text);
		char found[400] = "", one[CONFIG_DNS_SERVER];

		while (dns_resolv_conf_next(&left, one)) {
			if (found[0] != '\0')
				strcat(found, " ");
			strcat(found, one);
		}
		if (strcmp(found, systems[i].want) != 0)
			fail_msg("%s: %s", systems[i].text, found);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
