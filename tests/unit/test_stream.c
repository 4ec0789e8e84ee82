/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "stream/1" against servers of the test's own: threads that
 * say what they are told, on sockets of this process.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <millrace/fake.h>

#include "../../plugins/null/null.c"
#include "service/service.h"
#include "service/stream_server.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text, *why; /* part of it; NULL: it is right */
	int family;
} addresses[] = {
	{ "unix:/run/x.sock", NULL, AF_UNIX },
	{ "inet:3310@127.0.0.1", NULL, AF_INET },
	{ "inet:3310@localhost", NULL, AF_INET },
	{ "inet6:3310@2001:db8::1", NULL, AF_INET6 },
	{ "inet6:3310@localhost", NULL, AF_INET6 },
	{ "inet:3310@clamd.example.com", "is not an IPv4 address", 0 },
	{ "inet:0@127.0.0.1", "is not a port", 0 },
	{ "127.0.0.1:3310", "is not a socket", 0 },
	{ "unix:clamd.ctl", "write the whole path", 0 },
	{ "systemd:clamd", "cannot be connected to", 0 },
	{ "", "is not a socket", 0 },
};

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct stream_server s;
		char why[MR_STREAM_WHY] = "";
		bool ok = stream_server_parse(addresses[i].text, &s, why);

		if (ok != (addresses[i].why == NULL))
			fail_msg("%s: %s", addresses[i].text, why);
		if (ok)
			assert_int_equal(
			    s.address.ss_family, addresses[i].family);
		else if (strstr(why, addresses[i].why) == NULL)
			fail_msg("%s: %s", addresses[i].text, why);
	}
}

static void
test_order(void **state)
{
	struct mr_stream s = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .retry_ms = 100, .count = 3
	};

	(void)state;
	assert_int_equal(stream_server_next(&s, 0, 1000), 0);
	assert_int_equal(stream_server_next(&s, 1, 1000), 1);
	assert_int_equal(stream_server_next(&s, 7, 1000), -1);
	assert_true(stream_server_failed(&s, 0, 1000));
	assert_int_equal(stream_server_next(&s, 0, 1000), 1);
	assert_int_equal(stream_server_next(&s, 0, 1099), 1);
	assert_int_equal(stream_server_next(&s, 0, 1100), 0);
	/* Only the first failure of a row is news. */
	assert_false(stream_server_failed(&s, 0, 1100));
	assert_true(stream_server_worked(&s, 0));
	assert_false(stream_server_worked(&s, 0));
	/* All fail: the one that is asked soonest anyway, and only one. */
	stream_server_failed(&s, 1, 2000);
	stream_server_failed(&s, 0, 2010);
	stream_server_failed(&s, 2, 2020);
	assert_int_equal(stream_server_next(&s, 0, 2050), 1);
	assert_int_equal(stream_server_next(&s, 2, 2050), -1);
}

/* --- servers --- */

struct server {
	int listener;
	char name[128];
	const char *say; /* NULL: nothing */
	size_t heed;     /* bytes to read first; 0: none */
	bool to_end;     /* read until the client ends its side */
	bool hang;       /* keep it open without a word until the end */
	pthread_t thread;
	size_t heard;
	int accepted;
};

static void
serve_one(struct server *s, int fd)
{
	char bytes[65536];
	ssize_t n;

	s->heard = 0;
	while ((s->heard < s->heed || s->to_end) &&
	       (n = read(fd, bytes, sizeof(bytes))) > 0)
		s->heard += (size_t)n;
	if (s->say != NULL)
		for (const char *p = s->say; *p != '\0'; p++)
			(void)!write(fd, p, 1); /* in pieces */
	while (s->hang && read(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) != -1) {
		s->accepted++;
		serve_one(s, fd);
	}
	return NULL;
}

static void
server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (void *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(s->listener, (void *)&a, &n), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	snprintf(
	    s->name, sizeof(s->name), "inet:%u@127.0.0.1", ntohs(a.sin_port));
	pthread_create(&s->thread, NULL, serve, s);
}

static void
server_stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

