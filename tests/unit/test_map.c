/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/memory.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/test_map.XXXXXX";
static char *path, *entry;

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	path = memory_printf("%s/list", folder);
	entry = memory_printf("map:file:%s", path);
	return 0;
}

static int
tear_down(void **state)
{
	char *moved = memory_printf("%s/new", folder);

	(void)state;
	/* left behind by a test that failed */
	unlink(moved);
	free(moved);
	unlink(path);
	free(path);
	free(entry);
	return rmdir(folder);
}

static void
write_file(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static const char policy[] = "10.0.0.0/8 private\n"
			     "10.1.0.0/16 site\n"
			     "10.1.2.3 host\n"
			     "2001:db8::/32 six\n"
			     "2001:db8::1 six-host\n"
			     "[192.0.2.7] literal\n"
			     "user@example.com exact\n"
			     "@example.com at-domain\n"
			     "mail.example.com name\n"
			     ".example.com sub\n"
			     ".sub.example.com deeper\n"
			     "postmaster@ local\n"
			     "example.net plain-domain\n"
			     "dotted.example.org. dotted\n"
			     "\"a@b\"@example.org quoted\n"
			     "<> empty\n"
			     "Word word\n"
			     "unix unix-socket\n"
			     "@ at\n"
			     "1234 number\n"
			     "no-value\n"
			     "user@example.com second\n";

struct match_case {
	const char *(*look_up)(
	    const struct map *, struct arena *, const char *);
	const char *key;
	const char *want; /* NULL: none */
};

static const struct match_case match_cases[] = {
	{ map_client, "10.1.2.3", "host" },
	{ map_client, "10.1.2.4", "site" },
	{ map_client, "10.2.0.1", "private" },
	{ map_client, "::ffff:10.2.0.1", "private" },
	{ map_client, "11.0.0.1", NULL },
	{ map_client, "2001:db8::1", "six-host" },
	{ map_client, "IPv6:2001:DB8::2", "six" },
	{ map_client, "2001:db9::", NULL },
	{ map_client, "192.0.2.7", "literal" },
	{ map_client, "unix", "unix-socket" },
	{ map_client, "", NULL },
	{ map_client, NULL, NULL },

	{ map_address, "user@example.com", "exact" },
	{ map_address, "USER@Example.COM", "exact" },
	{ map_address, "user@example.com.", "exact" },
	{ map_address, "other@example.com", "at-domain" },
	{ map_address, "other@EXAMPLE.com.", "at-domain" },
	{ map_address, "x@mail.example.com", "name" },
	{ map_address, "x@a.example.com", "sub" },
	{ map_address, "x@a.b.example.com", "sub" },
	{ map_address, "x@a.sub.example.com", "deeper" },
	{ map_address, "x@sub.example.com", "sub" },
	{ map_address, "x@notexample.com", NULL },
	{ map_address, "x@example.com.test", NULL },
	{ map_address, "postmaster@example.com", "at-domain" },
	{ map_address, "Postmaster@example.test", "local" },
	{ map_address, "postmaster", "local" },
	{ map_address, "xpostmaster@example.test", NULL },
	{ map_address, "x@example.net", "plain-domain" },
	{ map_address, "x@a.example.net", NULL },
	{ map_address, "\"a@b\"@example.org", "quoted" },
	{ map_address, "x@y@example.com", "at-domain" },
	{ map_address, "x@[192.0.2.7]", "literal" },
	{ map_address, "", "empty" },
	{ map_address, "@", "at" },
	{ map_address, "@example.test", NULL },
	{ map_address, "x@example.test", NULL },
	{ map_address, "@.", "at" },
	{ map_address, "x@", NULL },
	{ map_address, "x@.example.com", NULL },
	{ map_address, NULL, NULL },

	{ map_name, "mail.example.com", "name" },
	{ map_name, "MAIL.example.com.", "name" },
	{ map_name, "example.com", "at-domain" },
	{ map_name, "other.example.com", "sub" },
	{ map_name, "x.sub.example.com", "deeper" },
	{ map_name, "dotted.example.org", "dotted" },
	{ map_name, "dotted.example.org.", "dotted" },
	{ map_name, "[192.0.2.7]", "literal" },
	{ map_name, "[IPv6:2001:db8::1]", "six-host" },
	{ map_name, "word", "word" },
	{ map_name, "com", NULL },
	{ map_name, ".example.com", NULL },
	{ map_name, "@example.com", NULL },
	{ map_name, "user@example.com", NULL },
	{ map_name, "..", NULL },
	{ map_name, ".", NULL },
	{ map_name, "", NULL },

	{ map_text, "wORD", "word" },
	{ map_text, "words", NULL },
	{ map_text, "user@example.com", "exact" },
	{ map_text, "x@mail.example.com", NULL },
	{ map_text, "a.example.com", NULL },
	{ map_text, "10.1.2.3", "host" },
	{ map_text, "10.1.2.4", NULL },
	{ map_text, "10.1.0.0/16", "site" },
	{ map_text, "1234", "number" },
	{ map_text, "no-value", "" },
	{ map_text, "", NULL },
};

static void
check_matches(const struct map *m, const struct match_case *cases, size_t n)
{
	struct arena *a = arena_create(256);

	for (size_t i = 0; i < n; i++) {
		const struct match_case *c = &cases[i];
		const char *got = c->look_up(m, a, c->key);

		if ((got == NULL) != (c->want == NULL))
			print_error("%.60s\n", c->key);
		if (c->want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, c->want);
	}
	arena_destroy(&a);
}

static void
test_match(void **state)
{
	char *why;
	struct map *m = map_parse("list", span_of(policy), &why);

	(void)state;
	assert_null(why);
	assert_non_null(m);
	check_matches(m, match_cases, COUNT(match_cases));
	map_destroy(&m);
	assert_null(m);
	map_destroy(&m);
}

/* The same with "*": whatever had no match has it now. */
static void
test_match_all(void **state)
{
	char *text = memory_printf("* all\n%s", policy), *why;
	struct map *m = map_parse("list", span_of(text), &why);

	(void)state;
	for (size_t i = 0; i < COUNT(match_cases); i++) {
		struct match_case c = match_cases[i];

		if (c.want == NULL)
			c.want = "all";
		check_matches(m, &c, 1);
	}
	map_destroy(&m);
	free(text);
}

static void
test_no_map_matches_nothing(void **state)
{
	struct arena *a = arena_create(64);

	(void)state;
	assert_null(map_client(NULL, a, "192.0.2.1"));
	assert_null(map_address(NULL, a, ""));
	assert_null(map_name(NULL, a, "example.com"));
	assert_null(map_text(NULL, a, "*"));
	map_refresh(NULL);
	arena_destroy(&a);
}

static void
test_entries(void **state)
{
	static const struct match_case cases[] = {
		{ map_address, "a@example.com", "config" },
		{ map_address, "b@example.com", "file" },
		{ map_client, "192.0.2.1", "small" },
		{ map_client, "192.0.3.1", "large" },
		{ map_text, "#5", "number five" },
	};
	const char *const entries[] = { entry, "a@example.com config",
		"192.0.0.0/16 large", "#5  number five " };
	static const char text[] = "\xef\xbb\xbf"
				   "a@example.com file\r\n"
				   "b@example.com file\r\n"
				   "192.0.2.0/24 small";
	struct map *m;
	char *why;

	(void)state;
	write_file(path, text, strlen(text));
	m = map_create(entries, COUNT(entries), &why);
	assert_null(why);
	assert_non_null(m);
	assert_int_equal(map_count(m), 6);
	check_matches(m, cases, COUNT(cases));
	map_destroy(&m);
	m = map_create(NULL, 0, &why);
	assert_int_equal(map_count(m), 0);
	map_destroy(&m);
}

static const struct file_case {
	const char *text;
	size_t n, more;  /* of text; and letters after it */
	const char *why; /* after the path */
} file_cases[] = {
	{ "a\nb\0c\n", 6, 0, ":2: a NUL byte; this is no text file" },
	{ "\xff\xfe"
	  "a\0",
	    4, 0, ":1: a NUL byte; this is no text file" },
	{ "a\n", 2, 512, NULL },
	{ "a\n", 2, 513,
	    ":2: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" is a "
	    "key of more than 512 bytes" },
	{ "a ", 2, 4094, NULL },
	{ "a ", 2, 4095, ":1: a line of more than 4096 bytes" },
	{ "\n\n1.2.3.4/5/6\x1b"
	  "7\n",
	    15, 0,
	    ":3: \"1.2.3.4/5/6\\x1b7\" is no address and no network; write "
	    "it like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32" },
};

static void
test_wrong_files(void **state)
{
	const char *const entries[] = { entry };

	(void)state;
	for (size_t i = 0; i < COUNT(file_cases); i++) {
		const struct file_case *c = &file_cases[i];
		struct buf b = { 0 };
		struct map *m;
		char *why, *want;

		buf_put(&b, c->text, c->n);
		for (size_t k = 0; k < c->more; k++)
			buf_char(&b, 'x');
		write_file(path, b.p, b.n);
		buf_finish(&b);
		m = map_create(entries, 1, &why);
		assert_int_equal(m == NULL, c->why != NULL);
		map_destroy(&m);
		if (c->why == NULL)
			continue;
		want = memory_printf("%s%s", path, c->why);
		assert_string_equal(why, want);
		free(want);
		free(why);
	}
}

static const struct entry_case {
	const char *entry;
	const char *why;
} entry_cases[] = {
	{ "map:file:relative", "\"map:file:relative\": write it like "
			       "map:file:/path" },
	{ "map:redis:/x", "\"map:redis:/x\": write it like map:file:/path" },
	{ "/etc/list", "\"/etc/list\": a file is written map:file:/etc/list" },
	{ "file:/etc/list", "\"file:/etc/list\": a file is written "
			    "map:file:/etc/list" },
	{ "map:file:/nowhere/list", "/nowhere/list: No such file or "
				    "directory" },
	{ "map:file:/", "/: not a regular file" },
	{ "", "\"\" is an empty key" },
	{ " ", "\"\" is an empty key" },
};

static void
test_wrong_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(entry_cases); i++) {
		const char *const entries[] = { "ok", entry_cases[i].entry };
		char *why;

		assert_null(map_create(entries, 2, &why));
		assert_string_equal(why, entry_cases[i].why);
		free(why);
	}
}

