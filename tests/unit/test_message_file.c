/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "command/message_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Fields are written as "name|value;" with the value as an MTA passes it. */
static const struct message_case {
	const char *name, *in, *fields, *body;
} message_cases[] = {
	{ "plain", "A: b\nC: d\n\nbody\n", "A| b;C| d;", "body\r\n" },
	{ "crlf", "A: b\r\nC: d\r\n\r\nbody\r\n", "A| b;C| d;", "body\r\n" },
	{ "no blank after the colon", "A:b\n\n", "A|b;", "" },
	{ "two blanks stay", "A:  b \n\n", "A|  b ;", "" },
	{ "an empty value", "A:\nB: \n\n", "A|;B| ;", "" },
	{ "a fold is LF", "A: b\n c\n\td\nE: f\n\n", "A| b\n c\n\td;E| f;",
	    "" },
	{ "a fold in CRLF is LF", "A: b\r\n c\r\nE: f\r\n\r\n",
	    "A| b\n c;E| f;", "" },
	{ "a value that begins on the next line", "A:\n b\n\n", "A|\n b;", "" },
	{ "a bare CR is kept", "A: b\rc\n\n", "A| b\rc;", "" },
	{ "a mailbox's first line goes", "From a@b Mon Jan 1\nA: b\n\nx\n",
	    "A| b;", "x\r\n" },
	{ "a From field stays", "From: a\n\n", "From| a;", "" },
	{ "blanks before the colon", "Subject \t: x\n\n", "Subject| x;", "" },
	{ "no header at all", "\nbody\n", "", "body\r\n" },
	{ "no body, no empty line", "A: b\n", "A| b;", "" },
	{ "no line end at all", "A: b", "A| b;", "" },
	{ "nothing", "", "", "" },
	{ "what is no field begins the body", "A: b\nnot a field\n\nx\n",
	    "A| b;", "not a field\r\n\r\nx\r\n" },
	{ "a fold without a field", " x\nA: b\n\n", "", " x\r\nA: b\r\n\r\n" },
	{ "an empty name", ": x\n\ny\n", "", ": x\r\n\r\ny\r\n" },
	{ "a name with a blank in it", "a b: x\n", "", "a b: x\r\n" },
	{ "the last line gets an end", "A: b\n\nx", "A| b;", "x\r\n" },
	{ "empty lines in the body", "A: b\n\n\n\nx\n\n", "A| b;",
	    "\r\n\r\nx\r\n\r\n" },
	{ "lines of both kinds", "A: b\r\n\na\r\nb\nc", "A| b;",
	    "a\r\nb\r\nc\r\n" },
	{ "a lone CR in the body", "\na\rb\n", "", "a\rb\r\n" },
	{ "8 bits", "A: \xc3\xa4\n\n\xff\n", "A| \xc3\xa4;", "\xff\r\n" },
};

static void
check_case(const struct message_case *c)
{
	struct span in = span_of(c->in), name, raw;
	struct buf fields = { 0 }, body = { 0 };

	buf_put(&fields, "", 0);
	message_file_begin(&in);
	while (message_file_field(&in, &name, &raw)) {
		buf_put(&fields, name.p, name.n);
		buf_char(&fields, '|');
		message_file_value(&fields, raw);
		buf_char(&fields, ';');
	}
	message_file_body(&body, in);
	if (strcmp(fields.p, c->fields) != 0)
		fail_msg("%s: fields \"%s\", not \"%s\"", c->name, fields.p,
		    c->fields);
	if (strcmp(body.p, c->body) != 0)
		fail_msg(
		    "%s: body \"%s\", not \"%s\"", c->name, body.p, c->body);
	buf_finish(&fields);
	buf_finish(&body);
}

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(message_cases); i++)
		check_case(&message_cases[i]);
}

/* A C string cannot hold a NUL: it goes, the rest stays. */
static void
test_nul(void **state)
{
	struct span in = { "A: b\0c\n\nx\0y\n", 12 }, name, raw;
	struct buf b = { 0 };

	(void)state;
	assert_true(message_file_field(&in, &name, &raw));
	message_file_value(&b, raw);
	assert_string_equal(b.p, " bc");
	assert_false(message_file_field(&in, &name, &raw));
	buf_cut(&b, 0);
	message_file_body(&b, in);
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.p, "x\0y\r\n", 5);
	buf_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
