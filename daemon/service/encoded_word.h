/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded words (RFC 2047) of header fields.  Pure but for iconv(3), which
 * is asked for a fixed list of charsets only.
 */
#ifndef SERVICE_ENCODED_WORD_H
#define SERVICE_ENCODED_WORD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Add the value as a person reads it: unfolded, runs of blanks as one and
 * none at the ends, encoded words decoded.  What is added is UTF-8 without
 * control characters; charsets that are not known and words that are broken
 * stay as they are.  Words side by side in one charset are decoded as one,
 * as many senders cut them within a character.
 */
void encoded_word_decode(struct buf *, struct span value);

/* Bytes of the encoded word that s begins with; 0: it does not. */
size_t encoded_word_length(struct span s);

#endif
