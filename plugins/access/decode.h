/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a header field as a person reads it.  Pure.
 */
#ifndef ACCESS_DECODE_H
#define ACCESS_DECODE_H

#include <stddef.h>

/*
 * Unfold value and decode its encoded words (RFC 2047) to UTF-8 into out,
 * at most size - 1 bytes and a NUL; the rest is left off.  Charsets other
 * than UTF-8, US-ASCII and Latin-1 keep their bytes.  Control bytes become
 * blanks.  Returns the length.
 */
size_t decode_value(char *out, size_t size, const char *value);

#endif
