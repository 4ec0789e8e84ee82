/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as a reader sees it: blanks squeezed, invisible characters gone,
 * letters that only look styled as plain ones.  Pure.
 */
#ifndef SERVICE_CONTENT_TEXT_H
#define SERVICE_CONTENT_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

struct content_text {
	struct buf *out;
	size_t limit;    /* out->n never grows above */
	bool blank;      /* one is due before the next character */
	bool full;       /* something did not fit */
	unsigned styled; /* letters that were not plain */
	unsigned hidden; /* invisible characters within words */
};

/* One character; blanks of all kinds are one. */
void content_text_put(struct content_text *, uint32_t code);
/* Valid UTF-8. */
void content_text_add(struct content_text *, struct span);
/* The end of a part: a line end, unless there is nothing before it. */
void content_text_end(struct content_text *);

#endif
