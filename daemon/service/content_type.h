/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of file some bytes are, whatever they are called.  Pure. */
#ifndef SERVICE_CONTENT_TYPE_H
#define SERVICE_CONTENT_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* By the first bytes; "" if nothing is recognised. */
const char *content_type_of(struct span);

/* What the members of a zip archive say of themselves. */
struct content_zip {
	bool encrypted;    /* one of them at least */
	uint64_t packed;   /* bytes of those that say it */
	uint64_t unpacked; /* bytes that the same will have */
	uint32_t members;
};

/*
 * Append the names of the members that the first bytes of a zip archive
 * tell of, LF after each, control bytes as "?".  False: it is no zip.
 */
bool content_zip_list(struct span, struct buf *names, struct content_zip *);

#endif