/* An answer is "yes" and a full stop. */
static mr_stream_state
read_yes(void *arg, const char *bytes, size_t n, bool end)
{
	(void)arg;
	(void)end;
	if (n >= 3 && memcmp(bytes, "bad", 3) == 0)
		return MR_STREAM_BAD;
	if (n >= 3 && memcmp(bytes, "no.", 3) == 0)
		return MR_STREAM_NEXT;
	return n >= 4 && memcmp(bytes, "yes.", 4) == 0 ? MR_STREAM_DONE
						       : MR_STREAM_MORE;
}

static const struct mr_stream_service *
service(void)
{
	return stream_service.table;
}

static struct mr_stream *
open_all(struct server *servers, size_t count)
{
	const char *names[4];
	struct mr_list list = { (uint32_t)count, names };
	char why[MR_STREAM_WHY];
	struct mr_stream *s;

	for (size_t i = 0; i < count; i++)
		names[i] = servers[i].name;
	s = service()->open(&list, 60000, why);
	assert_non_null(s);
	return s;
}

static void
begin(struct fake *f)
{
	fake_init(f, &mr_plugin_null);
	assert_true(fake_open(f));
	fake_mail(f, "a@example.com");
}

static const struct mr_stream_piece hello[] = { { "hel", 3 }, { "", 0 },
	{ "lo", 2 } };

static const struct mr_stream_question question = { .pieces = hello,
	.count = COUNT(hello),
	.connect_ms = 5000,
	.answer_ms = 5000,
	.answer_max = 1000,
	.read = read_yes };

static const struct {
	const char *about;
	struct server first;
	int64_t answer_ms; /* 0: 5000 */
	const char *why;   /* of the first; NULL: it answers */
	bool off;          /* it is left alone then */
} faults[] = {
	{ "an answer", { .heed = 5, .say = "yes." }, 0, NULL, false },
	{ "more than asked for", { .heed = 5, .say = "yes.no" }, 0, NULL,
	    false },
	{ "garbage", { .heed = 5, .say = "bad" }, 0,
	    "its answer makes no sense", true },
	{ "half of it", { .heed = 5, .say = "ye" }, 0,
	    "it hung up in the middle", true },
	{ "nothing", { .heed = 5 }, 0, "it hung up without an answer", true },
	{ "silence", { .heed = 5, .hang = true }, 50, "no answer in time",
	    true },
	{ "it cannot now", { .heed = 5, .say = "no." }, 0,
	    "it cannot do it for this message", false },
};

static void
test_failover(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct server s[2] = { faults[i].first,
			{ .heed = 5, .say = "yes." } };
		struct mr_stream_question q = question;
		const char *bytes, *why;
		struct mr_stream *all;
		char line[200];
		struct fake f;
		size_t n;

		server_start(&s[0]);
		server_start(&s[1]);
		begin(&f);
		all = open_all(s, 2);
		if (faults[i].answer_ms != 0)
			q.answer_ms = faults[i].answer_ms;
		for (int round = 0; round < 2; round++)
			if (!service()->ask(&f.ctx, all, &q, &bytes, &n, &why))
				fail_msg("%s: %s", faults[i].about, why);
		assert_memory_equal(bytes, "yes.", 4);
		snprintf(line, sizeof(line), "log warn %s: %s\n", s[0].name,
		    faults[i].why);
		assert_string_equal(
		    fake_transcript(&f), faults[i].off ? line : "");
		service()->close(all);
		fake_finish(&f);
		server_stop(&s[0]);
		server_stop(&s[1]);
		assert_int_equal(s[0].accepted, faults[i].off ? 1 : 2);
		assert_int_equal(s[1].accepted, faults[i].why == NULL ? 0 : 2);
	}
}

static void
test_nobody(void **state)
{
	struct server s[1] = { { 0 } };
	const char *bytes, *why;
	struct mr_stream *all;
	char line[200];
	struct fake f;
	size_t n;

	(void)state;
	server_start(&s[0]);
	server_stop(&s[0]);
	begin(&f);
	all = open_all(s, 1);
	snprintf(line, sizeof(line), "%s: Connection refused", s[0].name);
	for (int round = 0; round < 2; round++) {
		assert_false(
		    service()->ask(&f.ctx, all, &question, &bytes, &n, &why));
		assert_string_equal(why, line);
	}
	f.time_left = 0;
	assert_false(service()->ask(&f.ctx, all, &question, &bytes, &n, &why));
	assert_string_equal(why, "there is no time left to ask");
	service()->close(all);
	fake_finish(&f);
}

