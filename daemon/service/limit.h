/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How limits count, on bytes in memory: no store, no clock, no lock.  The
 * same arithmetic stands in reserve.lua for Redis; a test compares both,
 * record by record.
 *
 * MR_LIMIT_WINDOW: time is cut into slots of a 60th of the period, and a
 * ring keeps the units of the current slot and the 60 before it.  The 61st
 * counter is what makes the limit hard: an interval of one period that ends
 * within the current slot begins within the 60th before it.
 *
 * MR_LIMIT_RATE: a bucket that leaks amount units per period.  Its level is
 * kept in units * period_ms, so that the leak of a millisecond is a whole
 * number (amount) and nothing is ever rounded.
 */
#ifndef SERVICE_LIMIT_H
#define SERVICE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "millrace/store.h"

enum {
	LIMIT_SLOTS = 60,
	LIMIT_RING = LIMIT_SLOTS + 1,
	LIMIT_HEAD = 24,
	LIMIT_RECORD_MOST = LIMIT_HEAD + LIMIT_RING * 8,
};

/* Exact in the doubles of Lua; larger sums stay there. */
#define LIMIT_MOST    (INT64_C(1) << 52)
#define LIMIT_AMOUNT  (INT64_C(1) << 40) /* of a limit, a cost, a burst */
#define LIMIT_DAY_MS  INT64_C(86400000)
#define LIMIT_ONCE_MS INT64_C(3600000) /* how long a name is known */

/* What is kept of a limit.  Zeroed is empty. */
struct limit_record {
	uint8_t kind; /* 0: empty */
	/*
	 * Differs between records that followed each other under a key, so
	 * that what was taken of one is not given back to another.
	 */
	uint32_t gen; /* 22 bits */
	int64_t period_ms;
	int64_t last_us;            /* the latest time it was told */
	int64_t level;              /* RATE: units * period_ms */
	int64_t counts[LIMIT_RING]; /* WINDOW: at slot % LIMIT_RING */
};

/* Do the numbers keep the rules of <millrace/store.h>? */
bool limit_valid(const struct mr_limit *);

/*
 * Bytes of a record, version 1, numbers little-endian:
 *	u8 version, u8 kind, u8 width, u8 0, u32 gen, u64 period_ms, u64
 *last_us, WINDOW: 61 counts of width bytes, the least of 1, 2, 4, 8 that does
 *	RATE: u64 level (width 8)
 * False if they are anything else; the record is then empty.
 */
bool limit_decode(struct span, struct limit_record *);
/* out: LIMIT_RECORD_MOST bytes.  Returns how many were written. */
size_t limit_encode(const struct limit_record *, char *out);

/*
 * Bring a record to the limit's terms and to now.  A clock that went back
 * stands still for the record; if it went back by more than a period, all
 * that is counted moves to now, so that it is over after one more period.
 */
void limit_advance(
    struct limit_record *, const struct mr_limit *, int64_t now_us);

/*
 * Of n records that were advanced: take the cost of each, or of none if one
 * refuses; *refused is then the first that does.
 */
bool limit_reserve(struct limit_record *, const struct mr_limit *, uint32_t n,
    uint64_t *tokens, uint32_t *refused);

/*
 * Of a record that was advanced: give back cost units that were taken with
 * this token.  False: they are not counted any more.
 */
bool limit_refund(
    struct limit_record *, const struct mr_limit *, uint64_t token);

/* Forget what is counted, for those with older tokens as well. */
void limit_reset(
    struct limit_record *, const struct mr_limit *, int64_t now_us);

/* Of a record that was advanced: used, free and retry_ms. */
void limit_show(const struct limit_record *, const struct mr_limit *,
    struct mr_limit_state *);

/* The token of what is taken from the record now. */
uint64_t limit_token(const struct limit_record *);

/* A token and its parts: the record's generation, and its slot or ms. */
uint64_t limit_token_of(uint32_t gen, uint64_t when);
uint32_t limit_token_gen(uint64_t token);
int64_t limit_token_when(uint64_t token);

/*
 * How long after its last change the record may still matter, in ms.  It may
 * be removed then.
 */
int64_t limit_life_ms(const struct limit_record *, const struct mr_limit *);

/* One slot, in us.  60 of them are at least the period. */
int64_t limit_slot_us(int64_t period_ms);

#endif
