/* SPDX-License-Identifier: Apache-2.0 */
#include "baseline.h"

#include <stdio.h>

/* After 28 days an eighth is left, or a quarter of one that is in use. */
enum { DAY_MS = 86400000, FADE_DAYS = 28, STEPS = 3, PARTS = 1024 };

static bool
take(const char **at, const char *end, int64_t *out)
{
	const char *p = *at;
	int64_t n = 0;

	while (p < end && *p >= '0' && *p <= '9' && n < INT64_C(1) << 50)
		n = n * 10 + (*p++ - '0');
	if (p == *at)
		return false;
	*out = n;
	*at = p + (p < end && *p == ' ');
	return true;
}

void
baseline_parse(const char *text, size_t n, struct baseline *out)
{
	const char *end = text + n;
	struct baseline b = { 0 };

	*out = b;
	if (take(&text, end, &b.period) && take(&text, end, &b.most) &&
	    take(&text, end, &b.now) && text == end)
		*out = b;
}

size_t
baseline_print(char out[BASELINE_BYTES], const struct baseline *b)
{
	return (size_t)snprintf(out, BASELINE_BYTES, "%lld %lld %lld",
	    (long long)b->period, (long long)b->most, (long long)b->now);
}

/* Halved for every third of 28 days, straight between. */
static int64_t
fade(int64_t most, int64_t ms)
{
	const int64_t half = (int64_t)FADE_DAYS * DAY_MS / STEPS;

	for (; ms >= half && most > 0; ms -= half)
		most /= 2;
	return most - most / 2 * (ms / 1000) / (half / 1000);
}

int64_t
baseline_most(const struct baseline *b)
{
	return (b->most + PARTS / 2) / PARTS;
}

bool
baseline_add(
    struct baseline *b, int64_t now_ms, int64_t period_ms, int64_t sent)
{
	int64_t period = now_ms / period_ms, passed;

	if (period > b->period) {
		passed = (period - b->period) * period_ms;
		if (b->now * PARTS > b->most)
			b->most = b->now * PARTS;
		b->most = b->period > 0 ? fade(b->most, passed) : 0;
		b->period = period;
		b->now = sent;
		return true;
	}
	if (sent <= b->now + b->now / 8)
		return false;
	b->now = sent;
	return true;
}
