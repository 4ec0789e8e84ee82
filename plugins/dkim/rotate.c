/* SPDX-License-Identifier: Apache-2.0 */
#include "rotate.h"

#include <inttypes.h>
#include <stdio.h>

#include "tags.h"

static const char *const state_names[] = {
	[ROTATE_SIGNS] = "signs",
	[ROTATE_UNSEEN] = "unseen",
	[ROTATE_WAITS] = "waits",
	[ROTATE_RETIRING] = "retiring",
	[ROTATE_RETIRED] = "retired",
};

const char *
rotate_state_name(enum rotate_state s)
{
	return state_names[s];
}

int64_t
rotate_ready_at(const struct rotate_key *k, int64_t least_wait)
{
	return k->seen + (k->ttl > least_wait ? k->ttl : least_wait);
}

static bool
is_ready(const struct rotate_key *k, int64_t now, int64_t least_wait)
{
	return k->published && k->seen > 0 &&
	       rotate_ready_at(k, least_wait) <= now;
}

uint32_t
rotate_choose(
    const struct rotate_key *keys, uint32_t n, int64_t now, int64_t least_wait)
{
	uint32_t i = n - 1;

	while (i > 0 && !is_ready(&keys[i], now, least_wait))
		i--;
	return i;
}

enum rotate_state
rotate_state(const struct rotate_key *keys, uint32_t n, uint32_t i, int64_t now,
    int64_t least_wait, int64_t retire_after, int64_t *until)
{
	uint32_t chosen = rotate_choose(keys, n, now, least_wait);

	*until = 0;
	if (i == chosen)
		return ROTATE_SIGNS;
	if (i > chosen) {
		if (!keys[i].published || keys[i].seen == 0)
			return ROTATE_UNSEEN;
		*until = rotate_ready_at(&keys[i], least_wait);
		return ROTATE_WAITS;
	}
	*until = rotate_ready_at(&keys[chosen], least_wait) + retire_after;
	if (*until > now)
		return ROTATE_RETIRING;
	*until = 0;
	return ROTATE_RETIRED;
}

bool
rotate_write(char *out, uint32_t size, int64_t seen, int64_t ttl)
{
	int n = snprintf(out, size, "%" PRId64 " %" PRId64, seen, ttl);

	return n > 0 && (uint32_t)n < size;
}

bool
rotate_read(const char *text, uint32_t n, int64_t *seen, int64_t *ttl)
{
	struct span left = { text, n }, first = span_cut(&left, ' ');
	int64_t one, two;

	if (left.p == NULL || !tags_number(first, &one) ||
	    !tags_number(left, &two) || one <= 0 || two > UINT32_MAX)
		return false;
	*seen = one;
	*ttl = two;
	return true;
}
