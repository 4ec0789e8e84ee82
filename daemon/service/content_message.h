/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message taken apart: the way from its bytes to struct mr_content.  Knows
 * no session: the service, the tests and the fuzzers call it alike.
 */
#ifndef SERVICE_CONTENT_MESSAGE_H
#define SERVICE_CONTENT_MESSAGE_H

#include "base/arena.h"
#include "base/span.h"
#include "millrace/content.h"

/* The content- options of millrace.conf(5). */
struct content_limits {
	uint32_t depth, parts, urls;
	uint64_t bytes;   /* decoded, of all parts */
	uint64_t text;    /* of .text, and of .raw */
	uint64_t keep;    /* of .bytes of each part */
	uint64_t header;  /* of all fields */
	uint32_t ratio;   /* of an archive's members, unpacked to packed */
	int64_t until_us; /* steady clock: what is left then is left out */
};

struct content_field {
	const char *name, *value; /* value: raw, folds as LF */
};

/* Once a process, before the first message. */
void content_message_start(void);

/* All that comes out lives in the arena. */
const struct mr_content *content_message_read(struct arena *,
    const struct content_limits *, const struct content_field *fields,
    size_t nfields, struct span body);

#endif
