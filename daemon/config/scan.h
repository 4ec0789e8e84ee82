/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words and marks of a config file.  Pure.
 *
 * libconfuse's own lexer counts a comment as three lines, stops at a comment
 * inside a list, drops characters that it does not know, cuts text at a NUL
 * and puts environment variables into strings.  So it is only given what
 * this scanner has read and written again.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

enum scan_type { SCAN_END, SCAN_WORD, SCAN_MARK, SCAN_BAD };

struct scan {
	struct span in;
	unsigned line; /* of what comes next; start with 1 */
};

struct scan_token {
	enum scan_type type;
	char mark;       /* SCAN_MARK: one of { } ( ) = , */
	unsigned line;   /* where it begins */
	struct span raw; /* SCAN_WORD: with its quotes, if it has any */
	const char *why; /* SCAN_BAD: what is wrong and the cure */
};

void scan_next(struct scan *, struct scan_token *);
/* What a word means: quotes taken off, escapes resolved. */
void scan_decode(struct span raw, struct buf *);
/* Write text as a quoted word that reads as the same again. */
void scan_encode(const char *text, struct buf *);

#endif
