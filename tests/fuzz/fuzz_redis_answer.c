/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may answer: to reserve.lua, and as an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "service/redis.h"
#include "service/redis_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
error(const uint8_t *data, size_t n)
{
	char *text = memory_zalloc(n + 1), host[DATABASE_TEXT];
	uint16_t slot, port;
	bool ask;

	memcpy(text, data, n);
	if (redis_redirection(text, &ask, &slot, host, &port)) {
		must(slot < 16384 && port != 0);
		must(strlen(host) < DATABASE_TEXT);
	}
	free(text);
}

static void
answer(const redisReply *reply, uint32_t n)
{
	static const struct mr_limit l[2] = {
		{ .kind = MR_LIMIT_WINDOW, .amount = 5, .period_ms = 60000 },
		{ .kind = MR_LIMIT_RATE,
		    .amount = 5,
		    .burst = 3,
		    .period_ms = 60000 },
	};
	const struct store_limits q = { { "g", 1 }, l, n, { "", 0 } };
	struct mr_limit_state s[2];
	struct redis_answer a;

	if (!redis_answer_read(reply, &q, &a, s))
		return;
	must(a.refused < n && a.now_us >= 0);
	for (uint32_t i = 0; i < n; i++)
		must(s[i].used >= 0 && s[i].free >= 0);
}

/*
 * hiredis makes room for as many elements as an array says to have, before
 * they come: more than a server of ours sends are not asked of it.
 */
static bool
is_large(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i + 4 < n; i++)
		if (data[i] == '*' && data[i + 4] >= '0' && data[i + 4] <= '9')
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	redisReader *reader;
	void *reply = NULL;

	error(data, n);
	if (is_large(data, n))
		return 0;
	reader = redisReaderCreate();
	redisReaderFeed(reader, (const char *)data, n);
	if (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
		answer(reply, 1);
		answer(reply, 2);
		freeReplyObject(reply);
	}
	redisReaderFree(reader);
	return 0;
}
