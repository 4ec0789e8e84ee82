/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "service/mailbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* want: "display|local|domain" of each, lines apart; address if it differs. */
static const struct list_case {
	const char *value, *want;
	bool broken;
} cases[] = {
	/* RFC 5322, appendix A.1 */
	{ "John Doe <jdoe@machine.example>", "John Doe|jdoe|machine.example",
	    false },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "Mary Smith|mary|x.test\n|jdoe|example.org\nWho?|one|y.test",
	    false },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <s@example.net>",
	    "|boss|nil.test\nGiant; \"Big\" Box|s|example.net", false },
	{ "\"Joe Q. Public\" <john.q.public@example.com>",
	    "Joe Q. Public|john.q.public|example.com", false },
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "Ed Jones|c|a.test\n|joe|where.test\nJohn|jdoe|one.test", false },
	{ "Undisclosed recipients:;", "", false },
	/* A.5: blanks and comments everywhere */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "Pete|pete|silly.test", false },
	{ "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public."
	  "example>,\n         joe@example.org,\n  John <jdoe@one.test> (my "
	  "dear friend); (the end of the group)",
	    "Chris Jones|c|public.example\n|joe|example.org\n"
	    "John|jdoe|one.test",
	    false },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "",
	    false },
	/* A.6.1 */
	{ "Joe Q. Public <john.q.public@example.com>",
	    "Joe Q. Public|john.q.public|example.com", false },
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test . example",
	    "Mary Smith|mary|example.net\n|jdoe|test.example", false },
	{ "<@a.test, @b.test:c@d.test>", "|c|d.test", false },
	{ " John . Doe <john . doe (x) @ a (y) . test>",
	    "John . Doe|john.doe|a.test", false },
	/* the old place for a name */
	{ "a@b.test (Ann \\(B\\))", "Ann (B)|a|b.test", false },
	{ "(x) a@b.test", "x|a|b.test", false },
	{ "a@b.test (Ann), c@d.test", "Ann|a|b.test\n|c|d.test", false },
	/* local parts */
	{ "\"a b\"@c.test", "|a b|c.test|\"a b\"@c.test", false },
	{ "\"a\"@c.test", "|a|c.test", false },
	{ "\"a\\\"\\\\b\"@c.test", "|a\"\\b|c.test|\"a\\\"\\\\b\"@c.test",
	    false },
	{ "\"a@b\"@c.test", "|a@b|c.test|\"a@b\"@c.test", false },
	{ "\"\"@c.test", "||c.test|\"\"@c.test", false },
	{ "\"a\".b.\"c\"@d.test", "|a.b.c|d.test", false },
	{ "!#$%&'*+-/=?^_`{|}~@c.test", "|!#$%&'*+-/=?^_`{|}~|c.test", false },
	{ "\xc3\xbc@c.test", "|\xc3\xbc|c.test", false },
	{ "\"a\n b\"@c.test", "|a b|c.test|\"a b\"@c.test", false },
	/* domains */
	{ "a@Example.COM", "|a|example.com", false },
	{ "a@b\xc3\xbc"
	  "cher.test",
	    "|a|xn--bcher-kva.test", false },
	{ "a@[192.0.2.1]", "|a|[192.0.2.1]", false },
	{ "a@[IPv6:2001:DB8::1]", "|a|[ipv6:2001:db8::1]", false },
	{ "a@[ 192.0.2.1 ]", "|a|[192.0.2.1]", false },
	{ "a@localhost", "|a|localhost", false },
	{ "a@b_c.test", "|a|b_c.test", false },
	/* names */
	{ "=?utf-8?q?caf=C3=A9?= <a@b.test>", "caf\xc3\xa9|a|b.test", false },
	{ "=?utf-8?q?a?= =?utf-8?q?b?= c <a@b.test>", "ab c|a|b.test", false },
	{ "=?utf-8?q?Doe,_John_<x@y.test>?= <a@b.test>",
	    "Doe, John <x@y.test>|a|b.test", false },
	{ "\"=?utf-8?q?a?=\" <a@b.test>", "a|a|b.test", false },
	{ "\"c@d.test\" <a@b.test>", "c@d.test|a|b.test", false },
	{ "\"x\r\n <c@d.test>\" <a@b.test>", "x <c@d.test>|a|b.test", false },
	{ "\xc3\xbc\xfc <a@b.test>", "\xc3\xbc\xef\xbf\xbd|a|b.test", false },
	{ "\"A\" \"B\"<a@b.test>", "A B|a|b.test", false },
	{ "... <a@b.test>", "...|a|b.test", false },
	{ "", "", false },
	{ " \n (just a comment) ", "", false },
	{ ",,", "", false },
	{ "a@b.test,", "|a|b.test", false },
	{ "g:a@b.test;,c@d.test", "|a|b.test\n|c|d.test", false },

	/* what is wrong, and what may be shown of it */
	{ "a@b.test <a@b.test>", "a@b.test|a|b.test", true },
	{ "bank@good.test <a@b.test>", "bank@good.test|a|b.test", true },
	{ "<a@b.test> <c@d.test>", "|a|b.test\n|c|d.test", true },
	{ "a@b.test c@d.test", "|a|b.test\n|c|d.test", true },
	{ "a@b.test; c@d.test", "|a|b.test\n|c|d.test", true },
	{ "g:a@b.test;c@d.test", "|a|b.test\n|c|d.test", false },
	{ "John a@b.test", "|a|b.test", true },
	{ "Doe, John <a@b.test>", "John|a|b.test", true },
	{ "[List] John <a@b.test>", "[List] John|a|b.test", true },
	{ "a..b@c.test", "|a..b|c.test|\"a..b\"@c.test", true },
	{ ".a@c.test", "|.a|c.test|\".a\"@c.test", true },
	{ "a.@c.test", "|a.|c.test|\"a.\"@c.test", true },
	{ "a@b.test.", "|a|b.test", true },
	{ "a@b..test, c@d.test", "|a|b\n|c|d.test", true },
	{ "a@, c@d.test", "|c|d.test", true },
	{ "@b.test, c@d.test", "|c|d.test", true },
	{ "a@b@c.test, d@e.test", "|a|b\n|d|e.test", true },
	{ "root", "", true },
	{ "root, a@b.test", "|a|b.test", true },
	{ "<>", "", true },
	{ "<root>", "", true },
	{ "a@b.test>", "|a|b.test", true },
	{ "<a@b.test", "|a|b.test", true },
	{ "<a@b.test, c@d.test", "|a|b.test\n|c|d.test", true },
	{ "<x <a@b.test>>", "|a|b.test", true },
	{ "<@b.test>, <c@d.test>", "|c|d.test", true },
	{ "a@[192.0.2.1, c@d.test", "|c|d.test", true },
	{ "a@[], c@d.test", "|c|d.test", true },
	{ "a@b$.test, c@d.test", "|c|d.test", true },
	{ "a@b\xff.test, c@d.test", "|c|d.test", true },
	/* one that does not end hides nothing */
	{ "\"a <b@c.test>", "a|b|c.test", true },
	{ "(a <b@c.test>", "a|b|c.test", true },
	{ "a@b.test (x <c@d.test>", "|a|b.test\nx|c|d.test", true },
	{ "\"a\\\" <b@c.test>", "|b|c.test", true },
	{ "g:a@b.test, c@d.test", "|a|b.test\n|c|d.test", true },
	{ "g:h:a@b.test;;", "|a|b.test", true },
	{ ":a@b.test", "|a|b.test", true },
	{ "\"a\x01\"@b.test", "|a?|b.test", true },
	{ "a\x01@b.test", "", true },
	{ "=?x?q?a@b.test,?=@c.test",
	    "|=?x?q?a@b.test,?=|c.test|\"=?x?q?a@b.test,?=\"@c.test", true },
	{ "\\ a@b.test", "|a|b.test", true },
	{ ")", "", true },
	{ "a@b.test\\", "|a|b.test", true },
};

