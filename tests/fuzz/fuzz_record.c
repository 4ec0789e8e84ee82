/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, numbers and sets as the embedded store may hold them: any bytes. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
key(struct span in)
{
	struct mr_bytes group, name;
	struct record_key again;
	char kind;

	if (!record_key_parse(in, &group, &kind, &name))
		return;
	must(group.n + name.n + 3 == in.n);
	if (in.n >= RECORD_KEY_MOST)
		return;
	record_key(&again, group, (enum record_kind)kind, name);
	must(again.n == in.n && memcmp(again.p, in.p, in.n) == 0);
	record_key_after(&again, group);
	must(memcmp(again.p, in.p, 2 + group.n) == 0);
}

static void
number(struct span in)
{
	char digits[24];
	int64_t value;
	int n;

	if (!record_number(in, &value))
		return;
	n = snprintf(digits, sizeof(digits), "%" PRId64, value);
	must((size_t)n == in.n && memcmp(digits, in.p, in.n) == 0);
}

static void
set(struct span in)
{
	struct mr_bytes member = { in.p, in.n > 8 ? 8 : (uint32_t)in.n };
	uint32_t bound = in.n > 0 ? 1 + (unsigned char)in.p[0] : 1;
	struct buf out = { 0 }, more = { 0 };
	uint32_t distinct, then;
	bool fresh;

	record_set_add(
	    in, member, bound, 1000, INT64_C(1) << 50, &out, &distinct, &fresh);
	must(distinct >= 1 && distinct <= bound);
	record_set_add((struct span){ out.p, out.n }, member, bound, 1000,
	    INT64_C(1) << 50, &more, &then, &fresh);
	must(!fresh && then <= distinct);
	buf_finish(&out);
	buf_finish(&more);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	uint64_t tokens[2];

	key(in);
	number(in);
	set(in);
	must(record_tokens_get(in, 2, tokens) == (n == 16));
	return 0;
}
