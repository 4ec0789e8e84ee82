/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/test_file.XXXXXX";
static char *inner, *file, *pipe_name, *link_name;

static int
set_up(void **state)
{
	FILE *f;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	inner = memory_printf("%s/inner", folder);
	file = memory_printf("%s/inner/file", folder);
	pipe_name = memory_printf("%s/pipe", folder);
	link_name = memory_printf("%s/link", folder);
	if (mkdir(inner, 0700) == -1 || (f = fopen(file, "w")) == NULL)
		return -1;
	fwrite("one\0two\n", 1, 8, f);
	fclose(f);
	if (symlink(file, link_name) == -1)
		return -1;
	return mkfifo(pipe_name, 0600);
}

static int
tear_down(void **state)
{
	char *moved = memory_printf("%s/moved", folder);

	(void)state;
	/* left behind by a test that failed */
	unlink(moved);
	free(moved);
	unlink(link_name);
	unlink(file);
	unlink(pipe_name);
	rmdir(inner);
	free(inner);
	free(file);
	free(pipe_name);
	free(link_name);
	return rmdir(folder);
}

static void
test_read(void **state)
{
	char *why, *text;
	size_t n = 0;

	(void)state;
	text = file_read(file, 8, &n, &why);
	assert_non_null(text);
	assert_null(why);
	assert_int_equal(n, 8);
	assert_memory_equal(text, "one\0two\n\0", 9);
	free(text);
}

static void
test_read_without_a_size(void **state)
{
	char *why, *text;
	size_t n = 0;

	(void)state;
	text = file_read("/proc/self/status", 100000, &n, &why);
	assert_non_null(text);
	assert_true(n > 100);
	free(text);
	text = file_read("/dev/null", 10, &n, &why);
	assert_null(text);
	assert_string_equal(why, "/dev/null: not a regular file");
	free(why);
}

static void
refuse(const char *path, size_t limit, const char *want)
{
	char *why = NULL, *said = memory_printf("%s: %s", path, want);
	size_t n = 77;

	assert_null(file_read(path, limit, &n, &why));
	assert_string_equal(why, said);
	assert_int_equal(n, 77);
	free(said);
	free(why);
}

static void
test_read_refused(void **state)
{
	char *missing = memory_printf("%s/missing", folder);

	(void)state;
	refuse(file, 7, "larger than 7 bytes");
	refuse(file, 0, "larger than 0 bytes");
	refuse(missing, 10, "No such file or directory");
	refuse(inner, 10, "not a regular file");
	refuse(pipe_name, 10, "not a regular file");
	free(missing);
}

/* The tests may run as root or as anybody; both are "uid" here. */
static const struct trust_case {
	mode_t mode, folder;
	bool want;
	const char *said;
} trust_cases[] = {
	{ 0644, 0755, true, NULL },
	{ 0600, 0700, true, NULL },
	{ 0664, 0755, false, "mode 0664 lets others write to it (chmod go-w" },
	{ 0646, 0755, false, "mode 0646 lets others write to it (chmod go-w" },
	{ 0644, 0775, false, "mode 0775 lets others write to it (chmod go-w" },
	{ 0644, 0757, false, "mode 0757 lets others write to it (chmod go-w" },
	{ 0644, 01777, false, "mode 1777 lets others write" },
};

static void
test_trust(void **state)
{
	const char *const paths[] = { file, link_name };

	(void)state;
	for (size_t i = 0; i < COUNT(trust_cases) * 2; i++) {
		const struct trust_case *c = &trust_cases[i / 2];
		int fd = open(paths[i % 2], O_RDONLY | O_CLOEXEC);
		char *why = NULL;

		assert_int_not_equal(fd, -1);
		assert_int_equal(chmod(file, c->mode), 0);
		assert_int_equal(chmod(inner, c->folder), 0);
		assert_int_equal(
		    file_trusted(fd, paths[i % 2], getuid(), &why), c->want);
		if (c->want) {
			assert_null(why);
		} else {
			/* names the real file or folder, not the link */
			assert_memory_equal(why, inner, strlen(inner));
			assert_non_null(strstr(why, c->said));
		}
		free(why);
		close(fd);
	}
	chmod(file, 0644);
	chmod(inner, 0755);
}

/* Whose file it is: only root can make one that is another's. */
static void
test_trust_of_owners(void **state)
{
	static const struct {
		uid_t file, folder, uid;
		bool want;
	} cases[] = {
		{ 0, 0, 1234, true },
		{ 1234, 0, 1234, true },
		{ 1234, 1234, 1234, true },
		{ 1234, 0, 0, false },
		{ 0, 1234, 0, false },
		{ 0, 1234, 1235, false },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		char *why = NULL;

		assert_int_equal(chown(file, cases[i].file, 0), 0);
		assert_int_equal(chown(inner, cases[i].folder, 0), 0);
		assert_int_equal(
		    file_trusted(fd, file, cases[i].uid, &why), cases[i].want);
		if (!cases[i].want)
			assert_non_null(strstr(why, "owned by uid 1234"));
		free(why);
		close(fd);
	}
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(chown(inner, 0, 0), 0);
}

/* What counts is the file that was opened, not who has the name now. */
static void
test_trust_after_a_swap(void **state)
{
	char *moved = memory_printf("%s/moved", folder);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *why = NULL, *want;

	(void)state;
	assert_int_equal(rename(file, moved), 0);
	fclose(fopen(file, "w"));
	assert_int_equal(chmod(folder, 0777), 0);
	assert_false(file_trusted(fd, file, getuid(), &why));
	want = memory_printf(
	    "%s: mode 0777 lets others write to it (chmod go-w %s)", folder,
	    folder);
	assert_string_equal(why, want);
	free(want);
	free(why);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(rename(moved, file), 0);
	close(fd);
	free(moved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_without_a_size),
		cmocka_unit_test(test_read_refused),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_trust_of_owners),
		cmocka_unit_test(test_trust_after_a_swap),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