static void
put_mailbox(struct buf *b, const struct mr_mailbox *m)
{
	char plain[512];

	if (b->n > 0)
		buf_char(b, '\n');
	buf_printf(b, "%s|%s|%s", m->display, m->local, m->domain);
	snprintf(plain, sizeof(plain), "%s@%s", m->local, m->domain);
	if (strcmp(plain, m->address) != 0)
		buf_printf(b, "|%s", m->address);
}

static void
test_list(void **state)
{
	struct arena *arena = arena_create(512);
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct list_case *c = &cases[i];
		const struct mr_mailboxes *found =
		    mailbox_parse(arena, span_of(c->value));
		struct buf b = { 0 };

		buf_text(&b, "");
		for (uint32_t m = 0; m < found->count; m++)
			put_mailbox(&b, &found->items[m]);
		if (strcmp(b.p, c->want) != 0 || found->broken != c->broken) {
			print_error("%s: broken %d\n%s\nand not\n%s\n",
			    c->value, found->broken, b.p, c->want);
			bad++;
		}
		buf_finish(&b);
		arena_reset(arena);
	}
	arena_destroy(&arena);
	assert_int_equal(bad, 0);
}

static void
test_limit(void **state)
{
	struct arena *arena = arena_create(512);
	const struct mr_mailboxes *found;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < MAILBOX_COUNT; i++)
		buf_printf(&b, "a%d@b.test,", i);
	found = mailbox_parse(arena, (struct span){ b.p, b.n });
	assert_int_equal(found->count, MAILBOX_COUNT);
	assert_false(found->broken);
	assert_string_equal(found->items[255].address, "a255@b.test");
	buf_text(&b, "c@d.test");
	found = mailbox_parse(arena, (struct span){ b.p, b.n });
	assert_int_equal(found->count, MAILBOX_COUNT);
	assert_true(found->broken);
	buf_finish(&b);
	arena_destroy(&arena);
}

/* Nesting takes no stack, and what does not end is looked for once. */
static void
test_depth(void **state)
{
	struct arena *arena = arena_create(512);
	const struct mr_mailboxes *found;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 500000; i++)
		buf_char(&b, '(');
	buf_text(&b, "a@b.test");
	found = mailbox_parse(arena, (struct span){ b.p, b.n });
	assert_int_equal(found->count, 1);
	assert_true(found->broken);
	for (int i = 0; i < 500000; i++)
		buf_char(&b, ')');
	buf_text(&b, "c@d.test");
	found = mailbox_parse(arena, (struct span){ b.p, b.n });
	assert_int_equal(found->count, 1);
	assert_string_equal(found->items[0].local, "c");
	assert_false(found->broken);
	buf_finish(&b);
	arena_destroy(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
