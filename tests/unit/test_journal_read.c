/* SPDX-License-Identifier: Apache-2.0 */
/* What explain and history find, in a journal that the store has written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "process/journal_read.h"
#include "process/journal_store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[64], path[128];

static const struct journal_row rows[] = {
	{ 1000, "id-1", "Q1", "a@example.com", NULL, "192.0.2.1", "mx",
	    "accept", NULL, "\nrule-a:reject\n", { NULL, 0 } },
	{ 2000, "id-2", "Q2", "B@Example.com", "bob", "192.0.2.200", "mx",
	    "reject", "lists", NULL, { NULL, 0 } },
	{ 3000, "id-3", "Q1", "", NULL, "2001:db8::1", "submission", "reject",
	    "rule-a", NULL, { NULL, 0 } },
	{ 4000, "id-4", NULL, NULL, NULL, "local", "mx", "tempfail", "lists",
	    "\nrule-a:tempfail\n\nrule-b:reject\n", { NULL, 0 } },
};

static void
put(struct journal_store *s, const struct journal_row *row)
{
	struct journal_row r = *row;
	char *why = NULL;
	char *json = memory_printf("{\"id\":\"%s\",\"recipients\":[{"
				   "\"address\":\"to-%s@Example.net\"}]}",
	    r.id, r.id);

	r.json = span_of(json);
	assert_true(journal_store_put(s, &r, &why));
	free(json);
}

/* The rows, with more than a group of others between two of them. */
static int
setup(void **state)
{
	struct journal_row filler = rows[0];
	struct journal_store *s;
	char *why = NULL;

	(void)state;
	strcpy(folder, "/tmp/millrace-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/a ?%%.db", folder);
	if ((s = journal_store_open(path, &why)) == NULL)
		return -1;
	filler.time_us = 1;
	filler.id = "filler";
	filler.queue_id = "FILLER";
	filler.observed = NULL;
	assert_true(journal_store_begin(s, &why));
	for (size_t i = 0; i < COUNT(rows); i++) {
		put(s, &rows[i]);
		for (int k = 0; i == 0 && k < 10000; k++)
			put(s, &filler);
	}
	assert_true(journal_store_commit(s, &why));
	journal_store_close(&s);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };

	(void)state;
	for (size_t i = 0; i < COUNT(tails); i++) {
		char *name = memory_printf("%s%s", path, tails[i]);

		unlink(name); /* readers may leave the last two */
		free(name);
	}
	return rmdir(folder);
}

/* "id-2" out of its JSON, one after the other. */
static void
note(void *arg, const char *json)
{
	struct buf *b = arg;
	const char *id = strstr(json, "\"id\":\"");

	assert_non_null(id);
	buf_printf(b, "%.4s ", id + 6);
}

static const struct search_case {
	const char *name;
	struct journal_search search;
	const char *want; /* newest first */
} search_cases[] = {
	{ "all but the filler", { .since_us = 1000 }, "id-4 id-3 id-2 id-1 " },
	{ "limit", { .since_us = 1000, .limit = 2 }, "id-4 id-3 " },
	{ "since is in, until is out", { .since_us = 2000, .until_us = 4000 },
	    "id-3 id-2 " },
	{ "sender in any case", { .sender = "b@EXAMPLE.com" }, "id-2 " },
	{ "sender with a star", { .since_us = 1000, .sender = "*@example.com" },
	    "id-2 id-1 " },
	{ "the empty sender", { .sender = "" }, "id-3 " },
	{ "no pattern but the star", { .sender = "?@example.com" }, "" },
	{ "no set either", { .sender = "[ab]@example.com" }, "" },
	{ "recipient", { .recipient = "TO-id-3@example.net" }, "id-3 " },
	{ "recipient with a star",
	    { .since_us = 3000, .recipient = "*@example.net" }, "id-4 id-3 " },
	{ "login", { .login = "bob" }, "id-2 " },
	{ "client", { .since_us = 2, .client = "192.0.2.1" }, "id-1 " },
	{ "clients of a network", { .since_us = 2, .client = "192.0.2.0/24" },
	    "id-2 id-1 " },
	{ "clients of half a network",
	    { .since_us = 2, .client = "192.0.2.128/25" }, "id-2 " },
	{ "clients by IPv6", { .client = "2001:db8::/32" }, "id-3 " },
	{ "verdict", { .verdict = "reject" }, "id-3 id-2 " },
	{ "by", { .by = "lists" }, "id-4 id-2 " },
	{ "listener", { .listener = "submission" }, "id-3 " },
	{ "two at once", { .verdict = "reject", .by = "lists" }, "id-2 " },
	{ "observed", { .observed = true }, "id-4 id-1 " },
	{ "observed by", { .observed = true, .by = "rule-b" }, "id-4 " },
	{ "observed verdict", { .observed = true, .verdict = "reject" },
	    "id-4 id-1 " },
	{ "observed by with verdict",
	    { .observed = true, .by = "rule-a", .verdict = "reject" },
	    "id-1 " },
	{ "nothing", { .by = "nobody" }, "" },
	{ "no SQL", { .by = "x' OR 1 --" }, "" },
};

static void
test_search(void **state)
{
	char *why = NULL;
	struct journal_reader *r = journal_read_open(path, &why);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < COUNT(search_cases); i++) {
		const struct search_case *c = &search_cases[i];
		struct buf got = { 0 };
		int n;

		buf_put(&got, "", 0);
		n = journal_read_search(r, &c->search, note, &got, &why);
		if (strcmp(got.p, c->want) != 0)
			fail_msg("%s: %s not %s", c->name, got.p, c->want);
		assert_int_equal(n, strlen(c->want) / 5);
		buf_finish(&got);
	}
	journal_read_close(&r);
}

static const struct find_case {
	const char *id;
	int limit;
	const char *want;
} find_cases[] = {
	{ "Q1", 0, "id-3 id-1 " }, /* 10,000 rows apart */
	{ "Q1", 1, "id-3 " },
	{ "id-1", 0, "id-1 " },
	{ "id-4", 0, "id-4 " },
	{ "Q", 0, "" },
	{ "", 0, "" },
};

static void
test_find(void **state)
{
	char *why = NULL;
	struct journal_reader *r = journal_read_open(path, &why);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < COUNT(find_cases); i++) {
		const struct find_case *c = &find_cases[i];
		struct buf got = { 0 };

		buf_put(&got, "", 0);
		assert_int_not_equal(
		    journal_read_find(r, c->id, c->limit, note, &got, &why),
		    -1);
		if (strcmp(got.p, c->want) != 0)
			fail_msg("%s: %s not %s", c->id, got.p, c->want);
		buf_finish(&got);
	}
	journal_read_close(&r);
}

static void
test_no_journal(void **state)
{
	char *why = NULL, *other = memory_printf("%s/none.db", folder);
	FILE *f;

	(void)state;
	assert_null(journal_read_open(other, &why));
	assert_non_null(strstr(why, "there is none yet"));
	free(why);
	assert_int_equal(access(other, F_OK), -1);
	assert_non_null(f = fopen(other, "w"));
	fputs("this is no database, whatever its name says it is", f);
	fclose(f);
	assert_null(journal_read_open(other, &why));
	assert_non_null(strstr(why, "not a database"));
	free(why);
	unlink(other);
	free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_no_journal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
