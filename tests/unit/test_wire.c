/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
put_one_of_each(struct buf *b)
{
	wire_u8(b, 200);
	wire_u32(b, 4000000000u);
	wire_u64(b, UINT64_C(18000000000000000000));
	wire_real(b, -6.25);
	wire_bytes(b, (struct span){ "a\0b", 3 });
	wire_bytes(b, (struct span){ NULL, 0 });
	wire_text(b, "example");
	wire_text(b, "");
	wire_text(b, NULL);
}

static void
test_there_and_back(void **state)
{
	struct buf b = { 0 };
	struct wire w = { 0 };
	struct span s;

	(void)state;
	put_one_of_each(&b);
	w.in = (struct span){ b.p, b.n };
	assert_int_equal(wire_get_u8(&w), 200);
	assert_int_equal(wire_get_u32(&w), 4000000000u);
	assert_int_equal(wire_get_u64(&w), UINT64_C(18000000000000000000));
	assert_true(wire_get_real(&w) == -6.25);
	s = wire_get_bytes(&w);
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 3);
	assert_int_equal(wire_get_bytes(&w).n, 0);
	assert_string_equal(wire_get_text(&w), "example");
	assert_string_equal(wire_get_text(&w), "");
	assert_null(wire_get_text(&w));
	assert_false(w.bad);
	assert_int_equal(w.in.n, 0);
	assert_int_equal(wire_get_u8(&w), 0);
	assert_true(w.bad);
	buf_finish(&b);
}

/*
 * Cut off anywhere, the reader finds out, keeps it, and reads nothing that
 * is not there (the copy is just as long as it may look).
 */
static void
test_cut_off(void **state)
{
	struct buf b = { 0 };

	(void)state;
	put_one_of_each(&b);
	for (size_t n = 0; n < b.n; n++) {
		char *part = memory_zalloc(n);
		struct wire w = { { part, n }, false };

		memcpy(part, b.p, n);
		wire_get_u8(&w);
		wire_get_u32(&w);
		wire_get_u64(&w);
		wire_get_real(&w);
		wire_get_bytes(&w);
		wire_get_bytes(&w);
		wire_get_text(&w);
		wire_get_text(&w);
		assert_null(wire_get_text(&w));
		assert_true(w.bad);
		assert_int_equal(wire_get_u32(&w), 0);
		assert_true(wire_get_real(&w) == 0);
		assert_int_equal(wire_get_bytes(&w).n, 0);
		free(part);
	}
	buf_finish(&b);
}

static const struct text_case {
	const char *bytes;
	size_t n;
	bool bad;
} text_cases[] = {
	{ "abc\0", 4, false }, { "\0", 1, false },
	{ "abc", 3, true },     /* no NUL */
	{ "a\0c\0", 4, true },  /* one inside */
	{ "abc\0\0", 5, true }, /* two at the end */
	{ "", 0, false },       /* NULL */
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		struct buf b = { 0 };
		struct wire w = { 0 };
		const char *text;

		wire_bytes(&b, (struct span){ c->bytes, c->n });
		w.in = (struct span){ b.p, b.n };
		text = wire_get_text(&w);
		assert_int_equal(w.bad, c->bad);
		if (c->bad || c->n == 0)
			assert_null(text);
		else
			assert_string_equal(text, c->bytes);
		buf_finish(&b);
	}
}

/* Two frames that come in byte by byte. */
static void
test_frames(void **state)
{
	struct buf b = { 0 };
	struct wire_frame f;
	struct span in, body;
	size_t began;

	(void)state;
	began = wire_begin(&b, 7, 1, 513);
	assert_int_equal(began, 0);
	wire_u32(&b, 99);
	wire_end(&b, began);
	began = wire_begin(&b, 8, 0, 0);
	wire_end(&b, began);
	assert_int_equal(b.n, 8 + 4 + 8);
	for (size_t n = 0; n < 12; n++) {
		in = (struct span){ b.p, n };
		assert_int_equal(wire_next(&in, &f, &body), 0);
		assert_int_equal(in.n, n);
	}
	in = (struct span){ b.p, b.n };
	assert_int_equal(wire_next(&in, &f, &body), 1);
	assert_int_equal(f.length, 4);
	assert_int_equal(f.type, 7);
	assert_int_equal(f.flags, 1);
	assert_int_equal(f.extra, 513);
	assert_int_equal(body.n, 4);
	assert_int_equal(wire_next(&in, &f, &body), 1);
	assert_int_equal(f.type, 8);
	assert_int_equal(body.n, 0);
	assert_int_equal(wire_next(&in, &f, &body), 0);
	buf_finish(&b);
}

static void
test_frame_too_long(void **state)
{
	static const struct {
		uint32_t length;
		int want;
	} cases[] = {
		{ WIRE_FRAME_MAX, 0 },
		{ WIRE_FRAME_MAX + 1, -1 },
		{ UINT32_MAX, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire_frame f = { cases[i].length, 1, 0, 0 };
		struct wire_frame got;
		struct span body, in = { (const char *)&f, sizeof(f) };

		assert_int_equal(wire_next(&in, &got, &body), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_frame_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
