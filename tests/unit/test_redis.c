/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, redirections and answers of Redis, without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "service/limit.h"
#include "service/redis.h"
#include "service/redis_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* As CLUSTER KEYSLOT says. */
static const struct slot_case {
	const char *key;
	uint16_t slot;
} slot_cases[] = {
	{ "123456789", 12739 }, /* the check value of this CRC */
	{ "foo", 12182 },
	{ "bar", 5061 },
	{ "hello", 866 },
	{ "", 0 },
	{ "mr:{bar}:L:x", 5061 },
	{ "foo{bar}{zap}", 5061 },
};

static void
test_slots(void **state)
{
	struct mr_bytes open = { "{bar", 4 }, whole = { "x{}bar", 6 };

	(void)state;
	for (size_t i = 0; i < COUNT(slot_cases); i++) {
		const struct slot_case *c = &slot_cases[i];
		struct mr_bytes key = { c->key, (uint32_t)strlen(c->key) };

		if (redis_slot(key) != c->slot)
			fail_msg("%s: %u", c->key, redis_slot(key));
	}
	assert_int_not_equal(redis_slot(open), 5061);
	assert_int_not_equal(redis_slot(whole), 0);
}

static const struct redirection_case {
	const char *error, *host;
	uint16_t slot, port;
	bool ok, ask;
} redirection_cases[] = {
	{ "MOVED 3999 192.0.2.1:6381", "192.0.2.1", 3999, 6381, true, false },
	{ "ASK 16383 192.0.2.1:6381", "192.0.2.1", 16383, 6381, true, true },
	{ "MOVED 0 2001:db8::1:6381", "2001:db8::1", 0, 6381, true, false },
	{ "MOVED 1 :6381", "", 1, 6381, true, false },
	{ "MOVED 1 node.example.com:1", "node.example.com", 1, 1, true, false },
	{ "MOVED 16384 192.0.2.1:6381", NULL, 0, 0, false, false },
	{ "MOVED x 192.0.2.1:6381", NULL, 0, 0, false, false },
	{ "MOVED 1 192.0.2.1", NULL, 0, 0, false, false },
	{ "MOVED 1 192.0.2.1:", NULL, 0, 0, false, false },
	{ "MOVED 1 192.0.2.1:0", NULL, 0, 0, false, false },
	{ "MOVED 1 192.0.2.1:65536", NULL, 0, 0, false, false },
	{ "MOVED", NULL, 0, 0, false, false },
	{ "MOVEDX 1 a:1", NULL, 0, 0, false, false },
	{ "ERR MOVED 1 a:1", NULL, 0, 0, false, false },
	{ "", NULL, 0, 0, false, false },
};

static void
test_redirections(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(redirection_cases); i++) {
		const struct redirection_case *c = &redirection_cases[i];
		char host[DATABASE_TEXT];
		uint16_t slot, port;
		bool ask;

		if (redis_redirection(c->error, &ask, &slot, host, &port) !=
		    c->ok)
			fail_msg("%s", c->error);
		if (!c->ok)
			continue;
		assert_string_equal(host, c->host);
		assert_int_equal(slot, c->slot);
		assert_int_equal(port, c->port);
		assert_int_equal(ask, c->ask);
	}
}

/* --- answers of reserve.lua --- */

static const struct mr_limit limit = {
	.kind = MR_LIMIT_WINDOW, .amount = 5, .period_ms = 60000, .cost = 1
};

static void
put_record(struct buf *b, int64_t units)
{
	struct limit_record r = { .kind = MR_LIMIT_WINDOW,
		.gen = 7,
		.period_ms = 60000,
		.last_us = 30000000 };
	char bytes[LIMIT_RECORD_MOST];
	size_t n;

	r.counts[30] = units;
	n = limit_encode(&r, bytes);
	buf_printf(b, "$%zu\r\n", n);
	buf_put(b, bytes, n);
	buf_text(b, "\r\n");
}

static redisReply *
parse(const struct buf *b)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	redisReaderFeed(reader, b->p, b->n);
	redisReaderGetReply(reader, &reply);
	redisReaderFree(reader);
	assert_non_null(reply);
	return reply;
}

static const struct answer_case {
	const char *head; /* what stands before the record */
	size_t tokens;    /* bytes */
	bool ok;
	int64_t free;
	uint32_t flags;
} answer_cases[] = {
	{ "*5\r\n:0\r\n:0\r\n:30000000\r\n", 12, true, 3, 0 },
	{ "*5\r\n:1\r\n:0\r\n:30000000\r\n", 0, true, 3, 0 },
	{ "*5\r\n:2\r\n:0\r\n:30000000\r\n", 12, true, 3, MR_LIMIT_REPEATED },
	{ "*5\r\n:0\r\n:0\r\n:30000000\r\n", 11, false, 0, 0 },
	{ "*5\r\n:3\r\n:0\r\n:30000000\r\n", 12, false, 0, 0 },
	{ "*5\r\n:-1\r\n:0\r\n:30000000\r\n", 12, false, 0, 0 },
	{ "*5\r\n:1\r\n:1\r\n:30000000\r\n", 0, false, 0, 0 },
	{ "*5\r\n:0\r\n:0\r\n:-5\r\n", 12, false, 0, 0 },
	{ "*5\r\n$1\r\n0\r\n:0\r\n:30000000\r\n", 12, false, 0, 0 },
};

static void
test_answers(void **state)
{
	const struct store_limits q = { { "g", 1 }, &limit, 1, { "", 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct mr_limit_state s = { 0 };
		struct redis_answer a;
		struct buf b = { 0 };
		redisReply *reply;

		buf_text(&b, c->head);
		buf_printf(&b, "$%zu\r\n", c->tokens);
		buf_put(&b, "\7\0\0\0\36\0\0\0\0\0\0\0", c->tokens);
		buf_text(&b, "\r\n");
		put_record(&b, 2);
		reply = parse(&b);
		if (redis_answer_read(reply, &q, &a, &s) != c->ok)
			fail_msg("case %zu", i);
		if (c->ok) {
			assert_int_equal(s.free, c->free);
			assert_int_equal(s.flags, c->flags);
		}
		if (c->ok && c->tokens > 0) {
			assert_int_equal(limit_token_gen(s.token), 7);
			assert_int_equal(limit_token_when(s.token), 30);
		}
		freeReplyObject(reply);
		buf_finish(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_redirections),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