/* As an attacker would send it: long, and all dots. */
static void
test_long_keys(void **state)
{
	char *why, *key = memory_zalloc(60001);
	struct map *m = map_parse("l", span_of(policy), &why);
	struct match_case cases[] = {
		{ map_client, key, NULL },
		{ map_address, key, NULL },
		{ map_name, key, NULL },
		{ map_text, key, NULL },
	};

	(void)state;
	for (size_t i = 0; i < 60000; i++)
		key[i] = "a."[i % 2];
	check_matches(m, cases, COUNT(cases));
	memcpy(key + 60000 - 12, ".example.com", 12);
	cases[2].want = "sub";
	check_matches(m, cases, COUNT(cases));
	key[9] = '@';
	cases[1].want = "sub";
	cases[2].want = NULL;
	check_matches(m, cases, COUNT(cases));
	map_destroy(&m);
	free(key);
}

static void
test_many_networks(void **state)
{
	struct arena *a = arena_create(256);
	struct buf b = { 0 };
	struct map *m;
	char *why;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&b, "10.%u.%u.%u/%u %u\n", i >> 12, i >> 4 & 255,
		    (i & 15) << 4, 28 + i % 5, i);
	m = map_parse("l", (struct span){ b.p, b.n }, &why);
	assert_non_null(m);
	assert_int_equal(map_count(m), 100000);
	for (unsigned i = 0; i < 100000; i++) {
		char addr[32], want[16];

		snprintf(addr, sizeof(addr), "10.%u.%u.%u", i >> 12,
		    i >> 4 & 255, (i & 15) << 4);
		snprintf(want, sizeof(want), "%u", i);
		assert_string_equal(map_client(m, a, addr), want);
		if (i % 1000 == 0)
			arena_reset(a);
	}
	assert_null(map_client(m, a, "11.0.0.0"));
	map_destroy(&m);
	buf_finish(&b);
	arena_destroy(&a);
}

