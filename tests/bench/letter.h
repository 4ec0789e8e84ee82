/* SPDX-License-Identifier: Apache-2.0 */
/* A message of a file as an MTA hands it to a filter: fields, and the body. */
#ifndef BENCH_LETTER_H
#define BENCH_LETTER_H

#include <stddef.h>

#include "packet.h"

struct letter {
	struct buffer text; /* the file, with LF as line ends */
	const char *
	    *fields;        /* name, value, ...; folds as LF; NULL at the end */
	struct buffer body; /* with CRLF */
};

/* Every regular file of the folder, by name; ends the program on an error. */
struct letter *letters_read(const char *folder, size_t *count);
void letters_free(struct letter *, size_t count);

#endif
