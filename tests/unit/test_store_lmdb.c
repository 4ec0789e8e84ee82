/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: what it keeps, what it forgets, what it survives. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "service/limit.h"
#include "service/lmdb_private.h"
#include "service/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SIZE = 16 << 20 };

static char folder[] = "/tmp/millrace-store-XXXXXX";
static void *store;
static const struct store_backend *const b = &store_lmdb;

static struct mr_bytes
text(const char *s)
{
	return (struct mr_bytes){ s, (uint32_t)strlen(s) };
}

static const struct store_call *
call(bool dry_run)
{
	static struct store_call c;

	c = (struct store_call){ clock_steady_us() + 1000000, dry_run };
	return &c;
}

static void
open_store(void)
{
	char *why;

	store = store_lmdb_open(folder, SIZE, false, &why);
	if (store == NULL)
		fail_msg("%s", why);
}

static void
close_store(void)
{
	b->close(store);
	store = NULL;
}

static int
setup(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	if (mkdtemp(folder) == NULL)
		return 1;
	open_store();
	return 0;
}

static char *
in_folder(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "shared",
		"clean" };

	(void)state;
	if (store != NULL)
		close_store();
	for (size_t i = 0; i < COUNT(names); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

static mr_store_status
set(const char *key, const char *value, int64_t ttl_ms, bool only_new)
{
	return b->set(store, call(false), text("g"), text(key), text(value),
	    ttl_ms, only_new);
}

/* The value, or "(none)". */
static const char *
get(const char *key)
{
	static struct buf value;
	mr_store_status status;

	buf_cut(&value, 0);
	status = b->get(store, call(false), text("g"), text(key), &value);
	if (status != MR_STORE_OK) {
		assert_int_equal(status, MR_STORE_NONE);
		return "(none)";
	}
	return value.n > 0 ? value.p : "";
}

static void
test_values(void **state)
{
	(void)state;
	assert_string_equal(get("a"), "(none)");
	assert_int_equal(set("a", "1", 0, false), MR_STORE_OK);
	assert_int_equal(set("ab", "", 0, true), MR_STORE_OK);
	assert_int_equal(set("a", "2", 0, true), MR_STORE_OVER);
	assert_string_equal(get("a"), "1");
	assert_string_equal(get("ab"), "");
	assert_int_equal(set("a", "2", 0, false), MR_STORE_OK);
	assert_string_equal(get("a"), "2");
	assert_int_equal(
	    b->remove(store, call(false), text("g"), text("a")), MR_STORE_OK);
	assert_int_equal(
	    b->remove(store, call(false), text("g"), text("a")), MR_STORE_NONE);
	assert_string_equal(get("a"), "(none)");
	/* Not the same group. */
	assert_int_equal(b->remove(store, call(false), text("ga"), text("b")),
	    MR_STORE_NONE);
}

static void
test_expiry(void **state)
{
	(void)state;
	assert_int_equal(set("a", "1", 1, false), MR_STORE_OK);
	assert_int_equal(set("b", "1", 3600000, false), MR_STORE_OK);
	usleep(2000);
	assert_string_equal(get("a"), "(none)");
	assert_string_equal(get("b"), "1");
	assert_int_equal(set("a", "2", 0, true), MR_STORE_OK);
	assert_string_equal(get("a"), "2");
	assert_int_equal(set("c", "1", 1, false), MR_STORE_OK);
	usleep(2000);
	assert_int_equal(
	    b->remove(store, call(false), text("g"), text("c")), MR_STORE_NONE);
}

static void
test_count(void **state)
{
	int64_t now = 0;

	(void)state;
	assert_int_equal(
	    b->count(store, call(false), text("g"), text("n"), 5, 0, &now),
	    MR_STORE_OK);
	assert_int_equal(
	    b->count(store, call(false), text("g"), text("n"), -8, 0, &now),
	    MR_STORE_OK);
	assert_int_equal(now, -3);
	assert_string_equal(get("n"), "-3");
	set("n", "9223372036854775806", 0, false);
	assert_int_equal(
	    b->count(store, call(false), text("g"), text("n"), 1, 0, &now),
	    MR_STORE_OK);
	assert_true(now == INT64_MAX);
	assert_int_equal(
	    b->count(store, call(false), text("g"), text("n"), 1, 0, &now),
	    MR_STORE_BAD);
	assert_string_equal(get("n"), "9223372036854775807");
	set("n", "1x", 0, false);
	assert_int_equal(
	    b->count(store, call(false), text("g"), text("n"), 1, 0, &now),
	    MR_STORE_BAD);
	/* From the first addition on: the second does not prolong it. */
	b->count(store, call(false), text("g"), text("m"), 1, 1, &now);
	b->count(store, call(false), text("g"), text("m"), 1, 3600000, &now);
	usleep(2000);
	assert_string_equal(get("m"), "(none)");
}

static void
put_member(const char *member, uint32_t bound, int64_t ttl_ms, uint32_t want,
    bool fresh)
{
	uint32_t distinct = 0;
	bool is_fresh = !fresh;

	assert_int_equal(b->distinct(store, call(false), text("g"), text("set"),
			     text(member), bound, ttl_ms, &distinct, &is_fresh),
	    MR_STORE_OK);
	assert_int_equal(distinct, want);
	assert_int_equal(is_fresh, fresh);
}

static void
test_distinct(void **state)
{
	(void)state;
	put_member("a", 3, 0, 1, true);
	put_member("b", 3, 0, 2, true);
	put_member("a", 3, 0, 2, false);
	put_member("c", 3, 0, 3, true);
	put_member("d", 3, 0, 3, true); /* b was the oldest */
	put_member("a", 3, 0, 3, false);
	put_member("b", 3, 0, 3, true);
	put_member("x", 1, 0, 1, true);
	usleep(2000);
	put_member("y", 3, 1, 1, true);
}

/* --- limits --- */

static const struct mr_limit pair[] = {
	{ .key = { "m", 1 },
	    .kind = MR_LIMIT_WINDOW,
	    .amount = 3,
	    .period_ms = 3600000,
	    .cost = 1 },
	{ .key = { "r", 1 },
	    .kind = MR_LIMIT_RATE,
	    .amount = 1,
	    .burst = 2,
	    .period_ms = 3600000,
	    .cost = 1 },
};

static mr_store_status
reserve(const char *once, bool dry_run, struct mr_limit_state *s)
{
	const struct store_limits q = { text("g"), pair, 2, text(once) };
	uint32_t refused = 77;
	mr_store_status status =
	    b->reserve(store, call(dry_run), &q, s, &refused);

	assert_int_equal(refused, status == MR_STORE_OVER ? 1 : 77);
	return status;
}

static mr_store_status
refund(const char *once, const struct mr_limit_state *s)
{
	const struct store_limits q = { text("g"), pair, 2, text(once) };

	return b->refund(store, call(false), &q, s);
}

static void
test_reserve(void **state)
{
	struct mr_limit_state s[2], first[2], two[2];
	const struct store_limits q = { text("g"), pair, 2, text("") };

	(void)state;
	assert_int_equal(reserve("", true, s), MR_STORE_OK);
	assert_int_equal(s[0].used, 1);
	assert_int_equal(reserve("one", false, first), MR_STORE_OK);
	assert_int_equal(first[0].used, 1);
	assert_int_equal(first[0].free, 2);
	assert_int_equal(first[0].flags, 0);
	assert_int_equal(reserve("one", false, s), MR_STORE_OK);
	assert_int_equal(s[0].flags, MR_LIMIT_REPEATED);
	assert_int_equal(s[0].used, 1);
	assert_true(s[0].token == first[0].token);
	assert_int_equal(reserve("two", false, two), MR_STORE_OK);
	assert_int_equal(two[0].free, 1);
	assert_int_equal(two[1].free, 0);
	assert_int_equal(reserve("three", false, s), MR_STORE_OVER);
	assert_int_equal(s[0].free, 1);
	assert_true(s[1].retry_ms > 3590000);
	/* A refusal is not remembered, a refund makes room once. */
	assert_int_equal(refund("two", two), MR_STORE_OK);
	assert_int_equal(refund("two", two), MR_STORE_NONE);
	assert_int_equal(refund("three", s), MR_STORE_NONE);
	assert_int_equal(reserve("three", false, s), MR_STORE_OK);
	assert_int_equal(reserve("four", false, s), MR_STORE_OVER);
	assert_int_equal(b->reset(store, call(false), &q), MR_STORE_OK);
	assert_int_equal(refund("", first), MR_STORE_OK);
	assert_int_equal(reserve("", false, s), MR_STORE_OK);
	assert_int_equal(s[0].used, 1);
}

/* --- listing --- */

static bool
write_down(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	buf_printf(arg, "%.*s=%.*s ", (int)key.n, (const char *)key.p,
	    (int)value.n, (const char *)value.p);
	/* It may ask the store meanwhile. */
	set("while", "looking", 0, false);
	return true;
}

static bool
write_group(void *arg, struct mr_bytes group)
{
	buf_printf(arg, "%.*s ", (int)group.n, (const char *)group.p);
	return true;
}

static bool
count_key(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	(void)key;
	(void)value;
	return ++*(int *)arg < 1000;
}

static void
test_listing(void **state)
{
	struct mr_limit_state s[2];
	struct buf out = { 0 };
	char key[16];
	int n = 0;

	(void)state;
	set("ab", "1", 0, false);
	set("ac", "2", 0, false);
	set("b", "3", 0, false);
	set("a-old", "3", 1, false);
	usleep(2000);
	reserve("a name", false, s);
	put_member("a", 3, 0, 1, true);
	b->set(store, call(false), text("h"), text("ab"), text("4"), 0, false);
	b->set(store, call(false), text("ga"), text("ab"), text("5"), 0, false);
	b->each(store, call(false), text("g"), text("a"), write_down, &out);
	assert_string_equal(out.p, "ab=1 ac=2 ");
	buf_cut(&out, 0);
	b->each(store, call(false), text("g"), text(""), write_down, &out);
	assert_string_equal(out.p, "m= r= set= ab=1 ac=2 b=3 while=looking ");
	buf_cut(&out, 0);
	b->groups(store, call(false), text(""), write_group, &out);
	assert_string_equal(out.p, "g h ga ");
	buf_cut(&out, 0);
	b->groups(store, call(false), text("g"), write_group, &out);
	assert_string_equal(out.p, "g ga ");
	buf_finish(&out);
	for (int i = 0; i < 1200; i++) {
		snprintf(key, sizeof(key), "%d", i);
		b->set(store, call(false), text("many"), text(key), text(""), 0,
		    false);
	}
	b->each(store, call(false), text("many"), text(""), count_key, &n);
	assert_int_equal(n, 1000);
	n = -300;
	b->each(store, call(false), text("many"), text(""), count_key, &n);
	assert_int_equal(n, 900);
}

static void
test_dry_run(void **state)
{
	int64_t now = 0;
	uint32_t distinct = 0;
	bool fresh = false;

	(void)state;
	set("a", "1", 0, false);
	assert_int_equal(b->set(store, call(true), text("g"), text("a"),
			     text("2"), 0, false),
	    MR_STORE_OK);
	assert_int_equal(
	    b->set(store, call(true), text("g"), text("a"), text("2"), 0, true),
	    MR_STORE_OVER);
	assert_int_equal(
	    b->count(store, call(true), text("g"), text("a"), 4, 0, &now),
	    MR_STORE_OK);
	assert_int_equal(now, 5);
	assert_int_equal(
	    b->remove(store, call(true), text("g"), text("a")), MR_STORE_OK);
	assert_int_equal(b->distinct(store, call(true), text("g"), text("s"),
			     text("x"), 3, 0, &distinct, &fresh),
	    MR_STORE_OK);
	assert_int_equal(distinct, 1);
	assert_string_equal(get("a"), "1");
	put_member("x", 3, 0, 1, true);
}

/* --- life --- */

static void
test_it_stays(void **state)
{
	char *why;
	void *other;

	(void)state;
	set("a", "1", 0, false);
	close_store();
	assert_int_equal(access(in_folder("clean"), F_OK), 0);
	open_store();
	assert_int_equal(access(in_folder("clean"), F_OK), -1);
	assert_string_equal(get("a"), "1");
	/* Another process's, as it were: the last user closes it. */
	other = store_lmdb_open(folder, SIZE, true, &why);
	assert_non_null(other);
	b->close(other);
	assert_int_equal(access(in_folder("clean"), F_OK), -1);
	assert_string_equal(get("a"), "1");
}

static void
overwrite(const char *name, off_t at, const void *p, size_t n)
{
	int fd = open(in_folder(name), O_WRONLY);

	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

/* As after a start of the machine. */
static void
test_boot(void **state)
{
	const off_t at = offsetof(struct lmdb_shared, boot);

	(void)state;
	set("a", "1", 0, false);
	close_store();
	overwrite("shared", at, "another", 7);
	open_store();
	assert_string_equal(get("a"), "1");
	close_store();
	overwrite("shared", at, "another", 7);
	unlink(in_folder("clean"));
	open_store();
	assert_string_equal(get("a"), "(none)");
	/* The same start: a process that died does no harm. */
	set("a", "2", 0, false);
	close_store();
	unlink(in_folder("clean"));
	open_store();
	assert_string_equal(get("a"), "2");
}

static void
garbage(const char *name)
{
	char bytes[4096];
	struct stat st;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 255);
	assert_int_equal(stat(in_folder(name), &st), 0);
	for (off_t at = 0; at < st.st_size && at < 1 << 20; at += 4096)
		overwrite(name, at, bytes, sizeof(bytes));
}

static void
damage_all(void)
{
	garbage("data.mdb");
}

static void
damage_lock(void)
{
	garbage("lock.mdb");
}

static void
damage_shared(void)
{
	garbage("shared");
}

/* All but the first pages, which say how it goes on. */
static void
damage_pages(void)
{
	static char zero[4096];

	for (off_t at = 2; at < 200; at++)
		overwrite("data.mdb", at * 4096, zero, sizeof(zero));
}

static void
damage_random(void)
{
	char bytes[64];

	memset(bytes, 0xa5, sizeof(bytes));
	for (off_t at = 2; at < 200; at++)
		overwrite("data.mdb", at * 4096 + 16, bytes, sizeof(bytes));
}

static void
cut_short(void)
{
	assert_int_equal(truncate(in_folder("data.mdb"), 3 * 4096), 0);
}

static void
cut_off(void)
{
	assert_int_equal(truncate(in_folder("data.mdb"), 0), 0);
}

static void
cut_clean(void)
{
	overwrite("clean", 0, "xx", 2);
	overwrite("shared", 0, "xx", 2);
}

static const struct damage {
	const char *name;
	void (*act)(void);
	bool kept;
} damages[] = {
	{ "garbage", damage_all, false },
	{ "zeroed pages", damage_pages, false },
	{ "random bytes in pages", damage_random, false },
	{ "truncated", cut_short, false },
	{ "empty", cut_off, false },
	{ "locks are garbage", damage_lock, true },
	{ "the shared page is garbage", damage_shared, true },
	{ "not closed in order", cut_clean, false },
};

static void
test_damage(void **state)
{
	char key[16];

	(void)state;
	for (size_t i = 0; i < COUNT(damages); i++) {
		print_message("%s\n", damages[i].name);
		for (int j = 0; j < 3000; j++) {
			snprintf(key, sizeof(key), "key %d", j);
			set(key, "a value of some length", 0, false);
		}
		close_store();
		damages[i].act();
		open_store();
		assert_string_equal(get("key 7"),
		    damages[i].kept ? "a value of some length" : "(none)");
		assert_int_equal(set("key 7", "x", 0, false), MR_STORE_OK);
		assert_string_equal(get("key 7"), "x");
	}
}

/* A child writes until it is killed; others go on, and nothing is lost. */
static void
test_kill(void **state)
{
	const struct store_limits q = { text("g"), pair, 1, text("") };
	struct mr_limit_state s;
	uint32_t refused;
	int ends[2];
	char c;

	(void)state;
	set("a", "1", 0, false);
	for (int i = 0; i < 20; i++) {
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		if ((child = fork()) == 0) {
			/* An environment is not for use behind a fork. */
			store = NULL;
			open_store();
			for (int n = 0;; n++) {
				b->reserve(
				    store, call(false), &q, &s, &refused);
				set("a", "1", 0, false);
				if (n == i && write(ends[1], "x", 1) == -1)
					_exit(1);
			}
		}
		assert_int_equal(read(ends[0], &c, 1), 1);
		usleep((useconds_t)(i * 211));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		close(ends[0]);
		close(ends[1]);
		assert_int_equal(set("b", "1", 0, false), MR_STORE_OK);
		assert_string_equal(get("a"), "1");
	}
	b->reserve(store, call(false), &q, &s, &refused);
	assert_int_equal(s.used, 3);
}

/* Who is stopped while it writes: others give up in time, and go on later. */
static void
test_stopped_writer(void **state)
{
	struct lmdb_settings settings = { folder, SIZE, false };
	struct store_call c;
	int ends[2];
	char *why, ch;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	if ((child = fork()) == 0) {
		struct lmdb *db = lmdb_open(&settings, &why);
		struct lmdb_txn t;

		if (db == NULL ||
		    !lmdb_write(db, clock_steady_us() + 5000000, &t) ||
		    write(ends[1], "x", 1) == -1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &ch, 1), 1);
	c = (struct store_call){ clock_steady_us() + 20000, false };
	assert_int_equal(
	    b->set(store, &c, text("g"), text("a"), text("1"), 0, false),
	    MR_STORE_DOWN);
	assert_string_equal(get("a"), "(none)");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(set("a", "1", 0, false), MR_STORE_OK);
	close(ends[0]);
	close(ends[1]);
}

static void
test_sweep(void **state)
{
	struct lmdb_settings settings = { folder, SIZE, false };
	struct lmdb *db;
	char key[16], *why;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		set(key, "1", i % 2 ? 1 : 0, false);
	}
	close_store();
	db = lmdb_open(&settings, &why);
	/* All, unless the store has swept some by itself. */
	assert_true(lmdb_count(db) > 50);
	usleep(2000);
	for (int i = 0; i < 50 && lmdb_count(db) > 50; i++) {
		db->shared->swept_us = 0; /* as if a second had passed */
		lmdb_tend(db);
	}
	assert_int_equal(lmdb_count(db), 50);
	lmdb_close(&db);
	open_store();
	assert_string_equal(get("98"), "1");
}

