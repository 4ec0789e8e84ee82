/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store may hold under the key of a limit: any bytes.  After the
 * first 32, which choose the limit and the time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { HEAD = 32 };

static void
must(bool so)
{
	if (!so)
		abort();
}

static int64_t
number(const uint8_t *p, uint64_t most)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return (int64_t)(value % most);
}

static struct mr_limit
choose(const uint8_t *p)
{
	return (struct mr_limit){ .kind = 1 + (p[0] & 1),
		.amount = number(p, LIMIT_AMOUNT) / 2 - (p[0] & 2),
		.period_ms = number(p + 8, 400 * LIMIT_DAY_MS),
		.burst = number(p + 12, 1 + (p[1] & 1 ? 100 : LIMIT_AMOUNT)),
		.cost = number(p + 16, 1 + (p[1] & 2 ? 100 : LIMIT_AMOUNT)) };
}

static void
same_again(const struct limit_record *r, struct span in)
{
	char bytes[LIMIT_RECORD_MOST];

	must(limit_encode(r, bytes) == in.n);
	must(memcmp(bytes, in.p, in.n) == 0);
}

static void
check_state(const struct limit_record *r, const struct mr_limit *l)
{
	struct mr_limit_state s = { 0 };

	limit_show(r, l, &s);
	must(s.used >= 0 && s.free >= 0 && s.retry_ms >= -1);
	must(limit_life_ms(r, l) > 0);
}

static void
use(struct limit_record *r, const struct mr_limit *l, int64_t now_us)
{
	struct mr_limit_state s = { 0 };
	char bytes[LIMIT_RECORD_MOST];
	struct limit_record again;
	uint64_t token = 0;
	uint32_t refused;

	limit_advance(r, l, now_us);
	check_state(r, l);
	limit_show(r, l, &s);
	if (limit_reserve(r, l, 1, &token, &refused)) {
		must(l->cost == 0 || l->amount < 0 || l->cost <= s.free);
		must(limit_refund(r, l, token) == (l->cost > 0));
	}
	limit_advance(r, l, now_us / 2);
	check_state(r, l);
	must(limit_decode(
	    (struct span){ bytes, limit_encode(r, bytes) }, &again));
	must(memcmp(r, &again, sizeof(again)) == 0);
	limit_reset(r, l, now_us);
	must(!limit_refund(r, l, token) || l->cost == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct limit_record r;
	struct mr_limit l;
	struct span in;

	if (n < HEAD)
		return 0;
	l = choose(data);
	in = (struct span){ (const char *)data + HEAD, n - HEAD };
	if (limit_decode(in, &r))
		same_again(&r, in);
	else
		must(r.kind == 0);
	if (limit_valid(&l))
		use(&r, &l, number(data + 24, UINT64_C(1) << 51));
	return 0;
}
