/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of an HTTP/1.1 response (RFC 9112) as a server sends that was asked
 * to close the connection: a length, or all until the end.  Pure.
 */
#ifndef RSPAMD_HTTP_H
#define RSPAMD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 16384 };

enum http_state { HTTP_MORE, HTTP_WHOLE, HTTP_BAD };

struct http {
	int status;
	const char *body; /* within the bytes */
	size_t n;
};

/* end: no more will come.  *h is set if it is WHOLE. */
enum http_state http_parse(
    const char *bytes, size_t n, bool end, struct http *h);

#endif
