/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in the charsets of mail, to UTF-8.  Pure but for iconv(3), whose
 * rarer converters have a history of faults: a charset must stand in a table
 * here before one of them sees a byte.
 */
#ifndef SERVICE_CHARSET_H
#define SERVICE_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

struct charset {
	const char *name;  /* lower case */
	const char *iconv; /* NULL: it is UTF-8 */
	bool ascii;        /* of UTF-8, the first 128 characters only */
};

/* In any case.  NULL: nobody needs it. */
const struct charset *charset_find(struct span name);

enum charset_result {
	CHARSET_OK,
	CHARSET_UNKNOWN, /* not in the table: read as UTF-8 or Windows-1252 */
	CHARSET_BROKEN,  /* bytes that it has no meaning for became U+FFFD */
};

/*
 * Append in, which is said to be in charset ("": nothing is said), as valid
 * UTF-8 without NULs; at most limit bytes of it.
 */
enum charset_result charset_decode(
    const char *charset, struct span in, size_t limit, struct buf *out);

/* Bytes of the first character, 1 to 4; 0: it is no valid UTF-8. */
size_t utf8_next(struct span in, uint32_t *code);
/* Append one character. */
void utf8_put(struct buf *out, uint32_t code);

#endif
