/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a limit says: "100 messages / 1h", "2 GB / 1d", "rate 2 messages / 1s
 * burst 10", "unlimited", "blocked Please call us".  Pure: text to numbers
 * and back.
 */
#ifndef RATELIMIT_LIMIT_H
#define RATELIMIT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum limit_unit {
	LIMIT_MESSAGES,
	LIMIT_RECIPIENTS,
	LIMIT_BYTES,
	LIMIT_DISTINCT, /* different recipients */
	LIMIT_FAILED,   /* recipients that the MTA refused */
	LIMIT_UNITS,
};

enum limit_what {
	LIMIT_END,       /* there is no further item */
	LIMIT_WINDOW,    /* amount in any period */
	LIMIT_RATE,      /* one each period / amount, burst at once */
	LIMIT_UNLIMITED, /* of one unit and period, or of all (period_ms 0) */
	LIMIT_BLOCKED,
};

/* 2^40, what the store counts to. */
#define LIMIT_AMOUNT_MOST (INT64_C(1) << 40)
/* 2^52, of a rate's burst times its period in milliseconds. */
#define LIMIT_RATE_MOST (INT64_C(1) << 52)

enum {
	LIMIT_PRINT_BYTES = 128, /* enough for limit_print() */
	LIMIT_SECONDS_MOST = 400 * 86400,
};

struct limit {
	enum limit_what what;
	const char *key; /* "domain" of "domain: 5 messages / 1h" */
	size_t key_bytes;
	enum limit_unit unit;
	int64_t amount;    /* -1: counted, not limited */
	int64_t period_ms; /* of RATE: of the amount */
	int64_t burst;
	const char *text; /* of BLOCKED; "" if there is none */
	size_t text_bytes;
};

/*
 * Cut the next item off a list like "100 messages / 1h, 2 GB / 1d".  Text
 * stays where it is.  Returns NULL, or what is wrong and how to mend it;
 * *at is where it stopped.
 */
const char *limit_next(const char **at, struct limit *);

/* The first fault of the whole list, or NULL; an empty list has one. */
const char *limit_fault(const char *text);

/* As it is written: "2 GB / 1d".  Of WINDOW, RATE and UNLIMITED. */
void limit_print(char out[LIMIT_PRINT_BYTES], const struct limit *);

/* "1h", "90s", "7d"; exact. */
void limit_print_period(char out[LIMIT_PRINT_BYTES], int64_t period_ms);

/* "messages", "distinct recipients". */
const char *limit_unit_name(enum limit_unit);

/* An amount with its unit: "100 messages", "2 GB". */
void limit_print_amount(
    char out[LIMIT_PRINT_BYTES], enum limit_unit, int64_t amount);

#endif
