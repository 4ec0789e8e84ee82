/* SPDX-License-Identifier: Apache-2.0 */
/* The option dns-servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
