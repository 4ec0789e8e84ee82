/* SPDX-License-Identifier: Apache-2.0 */
#include "service/redis_answer.h"

#include <string.h>

#include "service/limit.h"

enum { HEAD = 4, TOKEN = 12 }; /* u32 generation, u64 time */

static bool
read_head(const redisReply *r, uint32_t n, struct redis_answer *a)
{
	long long code, refused, now;

	if (r->type != REDIS_REPLY_ARRAY || r->elements != (size_t)n + HEAD ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_INTEGER ||
	    r->element[2]->type != REDIS_REPLY_INTEGER ||
	    r->element[3]->type != REDIS_REPLY_STRING)
		return false;
	code = r->element[0]->integer;
	refused = r->element[1]->integer;
	now = r->element[2]->integer;
	if (code < REDIS_TAKEN || code > REDIS_TAKEN_BEFORE || refused < 0 ||
	    refused >= (long long)n || now < 0 || now > LIMIT_MOST)
		return false;
	*a = (struct redis_answer){ (int)code, (uint32_t)refused, now };
	return code == REDIS_REFUSED || r->element[3]->len == (size_t)n * TOKEN;
}

static bool
read_state(const redisReply *bytes, const struct mr_limit *l, const char *token,
    struct mr_limit_state *s)
{
	struct limit_record r;
	uint32_t gen;
	uint64_t when;

	if (bytes->type != REDIS_REPLY_STRING ||
	    !limit_decode((struct span){ bytes->str, bytes->len }, &r) ||
	    r.kind != l->kind || r.period_ms != l->period_ms)
		return false;
	limit_show(&r, l, s);
	if (token == NULL)
		return true;
	memcpy(&gen, token, sizeof(gen));
	memcpy(&when, token + sizeof(gen), sizeof(when));
	s->token = limit_token_of(gen, when);
	return true;
}

bool
redis_answer_read(const redisReply *r, const struct store_limits *q,
    struct redis_answer *a, struct mr_limit_state *states)
{
	if (!read_head(r, q->n, a))
		return false;
	for (uint32_t i = 0; i < q->n; i++) {
		const char *token = r->element[3]->str + (size_t)i * TOKEN;

		states[i] =
		    (struct mr_limit_state){ .flags =
						 a->code == REDIS_TAKEN_BEFORE
						     ? MR_LIMIT_REPEATED
						     : 0 };
		if (!read_state(r->element[HEAD + i], &q->limits[i],
			a->code == REDIS_REFUSED ? NULL : token, &states[i]))
			return false;
	}
	return true;
}
