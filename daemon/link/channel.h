/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a unix stream socket, with a descriptor now and then. */
#ifndef LINK_CHANNEL_H
#define LINK_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Send all of it; fd (or -1) goes with the first byte.  Waits until
 * deadline_us of the steady clock.  False: the peer is gone or too slow.
 */
bool channel_send(int sock, struct span, int fd, int64_t deadline_us);

enum channel_read { CHANNEL_GOT, CHANNEL_NOTHING, CHANNEL_END };

/*
 * Read what is there, without waiting, to the end of in.  A descriptor that
 * came along is left in *fd (an unclaimed one is closed); fd may be NULL.
 */
enum channel_read channel_read(int sock, struct buf *in, int *fd);

/*
 * The same, but waits for something to come, ms at most: then CHANNEL_NOTHING.
 * (By poll: a reader that blocks in recvmsg is also woken when the peer takes
 * what was sent to it, to find nothing.)
 */
enum channel_read channel_read_wait(int sock, struct buf *in, int *fd, int ms);

/* Wait until there is something to read.  False: not before the deadline. */
bool channel_wait(int sock, int64_t deadline_us);

/* Unix stream sockets by path. */
int channel_connect(const char *path);
int channel_listen(const char *path, int backlog, unsigned mode);

#endif