/* The deadline of the call holds, whatever the server's own is. */
static void
test_deadline(void **state)
{
	struct server s[1] = { { .hang = true } };
	const char *bytes, *why;
	struct mr_stream *all;
	struct fake f;
	size_t n;

	(void)state;
	server_start(&s[0]);
	begin(&f);
	all = open_all(s, 1);
	f.time_left = 100;
	assert_false(service()->ask(&f.ctx, all, &question, &bytes, &n, &why));
	assert_non_null(strstr(why, "no answer in time"));
	service()->close(all);
	fake_finish(&f);
	server_stop(&s[0]);
}

/*
 * More than any buffer holds, to a server that reads all of it, and to one
 * that answers without having read a byte.
 */
static void
test_large(void **state)
{
	static char large[8 << 20];
	const struct mr_stream_piece pieces[] = { { "x", 1 },
		{ large, sizeof(large) }, { "y", 1 } };
	struct server s[2] = { { .to_end = true, .say = "yes." },
		{ .say = "yes.", .hang = true } };
	struct mr_stream_question q = question;
	const char *bytes, *why;
	struct fake f;
	size_t n;

	(void)state;
	q.pieces = pieces;
	q.close = true;
	begin(&f);
	for (size_t i = 0; i < COUNT(s); i++) {
		struct mr_stream *all;

		server_start(&s[i]);
		all = open_all(&s[i], 1);
		if (!service()->ask(&f.ctx, all, &q, &bytes, &n, &why))
			fail_msg("%zu: %s", i, why);
		service()->close(all);
		server_stop(&s[i]);
	}
	assert_int_equal(s[0].heard, sizeof(large) + 2);
	fake_finish(&f);
}

static void
test_answer_max(void **state)
{
	struct server s[1] = { { .heed = 5, .say = "yyyyyyyyyyyyyyyy" } };
	struct mr_stream_question q = question;
	const char *bytes, *why;
	struct mr_stream *all;
	struct fake f;
	size_t n;

	(void)state;
	server_start(&s[0]);
	begin(&f);
	all = open_all(s, 1);
	q.answer_max = 8;
	assert_false(service()->ask(&f.ctx, all, &q, &bytes, &n, &why));
	assert_non_null(strstr(why, "its answer makes no sense"));
	service()->close(all);
	fake_finish(&f);
	server_stop(&s[0]);
}

static void
test_unix(void **state)
{
	struct server s[1] = { { .heed = 5, .say = "yes." } };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *bytes, *why;
	struct mr_stream *all;
	struct fake f;
	size_t n;

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/test-stream-%d",
	    (int)getpid());
	snprintf(s[0].name, sizeof(s[0].name), "unix:%s", a.sun_path);
	s[0].listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s[0].listener, (void *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s[0].listener, 8), 0);
	pthread_create(&s[0].thread, NULL, serve, &s[0]);
	begin(&f);
	all = open_all(s, 1);
	if (!service()->ask(&f.ctx, all, &question, &bytes, &n, &why))
		fail_msg("%s", why);
	assert_int_equal(s[0].heard, 5);
	service()->close(all);
	fake_finish(&f);
	server_stop(&s[0]);
	unlink(a.sun_path);
}

static void
test_header(void **state)
{
	static const char want[] = "Subject: a\r\n b\r\nX:\r\n\r\n";
	struct fake f;
	const char *text;
	size_t n;

	(void)state;
	fake_init(&f, &mr_plugin_null);
	assert_true(fake_open(&f));
	f.plan.wants |= MR_WANT_HEADERS;
	fake_mail(&f, "a@example.com");
	text = service()->header(&f.ctx, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(text, "\r\n", 3);
	fake_header(&f, "Subject", "a\n b");
	fake_header(&f, "X", "");
	f.fields[1].value[0] = '\0'; /* not even a blank */
	text = service()->header(&f.ctx, &n);
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(text, want, sizeof(want));
	/* A fold at once, and one that has its CR. */
	fake_header(&f, "Y", "");
	f.fields[2].value = fake_copy(&f.message, "\n c\r\n d");
	text = service()->header(&f.ctx, &n);
	assert_non_null(strstr(text, "Y:\r\n c\r\n d\r\n"));
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_answer_max),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_header),
	};

	signal(SIGPIPE, SIG_IGN); /* as in a worker */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
