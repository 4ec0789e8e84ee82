/* SPDX-License-Identifier: Apache-2.0 */
/* What a run measured: samples with percentiles, counted texts, JSON. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Microseconds, every one kept: percentiles are exact. */
struct samples {
	uint32_t *us;
	size_t n, size;
};

void samples_add(struct samples *, uint64_t us);
void samples_add_all(struct samples *, const struct samples *);
void samples_finish(struct samples *);
/* {"count":N,"p50":..,"p90":..,"p99":..,"max":..}; sorts them. */
void samples_print(struct samples *, FILE *);

/* Texts and how often each was seen; those past the last row share one. */
enum { TALLY_ROWS = 32 };
struct tally {
	struct {
		char *text;
		uint64_t n;
	} rows[TALLY_ROWS];
	size_t n;
	uint64_t total;
};

void tally_add(struct tally *, const char *text);
void tally_finish(struct tally *);
void tally_print(const struct tally *, FILE *); /* {"text":N,...} */

void stats_json_string(FILE *, const char *);

#endif
