/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and text in binary frames.  A frame is a header of 8 bytes
 * (length of what follows, type, flags, a free byte pair) and its body.
 * Both ends are the same build, so numbers are in the machine's order; all
 * the same nothing that is read is trusted.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define WIRE_FRAME_MAX (64u * 1024u * 1024u) /* bytes of a frame's body */

struct wire_frame {
	uint32_t length; /* of the body */
	uint8_t type;
	uint8_t flags;
	uint16_t extra;
};

void wire_u8(struct buf *, uint8_t);
void wire_u32(struct buf *, uint32_t);
void wire_u64(struct buf *, uint64_t);
void wire_real(struct buf *, double);
void wire_bytes(struct buf *, struct span); /* u32 length, bytes */
void wire_text(struct buf *, const char *); /* NUL kept; NULL is kept too */

/*
 * Returns where the frame began, for wire_end, which ends the process if the
 * body is longer than WIRE_FRAME_MAX: split what can be that long.
 */
size_t wire_begin(struct buf *, uint8_t type, uint8_t flags, uint16_t extra);
void wire_end(struct buf *, size_t began);

/*
 * Readers move in forward.  After the first thing that does not fit, bad is
 * true and all later reads give 0, NULL or an empty span.
 */
struct wire {
	struct span in;
	bool bad;
};
uint8_t wire_get_u8(struct wire *);
uint32_t wire_get_u32(struct wire *);
uint64_t wire_get_u64(struct wire *);
double wire_get_real(struct wire *);
struct span wire_get_bytes(struct wire *);
/* Borrowed, NUL-terminated, no NUL inside; NULL if NULL was written. */
const char *wire_get_text(struct wire *);

/*
 * Cut the first whole frame off in.  1: *frame and *body are set; 0: more
 * bytes are needed; -1: not a frame (too long).
 */
int wire_next(struct span *in, struct wire_frame *frame, struct span *body);

#endif
