/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/dkim/canon.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct out {
	char bytes[4096];
	size_t n;
};

static void
collect(void *arg, const void *bytes, size_t n)
{
	struct out *o = arg;

	assert_true(o->n + n < sizeof(o->bytes));
	memcpy(o->bytes + o->n, bytes, n);
	o->n += n;
	o->bytes[o->n] = '\0';
}

/* RFC 6376, 3.4.3 to 3.4.5 */
static const struct body {
	const char *in, *simple, *relaxed;
} bodies[] = {
	{ "", "\r\n", "" },
	{ "\r\n", "\r\n", "" },
	{ "\r\n\r\n\r\n", "\r\n", "" },
	{ " \r\n", " \r\n", "" },
	{ " \r\n\t\r\n", " \r\n\t\r\n", "" },
	{ "a", "a\r\n", "a\r\n" },
	{ "a\r\n", "a\r\n", "a\r\n" },
	{ "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
	{ "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n" },
	{ "a \r\n", "a \r\n", "a\r\n" },
	{ "a\t \tb", "a\t \tb\r\n", "a b\r\n" },
	{ "  a", "  a\r\n", " a\r\n" },
	{ "\ta", "\ta\r\n", " a\r\n" },
	{ "a b c", "a b c\r\n", "a b c\r\n" },
	{ "a  b  c", "a  b  c\r\n", "a b c\r\n" },
	{ "a b  c d", "a b  c d\r\n", "a b c d\r\n" },
	{ "12345678 12345678  12345678\t", "12345678 12345678  12345678\t\r\n",
	    "12345678 12345678 12345678\r\n" },
	/* the example of 3.4.5 */
	{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "a\r\n \r\n\r\n", "a\r\n \r\n", "a\r\n" },
};

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		const struct body *b = &bodies[i];
		struct out simple = { 0 }, relaxed = { 0 };

		canon_body(false, b->in, strlen(b->in), collect, &simple);
		canon_body(true, b->in, strlen(b->in), collect, &relaxed);
		if (strcmp(simple.bytes, b->simple) != 0)
			fail_msg("\"%s\": \"%s\"", b->in, simple.bytes);
		if (strcmp(relaxed.bytes, b->relaxed) != 0)
			fail_msg("\"%s\": \"%s\"", b->in, relaxed.bytes);
	}
}

/* Word for word, as the section on the relaxed algorithm has it. */
static void
relax(const char *line, char *out)
{
	size_t n = strlen(line), k = 0;

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < n; i++) {
		bool blank = line[i] == ' ' || line[i] == '\t';

		if (blank && k > 0 && i > 0 &&
		    (line[i - 1] == ' ' || line[i - 1] == '\t'))
			continue;
		out[k++] = blank ? ' ' : line[i];
	}
	memcpy(out + k, "\r\n", 3);
}

/* Blanks at all places of lines around the eight bytes looked at at once. */
static void
test_blanks(void **state)
{
	static const char bytes[] = "ab  \t\x01\x21\x08\x0a\x89";
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		char line[44], want[sizeof(line) + 3];
		struct out out = { 0 };
		size_t n = (size_t)(i % 40) + 1;

		line[0] = 'x';
		for (size_t k = 1; k < n; k++) {
			random = random * 1664525 + 1013904223;
			line[k] = bytes[(random >> 16) % (sizeof(bytes) - 1)];
			if (line[k] == '\n')
				line[k] = ' ';
		}
		line[n] = '\0';
		relax(line, want);
		memcpy(line + n, "\r\n", 3);
		canon_body(true, line, n + 2, collect, &out);
		if (strcmp(out.bytes, want) != 0)
			fail_msg("\"%s\": \"%s\"", line, out.bytes);
	}
}

static const struct field {
	const char *name, *value, *simple, *relaxed;
} fields[] = {
	/* the example of 3.4.5 */
	{ "A", " X", "A: X\r\n", "a:X\r\n" },
	{ "B ", " Y\t\n\tZ  ", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
	{ "Subject", "", "Subject:\r\n", "subject:\r\n" },
	{ "Subject", " \n \n ", "Subject: \r\n \r\n \r\n", "subject:\r\n" },
	{ "X", "a\r\n b", "X:a\r\n b\r\n", "x:a b\r\n" },
	{ "X", "  a  b  ", "X:  a  b  \r\n", "x:a b\r\n" },
	{ "X", " caf\xc3\xa9", "X: caf\xc3\xa9\r\n", "x:caf\xc3\xa9\r\n" },
};

static void
test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct field *f = &fields[i];
		struct out simple = { 0 }, relaxed = { 0 }, last = { 0 };

		canon_field(false, f->name, f->value, false, collect, &simple);
		canon_field(true, f->name, f->value, false, collect, &relaxed);
		canon_field(true, f->name, f->value, true, collect, &last);
		assert_string_equal(simple.bytes, f->simple);
		assert_string_equal(relaxed.bytes, f->relaxed);
		assert_int_equal(last.n + 2, relaxed.n);
		assert_memory_equal(last.bytes, relaxed.bytes, last.n);
	}
}

static const struct fault {
	const char *body;
	enum canon_fault want;
} faults[] = {
	{ "", CANON_CLEAN },
	{ "\r\n", CANON_CLEAN },
	{ "a", CANON_CLEAN },
	{ "a\r\nb\r\n", CANON_CLEAN },
	{ "a\nb\r\n", CANON_BARE_LF },
	{ "\n", CANON_BARE_LF },
	{ "a\r\nb\n", CANON_BARE_LF },
	{ "a\rb\r\n", CANON_BARE_CR },
	{ "a\r", CANON_BARE_CR },
	{ "a\r\r\n", CANON_BARE_CR },
	{ "\r\r", CANON_BARE_CR },
	{ "a\r\n\r", CANON_BARE_CR },
};

static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		const char *b = faults[i].body;

		if (canon_check(b, strlen(b)) != faults[i].want)
			fail_msg("\"%s\"", b);
	}
	assert_int_equal(canon_check("a\0b\r\n", 5), CANON_CLEAN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_blanks),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
