/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

static void
test_zeroed(void **state)
{
	unsigned char *p = memory_zalloc(1000);

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	free(p);
	p = memory_zalloc(0);
	assert_non_null(p);
	free(p);
}

static void
test_resize(void **state)
{
	char *p = memory_resize(NULL, 4);

	(void)state;
	memcpy(p, "abc", 4);
	p = memory_resize(p, 100000);
	assert_string_equal(p, "abc");
	free(p);
}

static void
test_text(void **state)
{
	char *copy = memory_copy("example");
	char *text = memory_printf("%s:%d", copy, 25);

	(void)state;
	assert_string_equal(copy, "example");
	assert_string_equal(text, "example:25");
	free(copy);
	free(text);
}

/* Built with a sanitizer, too much shall be refused as it is without. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* volatile, or the compiler sees that no memory is needed */
static volatile size_t too_much = SIZE_MAX / 2;

static void
ask_too_much(int which)
{
	static char some[1];
	struct rlimit none = { 0, 0 };
	volatile char *p;

	setrlimit(RLIMIT_CORE, &none);
	p = which == 0 ? memory_zalloc(too_much)
		       : memory_resize(NULL, too_much);
	_exit(p == some ? 1 : 0);
}

/* The process ends by SIGABRT, and says why. */
static void
test_no_memory_left(void **state)
{
	(void)state;
	for (int which = 0; which < 2; which++) {
		char said[16 * 1024] = "";
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		if ((pid = fork()) == 0) {
			signal(SIGABRT, SIG_DFL);
			dup2(ends[1], STDERR_FILENO);
			ask_too_much(which);
		}
		close(ends[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
		close(ends[0]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
		assert_non_null(strstr(said, "out of memory\n"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_no_memory_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
