/* SPDX-License-Identifier: Apache-2.0 */
/* Where the store is: what may be written, and what is said otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/database.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Kind, flags and parts in one line; or what the reason has in it. */
static const struct database_case {
	const char *in, *want;
	bool ok;
} cases[] = {
	{ "lmdb:/var/lib/millrace/store", "0 /var/lib/millrace/store 0", true },
	{ "lmdb:/", "whole path of a folder", false },
	{ "lmdb:store", "whole path of a folder", false },
	{ "lmdb:/a b", "without blanks", false },
	{ "/var/lib/millrace/store", "is not a store: write lmdb:/", false },
	{ "", "is not a store", false },
	{ "redis:/x", "is not a store", false },
	{ "redis://127.0.0.1:6380/3", "1 127.0.0.1:6380 3", true },
	{ "redis://cache.example.com", "1 cache.example.com:6379 0", true },
	{ "redis://a,b:7000,[2001:db8::1]:7,[::1]",
	    "1 a:6379 b:7000 2001:db8::1:7 ::1:6379 0", true },
	{ "redis://mail@a/0", "1 user=mail a:6379 0", true },
	{ "redis://mail:secret@a/0", "store-password-file", false },
	{ "redis://:secret@a/0", "store-password-file", false },
	{ "redis://@a", "name of the user", false },
	{ "redis://", "is not a host", false },
	{ "redis:///1", "is not a host", false },
	{ "redis://a:0", "\"a:0\" is not a host", false },
	{ "redis://a:65536", "is not a host", false },
	{ "redis://a:1x", "is not a host", false },
	{ "redis://a:", "is not a host", false },
	{ "redis://a,,b", "is not a host", false },
	{ "redis://[::1", "is not a host", false },
	{ "redis://[a]", "is not a host", false },
	{ "redis://[::1]7", "is not a host", false },
	{ "redis://a/x", "\"x\" is not the number", false },
	{ "redis://a/16000", "is not the number", false },
	{ "redis://a/15999", "1 a:6379 15999", true },
	{ "redis://1,2,3,4,5,6,7,8,9", "at most 8 hosts", false },
	{ "rediss://a", "1 tls a:6379 0", true },
	{ "redis+unix:///run/redis/redis.sock", "1 /run/redis/redis.sock 0",
	    true },
	{ "redis+unix://u@/run/redis.sock?2", "1 user=u /run/redis.sock 2",
	    true },
	{ "redis+unix://run/redis.sock", "whole path of the socket", false },
	{ "redis+sentinel://a,b:1/mymaster/2", "2 name=mymaster a:26379 b:1 2",
	    true },
	{ "redis+sentinel://a", "which master", false },
	{ "redis+sentinel://a/", "which master", false },
	{ "rediss+sentinel://u@a/m", "2 tls user=u name=m a:26379 0", true },
};

static void
describe(const struct database *d, struct buf *b)
{
	buf_printf(b, "%d ", (int)d->kind);
	if (d->tls)
		buf_text(b, "tls ");
	if (d->user[0] != '\0')
		buf_printf(b, "user=%s ", d->user);
	if (d->name[0] != '\0')
		buf_printf(b, "name=%s ", d->name);
	if (d->path[0] != '\0')
		buf_printf(b, "%s ", d->path);
	for (unsigned i = 0; i < d->nhosts; i++)
		buf_printf(b, "%s:%u ", d->hosts[i].name, d->hosts[i].port);
	buf_printf(b, "%u", d->number);
}

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct database_case *c = &cases[i];
		struct buf b = { 0 };
		struct database d;
		char *why;

		if (database_parse(c->in, &d, &why) != c->ok)
			fail_msg("%s", c->in);
		if (c->ok)
			describe(&d, &b);
		else
			buf_text(&b, why);
		if (c->ok ? strcmp(b.p, c->want) != 0
			  : strstr(b.p, c->want) == NULL)
			fail_msg("%s: %s", c->in, b.p);
		buf_finish(&b);
		free(why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
