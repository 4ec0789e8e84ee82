/* SPDX-License-Identifier: Apache-2.0 */
#include "service/limit.h"

#include <string.h>

enum {
	VERSION = 1,
	GEN_BITS = 22,
	TIME_BITS = 42, /* of a token: a slot, or Unix time in ms */
	RATE_BYTES = LIMIT_HEAD + 8,
};

#define GEN_MASK  ((UINT32_C(1) << GEN_BITS) - 1)
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

bool
limit_valid(const struct mr_limit *l)
{
	if (l->period_ms < 1000 || l->period_ms > 400 * LIMIT_DAY_MS ||
	    l->cost < 0 || l->cost > LIMIT_AMOUNT || l->amount > LIMIT_AMOUNT)
		return false;
	if (l->kind == MR_LIMIT_WINDOW)
		return true;
	return l->kind == MR_LIMIT_RATE && l->amount >= 1 && l->burst >= 1 &&
	       l->burst <= LIMIT_MOST / l->period_ms;
}

/* --- bytes --- */

static uint64_t
get(const char *p, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = width; i-- > 0;)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

static void
put(char *p, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++, value >>= 8)
		p[i] = (char)(value & 0xff);
}

/* A number that Lua holds as well. */
static bool
get_number(const char *p, unsigned width, int64_t *out)
{
	uint64_t value = get(p, width);

	*out = (int64_t)value;
	return value <= (uint64_t)LIMIT_MOST;
}

static unsigned
width_of(const struct limit_record *r)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < LIMIT_RING; i++)
		all |= (uint64_t)r->counts[i];
	return all <= UINT8_MAX    ? 1
	       : all <= UINT16_MAX ? 2
	       : all <= UINT32_MAX ? 4
				   : 8;
}

static bool
decode_body(struct span in, unsigned width, struct limit_record *r)
{
	const char *p = in.p + LIMIT_HEAD;

	if (r->kind == MR_LIMIT_RATE)
		return in.n == RATE_BYTES && width == 8 &&
		       get_number(p, 8, &r->level);
	if (r->kind != MR_LIMIT_WINDOW ||
	    in.n != LIMIT_HEAD + (size_t)LIMIT_RING * width)
		return false;
	for (unsigned i = 0; i < LIMIT_RING; i++)
		if (!get_number(p + (size_t)i * width, width, &r->counts[i]))
			return false;
	return width == width_of(r);
}

bool
limit_decode(struct span in, struct limit_record *out)
{
	struct limit_record r = { 0 };
	bool ok = false;

	if (in.n >= LIMIT_HEAD && in.p[0] == VERSION && in.p[3] == 0) {
		r.kind = (uint8_t)in.p[1];
		r.gen = (uint32_t)get(in.p + 4, 4);
		ok = r.gen <= GEN_MASK &&
		     get_number(in.p + 8, 8, &r.period_ms) &&
		     get_number(in.p + 16, 8, &r.last_us) &&
		     r.period_ms >= 1000 && r.period_ms <= 400 * LIMIT_DAY_MS &&
		     decode_body(in, (unsigned char)in.p[2], &r);
	}
	*out = ok ? r : (struct limit_record){ 0 };
	return ok;
}

size_t
limit_encode(const struct limit_record *r, char *out)
{
	unsigned width = r->kind == MR_LIMIT_RATE ? 8 : width_of(r);

	put(out, 1, VERSION);
	put(out + 1, 1, r->kind);
	put(out + 2, 1, width);
	put(out + 3, 1, 0);
	put(out + 4, 4, r->gen);
	put(out + 8, 8, (uint64_t)r->period_ms);
	put(out + 16, 8, (uint64_t)r->last_us);
	if (r->kind == MR_LIMIT_RATE) {
		put(out + LIMIT_HEAD, 8, (uint64_t)r->level);
		return RATE_BYTES;
	}
	for (unsigned i = 0; i < LIMIT_RING; i++)
		put(out + LIMIT_HEAD + (size_t)i * width, width,
		    (uint64_t)r->counts[i]);
	return LIMIT_HEAD + (size_t)LIMIT_RING * width;
}

/* --- time --- */

int64_t
limit_slot_us(int64_t period_ms)
{
	return (period_ms * 1000 + LIMIT_SLOTS - 1) / LIMIT_SLOTS;
}

