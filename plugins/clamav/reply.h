/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clamd answers to zINSTREAM (clamd(8)): one line that ends with NUL.
 * Pure.
 */
#ifndef CLAMAV_REPLY_H
#define CLAMAV_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum { REPLY_TEXT = 200, REPLY_MAX = 4096 };

enum reply_kind {
	REPLY_MORE,      /* it has not ended yet */
	REPLY_CLEAN,     /* "stream: OK" */
	REPLY_FOUND,     /* "stream: NAME FOUND" */
	REPLY_TOO_LARGE, /* beyond clamd's StreamMaxLength */
	REPLY_ERROR,     /* clamd says that it could not do it */
	REPLY_BAD,       /* nothing that clamd says */
};

/*
 * Read the first n bytes of an answer.  text: the name of what was found, or
 * the error, as printable ASCII; "" for the others.
 */
enum reply_kind reply_parse(
    const char *bytes, size_t n, char text[REPLY_TEXT + 1]);

#endif
