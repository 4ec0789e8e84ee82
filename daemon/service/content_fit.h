/* SPDX-License-Identifier: Apache-2.0 */
/* What of a body a MIME parser can be given without harm.  Pure. */
#ifndef SERVICE_CONTENT_FIT_H
#define SERVICE_CONTENT_FIT_H

#include <stdbool.h>

#include "base/span.h"

struct content_fit {
	size_t n;        /* bytes that may be parsed */
	bool containers; /* the rest nests too much */
	bool delimiters; /* the rest has too many lines like delimiters */
	bool fields;     /* a field was too long, and is cut */
};

/*
 * Copy body to masked, of the same size: line for line and byte for byte,
 * except that what looks like a header field and does not make the tree of
 * parts is crossed out.  What the parser finds lies at the same place in both.
 */
void content_fit(struct span body, char *masked, struct content_fit *);

#endif
