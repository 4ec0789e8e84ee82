/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal as it runs: a process of its own at the other end of a socket,
 * and a real SQLite file, which is then read with SQLite alone.
 */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "millrace/plugin.h"
#include "process/journal.h"
#include "process/journal_packet.h"

#define DAY_US (INT64_C(86400) * 1000000)

struct fixture {
	char folder[64];
	char path[128];
	int sock; /* the senders' end; -1 when it was closed */
	pid_t pid;
};

static int
setup(void **state)
{
	struct fixture *f = memory_zalloc(sizeof(*f));

	strcpy(f->folder, "/tmp/millrace-test-XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/j/journal.db", f->folder);
	f->sock = -1;
	*state = f;
	return 0;
}

/* What the journal says goes to a file, for those who want to look. */
static void
start(struct fixture *f, int64_t days)
{
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	f->sock = pair[0];
	if ((f->pid = fork()) == 0) {
		char log[128];

		snprintf(log, sizeof(log), "%s/log", f->folder);
		close(pair[0]);
		dup2(open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
		journal_run(&(struct journal_settings){
		    .path = f->path, .days = days, .sock = pair[1] });
		_exit(0);
	}
	close(pair[1]);
	journal_use(f->sock);
}

static void
stop(struct fixture *f)
{
	int status;

	journal_use(-1);
	close(f->sock);
	f->sock = -1;
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_int_equal(status, 0);
	f->pid = 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *command = memory_printf("rm -rf %s", f->folder);

	if (f->sock != -1)
		stop(f);
	assert_int_equal(system(command), 0);
	free(command);
	free(f);
	return 0;
}

static struct record
plain(int64_t time_us, const char *id)
{
	return (struct record){
		.time_us = time_us,
		.id = id,
		.queue_id = "4Xk2",
		.listener = "mx",
		.client_addr = "192.0.2.7",
		.sender = "a@example.org",
		.outcome = "reject",
		.stage = "rcpt",
		.by = "lists",
		.reply = { 550, "5.7.1", "No" },
	};
}

/* One text out of the database; "" for NULL. */
static char *
ask(const struct fixture *f, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	const char *text;
	char *copy;

	assert_int_equal(
	    sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(q, 0);
	copy = memory_copy(text != NULL ? text : "");
	sqlite3_finalize(q);
	sqlite3_close(db);
	return copy;
}

static void
expect(const struct fixture *f, const char *sql, const char *want)
{
	char *got = ask(f, sql);

	assert_string_equal(got, want);
	free(got);
}

static void
expect_json_number(const char *json, const char *key, int want)
{
	cJSON *whole = cJSON_Parse(json);

	assert_non_null(whole);
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(
			     cJSON_GetObjectItem(whole, "reply"), key)),
	    want);
	cJSON_Delete(whole);
}

