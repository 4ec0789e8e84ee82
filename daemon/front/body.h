/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of the open message, kept so that it can be told again: in memory
 * while it is small, then in a memfd, above the spool limit in an unlinked
 * file; workers are given the descriptor, not a copy.
 */
#ifndef FRONT_BODY_H
#define FRONT_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct body {
	struct buf memory;
	int fd; /* -1 while in memory */
	bool spooled;
	unsigned version; /* raised when fd becomes another file */
	uint64_t size;
};

void body_init(struct body *);
void body_finish(struct body *); /* empty again, too */
/* False: no room, errno says why; the body is as it was. */
bool body_append(
    struct body *, struct span, uint64_t spool_above, const char *spool_dir);

#endif
