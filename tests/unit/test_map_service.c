/* SPDX-License-Identifier: Apache-2.0 */
/* Quoted keys, patterns and iteration of maps, and the service "map/1". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"
#include "base/map.h"
#include "base/memory.h"
#include "service/service.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct map *
parse(const char *text)
{
	char *why;
	struct map *m = map_parse("l", span_of(text), &why);

	if (m == NULL)
		fail_msg("%s", why);
	return m;
}

static const char *
text_of(const struct map *m, struct arena *a, const char *key)
{
	return map_text(m, a, key);
}

static const char list[] = "\"two words\" the value # comment\n"
			   "\"a # b\"\n"
			   "  \"Subject: *pills*\"\t550 No\n"
			   "\"a@b\"@example.org local part\n"
			   "\"192.0.2.1\" as text\n"
			   "\"*.exe\" pattern\n"
			   "X-Bad:* first\n"
			   "X-*:* second\n"
			   "198.51.100.0/24 network\n";

static const struct find_case {
	const char *(*look_up)(
	    const struct map *, struct arena *, const char *);
	const char *key, *want;
} find_cases[] = {
	{ text_of, "two words", "the value" },
	{ text_of, "TWO WORDS", "the value" },
	{ text_of, "two", NULL },
	{ text_of, "a # b", "" },
	{ map_address, "\"a@b\"@example.org", "local part" },
	{ map_client, "192.0.2.1", NULL },
	{ text_of, "192.0.2.1", "as text" },
	{ map_glob, "subject: Cheap PILLS!", "550 No" },
	{ map_glob, "two words", "the value" },
	{ map_glob, "two  words", NULL },
	{ map_glob, "a.EXE", "pattern" },
	{ map_glob, "X-Bad: x", "first" },
	{ map_glob, "X-Other: x", "second" },
	{ map_glob, "198.51.100.0/24", NULL },
	{ map_glob, "", NULL },
	{ map_glob, NULL, NULL },
};

static void
test_find(void **state)
{
	struct arena *a = arena_create(256);
	struct map *m = parse(list);

	(void)state;
	for (size_t i = 0; i < COUNT(find_cases); i++) {
		const struct find_case *c = &find_cases[i];
		const char *value = c->look_up(m, a, c->key);

		if ((value == NULL) != (c->want == NULL) ||
		    (value != NULL && strcmp(value, c->want) != 0))
			fail_msg("%s: %s", c->key, value ? value : "NULL");
	}
	map_destroy(&m);
	arena_destroy(&a);
}

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "\"two words value\n", "l:1: \"\"two\" begins with a quote" },
	{ "ok\n\"Subject: a@b\n", "l:2: \"\"Subject:\" begins with a quote" },
	{ "\"\" value\n", "l:1: \"\" is an empty key" },
	{ "\"\n", "l:1: \"\"\" begins with a quote" },
	{ "*.exe\n", "l:1: \"*.exe\" would match nothing; write .exe" },
};

static void
test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char *why;

		assert_null(map_parse("l", span_of(wrong[i].text), &why));
		if (strncmp(why, wrong[i].why, strlen(wrong[i].why)) != 0)
			fail_msg("%s", why);
		free(why);
	}
}

static bool
write_down(void *arg, const char *key, const char *value, const char *where)
{
	char *all = arg;
	size_t n = strlen(all);

	snprintf(all + n, 1000 - n, "%s%s|%s|%s\n", where != NULL ? where : "",
	    where != NULL ? "" : "-", key, value);
	return strcmp(value, "stop") != 0;
}

static void
test_each(void **state)
{
	char path[] = "/tmp/test_map_service.XXXXXX", all[1000] = "";
	static const char lines[] = "# comment\n"
				    "192.0.2.0/24 net\n"
				    "\"a b\" x\n"
				    "192.0.2.1\n"
				    "c stop\n"
				    "d never\n";
	const char *entries[] = { "first 1", NULL, "2001:db8::/32" };
	char *why, *entry, *want;
	int fd = mkstemp(path);
	struct map *m;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(
	    write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
	close(fd);
	entries[1] = entry = memory_printf("map:file:%s", path);
	m = map_create(entries, COUNT(entries), &why);
	assert_non_null(m);
	unlink(path);
	map_each(m, write_down, all);
	want = memory_printf("-|first|1\n-|2001:db8::/32|\n"
			     "%s:3|a b|x\n%s:5|c|stop\n",
	    path, path);
	assert_string_equal(all, want);
	free(want);
	map_destroy(&m);
	/* networks as they are written, hosts without a prefix */
	m = parse("192.0.2.0/24 net\n192.0.2.1\n2001:db8::1 six\n");
	all[0] = '\0';
	map_each(m, write_down, all);
	assert_string_equal(
	    all, "-|192.0.2.0/24|net\n-|192.0.2.1|\n-|2001:db8::1|six\n");
	map_destroy(&m);
	map_each(NULL, write_down, all);
	free(entry);
}