static void
test_columns_and_json(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	struct record_step would = {
		.instance = "rule-a", .verdict = MR_REJECT, .observed = true
	};
	struct stat st;
	char *json;

	r.login = "it's \"me\"\n\xff";
	r.steps = &would;
	start(f, 14);
	assert_true(journal_send(&r));
	stop(f);
	expect(f, "SELECT count(*) FROM record", "1");
	expect(f,
	    "SELECT id || queue_id || sender || client || listener || verdict"
	    " || \"by\" FROM record",
	    "id-14Xk2a@example.org192.0.2.7mxrejectlists");
	expect(f, "SELECT login FROM record", r.login);
	expect(f, "SELECT observed FROM record", "\nrule-a:reject\n");
	json = ask(f, "SELECT json FROM detail");
	expect_json_number(json, "code", 550);
	free(json);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

/* A flush writes what came before it, and says so to who waits for it. */
static void
test_flush(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	char answer[64] = "";
	int pair[2];

	start(f, 14);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (int round = 1; round <= 3; round++) {
		char want[16];

		assert_true(journal_send(&r));
		assert_true(journal_flush_for(f->sock, pair[1]));
		assert_int_equal(read(pair[0], answer, sizeof(answer)),
		    strlen("{\"ok\":true}\n"));
		assert_memory_equal(answer, "{\"ok\":true}\n", 12);
		snprintf(want, sizeof(want), "%d", round);
		expect(f, "SELECT count(*) FROM record", want);
	}
	assert_true(journal_flush(f->sock));
	/* our copy closed, the journal's was the last */
	close(pair[1]);
	assert_int_equal(read(pair[0], answer, sizeof(answer)), 0);
	close(pair[0]);
}

/* Without a flush rows are there within a second all the same. */
static void
test_batch_in_time(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	char *n = NULL;

	start(f, 14);
	assert_true(journal_send(&r));
	for (int tries = 0; tries < 100; tries++) {
		usleep(100 * 1000);
		if (access(f->path, R_OK) == 0 &&
		    strcmp(n = ask(f, "SELECT count(*) FROM record"), "1") == 0)
			break;
		free(n);
		n = NULL;
	}
	assert_non_null(n);
	free(n);
}

static void
test_many(void **state)
{
	enum { ROWS = 20000 };
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), NULL);
	char id[16], queue_id[16], want[16];
	int sent = 0;

	start(f, 14);
	for (int i = 0; i < ROWS; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		snprintf(queue_id, sizeof(queue_id), "%08X", i * 2654435761u);
		r.id = id;
		r.queue_id = queue_id;
		while (!journal_send(&r)) /* full: the journal catches up */
			usleep(1000);
		sent++;
	}
	stop(f);
	snprintf(want, sizeof(want), "%d", sent);
	expect(f, "SELECT count(*) FROM record JOIN detail USING (n)", want);
	expect(f, "SELECT count(DISTINCT id) FROM record", want);
	expect(f, "PRAGMA integrity_check", "ok");
}

/* Nobody reads: a sender is told, and does not wait. */
static void
test_full(void **state)
{
	struct record r = plain(1, "id-1");
	int pair[2];
	size_t sent = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	journal_use(pair[0]);
	while (sent < 10 * 1000 * 1000 && journal_send(&r))
		sent++;
	assert_in_range(sent, 1, 1000 * 1000);
	close(pair[1]);
	assert_false(journal_send(&r));
	journal_use(-1);
	assert_true(journal_send(&r));
	close(pair[0]);
}

static void
test_old_rows_go(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_wall_us();
	struct record old = plain(now - 15 * DAY_US, "old");
	struct record young = plain(now - 13 * DAY_US, "young");

	start(f, 0);
	for (int i = 0; i < 5000; i++)
		while (!journal_send(&old))
			usleep(1000);
	assert_true(journal_send(&young));
	stop(f);
	expect(f, "SELECT count(*) FROM record", "5001");
	start(f, 14);
	for (int tries = 0; tries < 200; tries++) {
		char *n = ask(f, "SELECT count(*) FROM detail");
		bool done = strcmp(n, "1") == 0;

		free(n);
		if (done)
			break;
		usleep(50 * 1000);
	}
	expect(f, "SELECT count(*) FROM detail", "1");
	expect(f, "SELECT id FROM record", "young");
}

static size_t
count_files(const char *pattern)
{
	glob_t g = { 0 };
	size_t n;

	glob(pattern, 0, NULL, &g);
	n = g.gl_pathc;
	globfree(&g);
	return n;
}

static void
test_corrupt(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	char pattern[160];
	FILE *file;

	start(f, 14);
	stop(f);
	assert_non_null(file = fopen(f->path, "w"));
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database, not at all\n", file);
	fclose(file);
	start(f, 14);
	assert_true(journal_send(&r));
	stop(f);
	expect(f, "SELECT id FROM record", "id-1");
	snprintf(pattern, sizeof(pattern), "%s.corrupt-*", f->path);
	assert_int_equal(count_files(pattern), 1);
}

/* Damage that shows only while it is being written. */
static void
test_corrupt_later(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	char page[4096], pattern[160];
	int fd;

	start(f, 14);
	for (int i = 0; i < 3000; i++)
		while (!journal_send(&r))
			usleep(1000);
	stop(f);
	memset(page, 0xff, sizeof(page));
	assert_return_code(fd = open(f->path, O_WRONLY), 0);
	/* every page but the first, which holds the schema */
	for (off_t at = 4096; at < lseek(fd, 0, SEEK_END); at += 4096)
		assert_int_equal(
		    pwrite(fd, page, sizeof(page), at), sizeof(page));
	close(fd);
	r.id = "id-2";
	start(f, 14);
	assert_true(journal_send(&r));
	stop(f);
	expect(f, "SELECT id FROM record", "id-2");
	snprintf(pattern, sizeof(pattern), "%s.corrupt-*", f->path);
	assert_int_equal(count_files(pattern), 1);
}

