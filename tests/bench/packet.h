/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way to and from a milter: a growing buffer, and the
 * protocol's framing (length, command, payload).  Knows no command.
 */
#ifndef BENCH_PACKET_H
#define BENCH_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_HEAD = 4, PACKET_MAX = 1 << 20 };

struct buffer {
	char *p;
	size_t n, size;
};

/* Running out of memory ends the program: a benchmark has no plan B. */
void buffer_put(struct buffer *, const void *, size_t);
void buffer_put_u32(struct buffer *, uint32_t);
void buffer_put_string(struct buffer *, const char *); /* with its NUL */
void buffer_drop(struct buffer *, size_t); /* forget so many from the front */
void buffer_finish(struct buffer *);

/* packet_begin returns what packet_end needs to fill in the length. */
size_t packet_begin(struct buffer *, char command);
void packet_end(struct buffer *, size_t begun);

struct packet {
	char command;
	const char *data;
	size_t n;
};

enum packet_next { PACKET_NONE, PACKET_READY, PACKET_BAD };

/*
 * The packet that starts at *at, which is moved behind it.  The result
 * points into the bytes.
 */
enum packet_next packet_next(
    const struct buffer *, size_t *at, struct packet *);

uint32_t packet_u32(const char *);

#endif
