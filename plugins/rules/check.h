/* SPDX-License-Identifier: Apache-2.0 */
/* What no pattern can say of a message: functions with a name.  Pure. */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include "view.h"

struct check {
	const char *name;
	size_t least, most; /* words that follow it */
	/* *detail: what was found, in the pool of the view. */
	bool (*find)(struct view *, const char *const *words, size_t nwords,
	    const char **detail);
};

const struct check *check_named(const char *name);

#endif
