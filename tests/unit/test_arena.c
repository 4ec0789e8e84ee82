/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is handed out is aligned, zeroed, and nobody else's. */
static void
test_alloc(void **state)
{
	static const size_t firsts[] = { 0, 1, 256, 4096, 200000 };

	(void)state;
	for (size_t f = 0; f < COUNT(firsts); f++) {
		struct arena *a = arena_create(firsts[f]);
		unsigned char *got[400];

		for (int round = 0; round < 3; round++) {
			for (size_t i = 0; i < COUNT(got); i++) {
				size_t n = i * 7 % 1000;

				got[i] = arena_alloc(a, n);
				assert_int_equal(
				    (uintptr_t)got[i] % alignof(max_align_t),
				    0);
				for (size_t k = 0; k < n; k++)
					assert_int_equal(got[i][k], 0);
				memset(got[i], (int)(i & 0xff), n);
			}
			for (size_t i = 0; i < COUNT(got); i++)
				for (size_t k = 0; k < i * 7 % 1000; k++)
					assert_int_equal(got[i][k], i & 0xff);
			arena_reset(a);
		}
		arena_destroy(&a);
		assert_null(a);
		arena_destroy(&a);
	}
}

static void
test_small_costs_little(void **state)
{
	struct arena *a = arena_create(256);
	size_t start = arena_size(a);

	(void)state;
	assert_in_range(start, 256, 256 + 80);
	arena_alloc(a, 240);
	assert_int_equal(arena_size(a), start);
	arena_alloc(a, 240);
	assert_in_range(arena_size(a), start + 240, start + 1024);
	arena_reset(a);
	assert_int_equal(arena_size(a), start);
	arena_destroy(&a);
}

/* A large one has its own block; small ones go on where they were. */
static void
test_large(void **state)
{
	struct arena *a = arena_create(4096);
	size_t start = arena_size(a);
	char *small = arena_alloc(a, 16), *next;

	(void)state;
	memset(arena_alloc(a, 1000000), 'x', 1000000);
	assert_in_range(arena_size(a), start + 1000000, start + 1000100);
	next = arena_alloc(a, 16);
	assert_ptr_equal(next, small + 16);
	arena_destroy(&a);
}

static void
test_many_blocks_waste_little(void **state)
{
	struct arena *a = arena_create(0);

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		arena_alloc(a, 48);
	assert_in_range(arena_size(a), 4800000, 5000000);
	arena_destroy(&a);
}

static void
test_text(void **state)
{
	struct arena *a = arena_create(64);

	(void)state;
	assert_string_equal(arena_copy(a, "example"), "example");
	assert_string_equal(
	    arena_copy_span(a, (struct span){ "abcdef", 3 }), "abc");
	assert_string_equal(arena_copy_span(a, (struct span){ NULL, 0 }), "");
	arena_destroy(&a);
}

/* Each length around the end of the first block. */
static void
test_printf(void **state)
{
	char want[200];

	(void)state;
	memset(want, 'x', sizeof(want));
	for (int n = 0; n < 199; n++) {
		struct arena *a = arena_create(100);
		char *text = arena_printf(a, "%.*s", n, want);
		char *after = arena_printf(a, "%d", n);
		char number[16];

		snprintf(number, sizeof(number), "%d", n);
		assert_string_equal(after, number);
		assert_int_equal(strlen(text), n);
		assert_memory_equal(text, want, (size_t)n);
		arena_destroy(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_small_costs_little),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many_blocks_waste_little),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
