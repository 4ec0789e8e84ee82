/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the valid name that a misspelt one is nearest to. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *wrong;
	const char *best; /* NULL while nothing is near enough */
	size_t distance;
};

/* Offer each valid name in turn; best is borrowed from the caller. */
void nearest_offer(struct nearest *, const char *name);

#endif
