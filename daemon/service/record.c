/* SPDX-License-Identifier: Apache-2.0 */
#include "service/record.h"

#include <string.h>

enum { MEMBER_HEAD = 10 }; /* i64 last time in us, u16 length */

/* --- keys --- */

static void
add(struct record_key *k, const void *p, size_t n)
{
	if (n > 0)
		memcpy(k->p + k->n, p, n);
	k->n += n;
}

void
record_key(struct record_key *k, struct mr_bytes group, enum record_kind kind,
    struct mr_bytes key)
{
	char head[2] = { (char)(group.n >> 8), (char)group.n };
	char c = (char)kind;

	k->n = 0;
	add(k, head, 2);
	add(k, group.p, group.n);
	add(k, &c, 1);
	add(k, key.p, key.n);
}

bool
record_key_parse(
    struct span in, struct mr_bytes *group, char *kind, struct mr_bytes *key)
{
	size_t n;

	if (in.n < 3)
		return false;
	n = (size_t)(unsigned char)in.p[0] << 8 | (unsigned char)in.p[1];
	if (n + 3 > in.n)
		return false;
	*group = (struct mr_bytes){ in.p + 2, (uint32_t)n };
	*kind = in.p[2 + n];
	*key = (struct mr_bytes){ in.p + 3 + n, (uint32_t)(in.n - 3 - n) };
	return true;
}

void
record_key_after(struct record_key *k, struct mr_bytes group)
{
	char most = (char)0xff;

	/* Kinds are letters: nothing of the group begins so. */
	record_key(k, group, (enum record_kind)0, (struct mr_bytes){ "", 0 });
	k->n--;
	add(k, &most, 1);
}

void
record_key_next(struct record_key *k, struct span key)
{
	char least = 0;

	k->n = 0;
	add(k, key.p, key.n);
	add(k, &least, 1);
}

/* --- numbers --- */

bool
record_number(struct span in, int64_t *out)
{
	bool minus = in.n > 0 && in.p[0] == '-';
	uint64_t value = 0, most = (uint64_t)INT64_MAX + minus;

	in.p += minus;
	in.n -= minus;
	if (in.n == 0 || (in.p[0] == '0' && (in.n > 1 || minus)))
		return false;
	for (size_t i = 0; i < in.n; i++) {
		unsigned digit = (unsigned char)in.p[i] - (unsigned)'0';

		if (digit > 9 || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = minus ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* --- sets --- */

struct member {
	int64_t at;
	struct mr_bytes name;
};

static bool
cut_member(struct span *in, struct member *m)
{
	uint16_t n;

	if (in->n < MEMBER_HEAD)
		return false;
	memcpy(&m->at, in->p, 8);
	memcpy(&n, in->p + 8, 2);
	if (n > in->n - MEMBER_HEAD)
		return false;
	m->name = (struct mr_bytes){ in->p + MEMBER_HEAD, n };
	in->p += MEMBER_HEAD + n;
	in->n -= MEMBER_HEAD + (size_t)n;
	return true;
}

static void
put_member(struct buf *out, const struct member *m)
{
	uint16_t n = (uint16_t)m->name.n;

	buf_put(out, &m->at, 8);
	buf_put(out, &n, 2);
	buf_put(out, m->name.p, n);
}

static bool
is_member(const struct member *m, struct mr_bytes name)
{
	return m->name.n == name.n &&
	       (name.n == 0 || memcmp(m->name.p, name.p, name.n) == 0);
}

/* The oldest stand first, so that those that are too many are cut there. */
void
record_set_add(struct span old, struct mr_bytes member, uint32_t bound,
    int64_t ttl_us, int64_t now_us, struct buf *out, uint32_t *distinct,
    bool *fresh)
{
	struct member m, self = { now_us, member };
	struct span in = old;
	uint32_t kept = 0, skip = 0, n = 0;

	*fresh = true;
	while (cut_member(&in, &m)) {
		if (ttl_us != 0 && m.at <= now_us - ttl_us)
			continue;
		if (is_member(&m, member))
			*fresh = false;
		else
			kept++;
	}
	if (kept >= bound)
		skip = kept - bound + 1;
	for (in = old; cut_member(&in, &m);) {
		if ((ttl_us != 0 && m.at <= now_us - ttl_us) ||
		    is_member(&m, member) || n++ < skip)
			continue;
		put_member(out, &m);
	}
	put_member(out, &self);
	*distinct = kept - skip + 1;
}

/* --- tokens --- */

void
record_tokens_put(const uint64_t *tokens, uint32_t n, struct buf *out)
{
	buf_put(out, tokens, n * sizeof(*tokens));
}

bool
record_tokens_get(struct span in, uint32_t n, uint64_t *tokens)
{
	if (in.n != n * sizeof(*tokens))
		return false;
	memcpy(tokens, in.p, in.n);
	return true;
}
