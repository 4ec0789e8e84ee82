/* SPDX-License-Identifier: Apache-2.0 */
/* The text that says where the mail server connects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static const struct socket_case {
	const char *text;
	const char *host; /* NULL: why is in want */
	int kind;
	uint16_t port;
	const char *want;
} socket_cases[] = {
	{ "inet:8891@127.0.0.1", "127.0.0.1", SOCKET_INET, 8891, NULL },
	{ "inet:25@localhost", "127.0.0.1", SOCKET_INET, 25, NULL },
	{ "inet6:1@[::1]", "::1", SOCKET_INET6, 1, NULL },
	{ "inet6:65535@2001:db8::0:1", "2001:db8::1", SOCKET_INET6, 65535,
	    NULL },
	{ "unix:/run/m.sock", "/run/m.sock", SOCKET_UNIX, 0, NULL },
	{ "local:/run/m.sock", "/run/m.sock", SOCKET_UNIX, 0, NULL },
	{ "systemd:mx", "mx", SOCKET_SYSTEMD, 0, NULL },
	{ "inet:127.0.0.1:8891", NULL, 0, 0, "write inet:8891@127.0.0.1" },
	{ "inet:8891", NULL, 0, 0, "say on which address: write inet:8891@" },
	{ "inet:", NULL, 0, 0, "say on which address" },
	{ "inet:0@127.0.0.1", NULL, 0, 0, "\"0\" is not a port" },
	{ "inet:65536@127.0.0.1", NULL, 0, 0, "\"65536\" is not a port" },
	{ "inet:x@127.0.0.1", NULL, 0, 0, "\"x\" is not a port" },
	{ "inet:25@mx.example.com", NULL, 0, 0, "is not an IPv4 address" },
	{ "inet6:25@192.0.2.1", NULL, 0, 0, "is not an IPv6 address" },
	{ "unix:run/m.sock", NULL, 0, 0, "write the whole path" },
	{ "unix:", NULL, 0, 0, "write the whole path" },
	{ "systemd:", NULL, 0, 0, "write systemd:name" },
	{ "tcp:1", NULL, 0, 0, "is not a socket" },
	{ "", NULL, 0, 0, "is not a socket" },
};

static void
test_socket(void **state)
{
	size_t n = sizeof(socket_cases) / sizeof(socket_cases[0]);
	struct config_socket s;
	char path[200], *why;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct socket_case *k = &socket_cases[i];
		bool ok = config_socket_parse(k->text, &s, &why);

		if (ok != (k->host != NULL))
			fail_msg("%s: %s", k->text, ok ? "accepted" : why);
		if (!ok && strstr(why, k->want) == NULL)
			fail_msg("%s: %s", k->text, why);
		free(why);
		if (!ok)
			continue;
		assert_string_equal(s.host, k->host);
		assert_int_equal(s.kind, k->kind);
		assert_int_equal(s.port, k->port);
	}
	memset(path, 'x', sizeof(path));
	memcpy(path, "unix:/", 6);
	path[5 + 107] = '\0';
	assert_true(config_socket_parse(path, &s, &why));
	path[5 + 107] = 'x';
	path[5 + 108] = '\0';
	assert_false(config_socket_parse(path, &s, &why));
	assert_non_null(strstr(why, "at most 107 bytes"));
	free(why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