static int64_t
slot_at(const struct limit_record *r, int64_t us)
{
	return us / limit_slot_us(r->period_ms);
}

static int64_t
sum(const struct limit_record *r)
{
	int64_t total = 0;

	for (unsigned i = 0; i < LIMIT_RING; i++)
		total += r->counts[i];
	return total;
}

static int64_t
at_most(int64_t value, int64_t most)
{
	return value < most ? value : most;
}

static int64_t
at_least(int64_t value, int64_t least)
{
	return value > least ? value : least;
}

static void
advance_window(struct limit_record *r, int64_t now_us)
{
	int64_t slot = slot_at(r, now_us), last = slot_at(r, r->last_us);
	int64_t total;

	if (last - slot > LIMIT_SLOTS) {
		total = at_most(sum(r), LIMIT_MOST);
		memset(r->counts, 0, sizeof(r->counts));
		r->counts[slot % LIMIT_RING] = total;
		r->last_us = now_us;
		/* What was taken lies in another slot now. */
		r->gen = (r->gen + 1) & GEN_MASK;
		return;
	}
	if (slot - last > LIMIT_SLOTS)
		memset(r->counts, 0, sizeof(r->counts));
	else
		while (last < slot)
			r->counts[++last % LIMIT_RING] = 0;
	r->last_us = at_least(now_us, r->last_us);
}

/* The leak of whole milliseconds; level and leak stay below 2^53. */
static int64_t
leaked(int64_t level, int64_t ms, int64_t amount)
{
	if (ms > level / amount)
		return level;
	return ms * amount;
}

static void
advance_rate(struct limit_record *r, int64_t amount, int64_t now_us)
{
	int64_t ms = now_us / 1000 - r->last_us / 1000;

	if (-ms > r->period_ms) {
		r->last_us = now_us;
		return;
	}
	if (ms > 0)
		r->level -= leaked(r->level, ms, amount);
	r->last_us = at_least(now_us, r->last_us);
}

/* A new one under a key gets a number that the last one did not have. */
static void
begin(struct limit_record *r, const struct mr_limit *l, int64_t now_us)
{
	uint32_t gen = r->kind != 0 ? r->gen + 1 : (uint32_t)(now_us / 1000);

	*r = (struct limit_record){ .kind = (uint8_t)l->kind,
		.gen = gen & GEN_MASK,
		.period_ms = l->period_ms,
		.last_us = at_least(now_us, r->last_us) };
}

void
limit_advance(struct limit_record *r, const struct mr_limit *l, int64_t now_us)
{
	if (r->kind != l->kind || r->period_ms != l->period_ms)
		begin(r, l, now_us);
	else if (r->kind == MR_LIMIT_WINDOW)
		advance_window(r, now_us);
	else
		advance_rate(r, l->amount, now_us);
}

void
limit_reset(struct limit_record *r, const struct mr_limit *l, int64_t now_us)
{
	begin(r, l, now_us);
}

/* --- taking --- */

static bool
allows(const struct limit_record *r, const struct mr_limit *l)
{
	if (l->cost == 0 || l->amount < 0)
		return true;
	if (r->kind == MR_LIMIT_WINDOW)
		return sum(r) + l->cost <= l->amount;
	return l->cost <= l->burst &&
	       r->level + l->cost * l->period_ms <= l->burst * l->period_ms;
}

static void
take(struct limit_record *r, const struct mr_limit *l)
{
	int64_t *count = &r->counts[slot_at(r, r->last_us) % LIMIT_RING];

	if (r->kind == MR_LIMIT_WINDOW)
		*count = at_most(*count + l->cost, LIMIT_MOST);
	else
		r->level += l->cost * l->period_ms;
}

uint64_t
limit_token(const struct limit_record *r)
{
	int64_t when = r->kind == MR_LIMIT_WINDOW ? slot_at(r, r->last_us)
						  : r->last_us / 1000;

	return limit_token_of(r->gen, (uint64_t)when);
}

uint64_t
limit_token_of(uint32_t gen, uint64_t when)
{
	return (uint64_t)gen << TIME_BITS | (when & TIME_MASK);
}

uint32_t
limit_token_gen(uint64_t token)
{
	return (uint32_t)(token >> TIME_BITS);
}

