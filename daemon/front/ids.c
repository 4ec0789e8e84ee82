/* SPDX-License-Identifier: Apache-2.0 */
#include "front/ids.h"

#include <stdatomic.h>
#include <sys/random.h>

#include "base/clock.h"

/* 20 random bits tell processes apart, 12 bits of counter messages. */
static uint32_t
process_part(void)
{
	static _Atomic uint32_t part;
	uint32_t mine = atomic_load(&part), seen = 0;

	if (mine != 0)
		return mine;
	if (getrandom(&mine, sizeof(mine), 0) != sizeof(mine))
		mine = (uint32_t)clock_wall_us();
	mine |= 1;
	return atomic_compare_exchange_strong(&part, &seen, mine) ? mine : seen;
}

static uint32_t
next(void)
{
	static _Atomic uint32_t counter;

	return atomic_fetch_add(&counter, 1);
}

uint64_t
ids_session(void)
{
	return (uint64_t)process_part() << 32 | next();
}

void
ids_message(char id[IDS_MESSAGE])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t seconds = (uint64_t)(clock_wall_us() / 1000000);
	uint64_t low =
	    (uint64_t)(process_part() & 0xfffff) << 12 | (next() & 0xfff);
	uint64_t n = seconds << 32 | low;

	for (int i = 12; i >= 0; i--) {
		id[i] = digits[n & 31];
		n >>= 5;
	}
	id[13] = '\0';
}