static bool
has(const struct map *m, const char *text)
{
	struct arena *a = arena_create(64);
	bool found = map_text(m, a, text) != NULL;

	arena_destroy(&a);
	return found;
}

static void
a_second_later(struct map *m)
{
	usleep(1010 * 1000);
	map_refresh(m);
}

static void
test_refresh(void **state)
{
	const char *const entries[] = { entry, "inline" };
	char *why, *moved = memory_printf("%s/new", folder);
	struct map *m;

	(void)state;
	write_file(path, "one\n", 4);
	m = map_create(entries, 2, &why);
	assert_true(has(m, "one") && has(m, "inline"));
	map_refresh(m);
	/* the same size, and maybe the same time */
	write_file(path, "two\n", 4);
	map_refresh(m); /* too soon: not looked at */
	assert_true(has(m, "one"));
	a_second_later(m);
	assert_true(has(m, "two") && !has(m, "one") && has(m, "inline"));
	/* bad, gone, and well again */
	write_file(path, "two\n1.2.3.4/5\n", 14);
	a_second_later(m);
	assert_true(has(m, "two"));
	unlink(path);
	a_second_later(m);
	assert_true(has(m, "two"));
	write_file(moved, "four\n", 5);
	assert_int_equal(rename(moved, path), 0);
	a_second_later(m);
	assert_true(has(m, "four") && !has(m, "two") && has(m, "inline"));
	map_destroy(&m);
	free(moved);
}

