/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros the MTA sent.  The last value of a name is kept until its scope
 * ends, whatever stage brought it: Postfix does not repeat them.
 */
#ifndef CORE_MACRO_H
#define CORE_MACRO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct macro {
	const char *name; /* without braces */
	const char *value;
	struct macro *next;
};

struct macros {
	struct macro *first;
	struct arena *arena;
};

/* name with or without braces; both are copied. */
void macro_set(struct macros *, const char *name, const char *value);
/* NULL if it was never set. */
const char *macro_get(const struct macros *, const char *name);

#endif
