/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions over findings: "A && (B || !C)", "A + B + 2 * C > 2".  A name
 * is 1 if it was found, else 0; anything but 0 is true.  Pure.
 */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "pool.h"

struct expr_op;

struct expr {
	struct expr_op *ops; /* what is computed from comes first */
	size_t nops;
	const char **names; /* each once, in the order they came */
	size_t nnames;
};

/*
 * On failure NULL, and *why says what is wrong (a constant, or in the pool).
 */
struct expr *expr_parse(struct pool *, const char *text, const char **why);

/* found(arg, i): was names[i] found? */
double expr_value(
    const struct expr *, bool (*found)(void *arg, size_t name), void *arg);

#endif