/* What a bad file says is told once, not each second. */
static void
test_complaint_is_told_once(void **state)
{
	const char *const entries[] = { entry };
	FILE *said = tmpfile();
	int kept = dup(STDERR_FILENO);
	char *why, text[2000] = "", *want;
	struct map *m;

	(void)state;
	write_file(path, "one\n", 4);
	m = map_create(entries, 1, &why);
	fflush(stderr);
	dup2(fileno(said), STDERR_FILENO);
	write_file(path, "192.0.2.1/24\n", 13);
	map_refresh(m);
	a_second_later(m);
	a_second_later(m);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(said);
	assert_true(fread(text, 1, sizeof(text) - 1, said) > 0);
	fclose(said);
	want = memory_printf("warn millrace: %s:1: \"192.0.2.1/24\" has host "
			     "bits set; write 192.0.2.0/24; what it said "
			     "before stays in force\n",
	    path);
	assert_non_null(strstr(text, want));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(want);
	map_destroy(&m);
}

static _Atomic bool stop;

static void *
look_and_refresh(void *arg)
{
	struct map *m = arg;
	struct arena *a = arena_create(256);
	size_t missing = 0;

	while (!stop) {
		missing += map_text(m, a, "always") == NULL;
		missing += map_name(m, a, "a.b.example.com") == NULL;
		missing += map_client(m, a, "192.0.2.1") == NULL;
		map_refresh(m);
		arena_reset(a);
	}
	arena_destroy(&a);
	return missing == 0 ? m : NULL;
}

static void
test_threads(void **state)
{
	const char *const entries[] = { entry };
	static const char text[] = "always\n.example.com\n192.0.2.0/24\n";
	char *why, *moved = memory_printf("%s/new", folder);
	pthread_t threads[4];
	struct map *m;

	(void)state;
	write_file(path, text, strlen(text));
	m = map_create(entries, 1, &why);
	stop = false;
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, look_and_refresh, m);
	for (int i = 0; i < 25; i++) {
		char *more = memory_printf("%snow%d\n", text, i);

		write_file(moved, more, strlen(more));
		assert_int_equal(rename(moved, path), 0);
		free(more);
		usleep(100 * 1000);
	}
	stop = true;
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *well;

		pthread_join(threads[i], &well);
		assert_ptr_equal(well, m);
	}
	a_second_later(m);
	assert_int_equal(map_count(m), 4); /* the last one written */
	map_destroy(&m);
	free(moved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_all),
		cmocka_unit_test(test_no_map_matches_nothing),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_wrong_entries),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_many_networks),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_complaint_is_told_once),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
