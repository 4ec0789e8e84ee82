/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most that an account used to send in one period, forgotten over 28
 * days.  What it sends in the period that is running is not part of it: a
 * rise must not become its own measure.  Pure.
 */
#ifndef ACCOUNT_BASELINE_H
#define ACCOUNT_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct baseline {
	int64_t period; /* number of the running one, since 1970 */
	int64_t most;   /* of those before, faded, in units of 1/1024 */
	int64_t now;    /* the most seen in the running one */
};

enum { BASELINE_BYTES = 64 };

/* A text that is none: nothing is known yet. */
void baseline_parse(const char *text, size_t n, struct baseline *);
size_t baseline_print(char out[BASELINE_BYTES], const struct baseline *);

/* The most of those before, in messages. */
int64_t baseline_most(const struct baseline *);

/*
 * The account has sent so many within the period that ends now.  Returns
 * whether it is worth keeping: small steps of a running period are not.
 */
bool baseline_add(
    struct baseline *, int64_t now_ms, int64_t period_ms, int64_t sent);

#endif