/* The place cannot be written: records wait there until it can. */
static void
test_unusable_then_usable(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	int fd;

	*strrchr(f->path, '/') = '\0'; /* a file stands where its folder... */
	assert_return_code(fd = open(f->path, O_CREAT | O_WRONLY, 0600), 0);
	close(fd);
	strcat(f->path, "/journal.db");
	start(f, 14);
	assert_true(journal_send(&r));
	usleep(700 * 1000);
	*strrchr(f->path, '/') = '\0'; /* ... is to be: now it is gone */
	assert_int_equal(unlink(f->path), 0);
	strcat(f->path, "/journal.db");
	stop(f);
	expect(f, "SELECT id FROM record", "id-1");
}

static void
test_newer_format_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	sqlite3 *db;

	start(f, 14);
	stop(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version=7", NULL, NULL, NULL);
	sqlite3_close(db);
	start(f, 14);
	journal_send(&r);
	stop(f);
	expect(f, "SELECT count(*) FROM record", "0");
	expect(f, "PRAGMA user_version", "7");
}

static void
test_malformed_are_dropped(void **state)
{
	static char huge[JOURNAL_PACKET_MAX + 100];
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	struct buf b = { 0 };

	start(f, 14);
	journal_packet_put(&b, &r);
	for (size_t n = 1; n < b.n; n++)
		assert_int_equal(
		    send(f->sock, b.p, n, 0), n); /* cut off anywhere */
	assert_int_equal(send(f->sock, "\x02junk", 5, 0), 5);
	assert_int_equal(send(f->sock, huge, sizeof(huge), 0), sizeof(huge));
	assert_true(journal_send(&r));
	stop(f);
	expect(f, "SELECT count(*) FROM record", "1");
	buf_finish(&b);
}

/* Too large in every way: the row is kept, and what decided is in it. */
static void
test_too_large_is_shortened(void **state)
{
	/* Each recipient is more than a megabyte of JSON. */
	enum { STEPS = 5000, RECIPIENTS = 20 };
	struct fixture *f = *state;
	struct record r = plain(clock_wall_us(), "id-1");
	struct record_step *steps = memory_zalloc(STEPS * sizeof(*steps));
	struct record_recipient *to = memory_zalloc(RECIPIENTS * sizeof(*to));
	char *text = memory_zalloc(200001);

	memset(text, '\x01', 200000); /* six bytes each in JSON */
	for (int i = 0; i < STEPS; i++)
		steps[i] = (struct record_step){ .instance = "lists",
			.next = &steps[i + 1] };
	for (int i = 0; i < RECIPIENTS; i++)
		to[i] = (struct record_recipient){ .address = text,
			.next = &to[i + 1] };
	steps[STEPS - 1].verdict = MR_REJECT;
	steps[STEPS - 1].next = NULL;
	to[RECIPIENTS - 1].next = NULL;
	r.steps = steps;
	start(f, 14);
	assert_true(journal_send(&r));
	r.recipients = to;
	r.sender = r.header_from = r.message_id = r.reply.text = text;
	r.id = "id-2";
	assert_true(journal_send(&r));
	stop(f);
	expect(f, "SELECT count(*) FROM record", "2");
	expect(f,
	    "SELECT json_extract(json, '$.steps[#-1].verdict') ||"
	    " json_extract(json, '$.shortened') FROM detail WHERE n = 1",
	    "reject1");
	expect(f,
	    "SELECT json_valid(json) || json_extract(json, '$.shortened') ||"
	    " json_extract(json, '$.id') FROM detail WHERE n = 2",
	    "11id-2");
	free(steps);
	free(to);
	free(text);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_columns_and_json),
		T(test_flush),
		T(test_batch_in_time),
		T(test_many),
		T(test_full),
		T(test_old_rows_go),
		T(test_corrupt),
		T(test_corrupt_later),
		T(test_unusable_then_usable),
		T(test_newer_format_is_left_alone),
		T(test_malformed_are_dropped),
		T(test_too_large_is_shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