int64_t
limit_token_when(uint64_t token)
{
	return (int64_t)(token & TIME_MASK);
}

bool
limit_reserve(struct limit_record *r, const struct mr_limit *l, uint32_t n,
    uint64_t *tokens, uint32_t *refused)
{
	for (uint32_t i = 0; i < n; i++)
		if (!allows(&r[i], &l[i])) {
			*refused = i;
			return false;
		}
	for (uint32_t i = 0; i < n; i++) {
		take(&r[i], &l[i]);
		tokens[i] = limit_token(&r[i]);
	}
	return true;
}

static bool
refund_window(struct limit_record *r, int64_t cost, int64_t slot)
{
	int64_t now = slot_at(r, r->last_us);
	int64_t *count = &r->counts[slot % LIMIT_RING];

	/* Its counter may be another slot's by now. */
	if (slot > now || now - slot > LIMIT_SLOTS || *count == 0)
		return false;
	*count -= at_most(cost, *count);
	return true;
}

/*
 * Of what was taken, as much as cannot have leaked yet, whoever else took
 * and gave back since: less than fair at times, never more.
 */
static bool
refund_rate(struct limit_record *r, const struct mr_limit *l, int64_t taken_ms)
{
	int64_t ms = r->last_us / 1000 - taken_ms, back;

	if (ms < 0 || l->cost > l->burst)
		return false;
	back = l->cost * l->period_ms;
	back -= leaked(back, ms, l->amount);
	back = at_most(back, r->level);
	r->level -= back;
	return back > 0;
}

bool
limit_refund(struct limit_record *r, const struct mr_limit *l, uint64_t token)
{
	int64_t when = limit_token_when(token);

	if (limit_token_gen(token) != r->gen || l->cost == 0)
		return false;
	return r->kind == MR_LIMIT_WINDOW ? refund_window(r, l->cost, when)
					  : refund_rate(r, l, when);
}

/* --- showing --- */

static int64_t
ms_up(int64_t us)
{
	return (us + 999) / 1000;
}

/* When enough slots have left the ring that cost fits. */
static int64_t
window_retry(const struct limit_record *r, const struct mr_limit *l,
    int64_t total, int64_t cost)
{
	int64_t now = slot_at(r, r->last_us), width;

	if (total + cost <= l->amount)
		return 0;
	width = limit_slot_us(r->period_ms);
	for (int64_t slot = now - LIMIT_SLOTS; slot <= now; slot++) {
		if (slot >= 0)
			total -= r->counts[slot % LIMIT_RING];
		if (total + cost <= l->amount)
			return ms_up((slot + LIMIT_RING) * width - r->last_us);
	}
	return -1;
}

static void
show_window(const struct limit_record *r, const struct mr_limit *l,
    int64_t cost, struct mr_limit_state *s)
{
	s->used = sum(r);
	if (l->amount < 0) {
		s->free = INT64_MAX;
		s->retry_ms = 0;
		return;
	}
	s->free = at_least(l->amount - s->used, 0);
	s->retry_ms = window_retry(r, l, s->used, cost);
}

static void
show_rate(const struct limit_record *r, const struct mr_limit *l, int64_t cost,
    struct mr_limit_state *s)
{
	int64_t room = l->burst * l->period_ms - r->level;
	int64_t lacks;

	s->used = (r->level + l->period_ms - 1) / l->period_ms;
	s->free = at_least(room, 0) / l->period_ms;
	if (cost > l->burst) {
		s->retry_ms = -1;
		return;
	}
	lacks = at_least(cost * l->period_ms - room, 0);
	s->retry_ms = (lacks + l->amount - 1) / l->amount;
}

void
limit_show(const struct limit_record *r, const struct mr_limit *l,
    struct mr_limit_state *s)
{
	int64_t cost = at_least(l->cost, 1);

	if (r->kind == MR_LIMIT_WINDOW)
		show_window(r, l, cost, s);
	else
		show_rate(r, l, cost, s);
}

int64_t
limit_life_ms(const struct limit_record *r, const struct mr_limit *l)
{
	if (r->kind == MR_LIMIT_WINDOW)
		return ms_up(LIMIT_RING * limit_slot_us(r->period_ms));
	return r->level / l->amount + 1;
}
