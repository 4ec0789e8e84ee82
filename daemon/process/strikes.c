/* SPDX-License-Identifier: Apache-2.0 */
#include "process/strikes.h"

bool
strikes_add(
    struct strikes *s, int64_t now_us, unsigned limit, int64_t within_us)
{
	unsigned first;

	if (limit == 0 || limit > STRIKES_MAX)
		limit = STRIKES_MAX;
	s->times_us[s->count++ % STRIKES_MAX] = now_us;
	if (s->count < limit)
		return false;
	first = (s->count - limit) % STRIKES_MAX;
	return now_us - s->times_us[first] <= within_us;
}
