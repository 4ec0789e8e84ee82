/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonicalization (RFC 6376, 3.4) for signing.  Pure: hands out bytes and
 * does not know that they are hashed.
 */
#ifndef DKIM_CANON_H
#define DKIM_CANON_H

#include <stdbool.h>
#include <stddef.h>

/* Takes what comes out, piece by piece. */
typedef void canon_sink(void *arg, const void *bytes, size_t n);

/*
 * The body: its lines end with CRLF.  Empty lines at the end are left out; a
 * last line without CRLF gets one.
 */
void canon_body(
    bool relaxed, const char *body, size_t n, canon_sink *, void *arg);

/*
 * A header field with its CRLF at the end, unless last is true: that one is
 * the signature itself.  value: what stands behind the colon, folds as LF or
 * CRLF.
 */
void canon_field(bool relaxed, const char *name, const char *value, bool last,
    canon_sink *, void *arg);

/* Why a body cannot be signed or checked in a way that all agree on. */
enum canon_fault {
	CANON_CLEAN,
	CANON_BARE_CR,
	CANON_BARE_LF,
};

enum canon_fault canon_check(const char *body, size_t n);

#endif