/* A full store counts on those that it knows, and heals by sweeping. */
static void
test_full(void **state)
{
	static char value[60000];
	struct lmdb_settings settings = { folder, SIZE, false };
	mr_store_status status = MR_STORE_OK;
	struct mr_limit_state s[2];
	struct lmdb *db;
	char key[16], *why;
	int n = 0;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	assert_int_equal(reserve("", false, s), MR_STORE_OK);
	for (; n < 1000 && status == MR_STORE_OK; n++) {
		snprintf(key, sizeof(key), "%d", n);
		status = set(key, value, 1, false);
	}
	assert_int_equal(status, MR_STORE_DOWN);
	assert_true(n > 150);
	assert_int_equal(reserve("", false, s), MR_STORE_OK);
	assert_int_equal(s[0].used, 2);
	close_store();
	db = lmdb_open(&settings, &why);
	for (int i = 0; i < 200 && lmdb_count(db) > 2; i++) {
		db->shared->swept_us = 0;
		lmdb_tend(db);
	}
	assert_int_equal(lmdb_count(db), 2);
	lmdb_close(&db);
	open_store();
	assert_int_equal(set("new", "1", 0, false), MR_STORE_OK);
}

/* Root does not leave behind what the daemon's user cannot write. */
static void
test_owner(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	close_store();
	unlink(in_folder("data.mdb"));
	unlink(in_folder("lock.mdb"));
	unlink(in_folder("shared"));
	unlink(in_folder("clean"));
	assert_int_equal(chown(folder, 65534, 65534), 0);
	open_store();
	set("a", "1", 0, false);
	assert_int_equal(stat(in_folder("data.mdb"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(stat(in_folder("lock.mdb"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(stat(in_folder("shared"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	close_store();
	assert_int_equal(stat(in_folder("clean"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(geteuid(), 0);
}

/* Nothing is there: nothing is made, and all is as in an empty one. */
static void
test_dry_run_without_file(void **state)
{
	struct mr_limit_state s[2];
	char *why;

	(void)state;
	close_store();
	unlink(in_folder("data.mdb"));
	unlink(in_folder("lock.mdb"));
	unlink(in_folder("shared"));
	unlink(in_folder("clean"));
	store = store_lmdb_open(folder, SIZE, true, &why);
	assert_non_null(store);
	assert_int_equal(reserve("", true, s), MR_STORE_OK);
	assert_int_equal(s[0].free, 2);
	assert_string_equal(get("a"), "(none)");
	assert_int_equal(
	    b->set(store, call(true), text("g"), text("a"), text("2"), 0, true),
	    MR_STORE_OK);
	assert_int_equal(access(in_folder("data.mdb"), F_OK), -1);
	assert_int_equal(access(in_folder("shared"), F_OK), -1);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_values),
		EACH(test_expiry),
		EACH(test_count),
		EACH(test_distinct),
		EACH(test_reserve),
		EACH(test_listing),
		EACH(test_dry_run),
		EACH(test_it_stays),
		EACH(test_boot),
		EACH(test_damage),
		EACH(test_kill),
		EACH(test_stopped_writer),
		EACH(test_sweep),
		EACH(test_full),
		EACH(test_owner),
		EACH(test_dry_run_without_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