static void
test_service(void **state)
{
	const struct mr_map_service *s = service_find(MR_MAP_SERVICE);
	struct map *m = parse("192.0.2.0/24 client\n@example.com address\n"
			      "example.net\nalice text\n\"Sub*\" glob\n");
	const struct mr_map *map = (const struct mr_map *)m;
	const char *kept;
	char all[1000] = "";
	struct fake f;

	(void)state;
	assert_null(service_find("map/2"));
	assert_non_null(s);
	assert_int_equal(s->size, sizeof(*s));
	fake_init(&f, &mr_plugin_null);
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	kept = s->client(&f.ctx, map, "192.0.2.1");
	assert_string_equal(kept, "client");
	assert_string_equal(
	    s->address(&f.ctx, map, "a@example.com"), "address");
	assert_string_equal(s->name(&f.ctx, map, "example.net"), "");
	assert_string_equal(s->text(&f.ctx, map, "Alice"), "text");
	assert_string_equal(s->glob(&f.ctx, map, "subject"), "glob");
	assert_null(s->client(&f.ctx, map, "198.51.100.1"));
	assert_null(s->text(&f.ctx, NULL, "Alice"));
	assert_null(s->text(&f.ctx, map, NULL));
	s->each(NULL, write_down, all);
	assert_string_equal(all, "");
	s->each(map, write_down, all);
	assert_non_null(strstr(all, "-|Sub*|glob\n"));
	/* a value is the session's, whatever becomes of the map */
	map_destroy(&m);
	assert_string_equal(kept, "client");
	fake_finish(&f);
}

/* The fake that outside plugins are tested with says what the daemon says. */
static void
test_fake_agrees(void **state)
{
	static const char *const entries[] = { "192.0.2.0/24 net",
		"192.0.2.7 host", "2001:db8::/32 six", "a@example.com exact",
		"@example.com domain", ".example.com sub", "mx.example.com mx",
		"postmaster@ local", "<> empty", "alice login",
		"\"two words\" quoted", "\"Sub*: ?\" pattern" };
	static const char *const keys[] = { "192.0.2.7", "192.0.2.8",
		"198.51.100.1", "2001:db8::1", "2001:db9::1", "unknown",
		"a@example.com", "A@EXAMPLE.COM", "b@example.com",
		"b@x.example.com", "b@mx.example.com", "postmaster@example.net",
		"postmaster@example.com", "x@example.net", "", "alice",
		"example.com", "mx.example.com", "a.mx.example.com", "com",
		"two words", "Subject: x", "subject: xy", "*" };
	const struct mr_map_service *services[] = { service_find("map/1"),
		&fake_map_service };
	struct mr_map fake = { 0 };
	char *why;
	struct map *real = map_create(entries, COUNT(entries), &why);
	const struct mr_map *maps[] = { (const struct mr_map *)real, &fake };
	struct fake f;

	(void)state;
	assert_non_null(real);
	fake_init(&f, &mr_plugin_null);
	for (size_t i = 0; i < COUNT(entries); i++)
		fake_list_add(&f, &fake.entries, entries[i]);
	for (size_t i = 0; i < COUNT(keys) * 5; i++) {
		const char *key = keys[i / 5], *said[2];

		for (size_t j = 0; j < 2; j++) {
			const struct mr_map_service *s = services[j];
			const char *(*const ways[])(struct mr_ctx *,
			    const struct mr_map *, const char *) = { s->client,
				s->address, s->name, s->text, s->glob };

			said[j] = ways[i % 5](&f.ctx, maps[j], key);
			if (said[j] == NULL)
				said[j] = "(none)";
		}
		if (strcmp(said[0], said[1]) != 0)
			fail_msg("way %zu, %s: real %s, fake %s", i % 5, key,
			    said[0], said[1]);
	}
	map_destroy(&real);
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_fake_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
