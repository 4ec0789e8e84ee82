/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a server that many threads share.  Each writes its
 * command at once and waits; replies come in the order of the commands.  One
 * of those who wait reads for all, so that a single caller has no thread to
 * wait for and many share each system call.  Knows RESP through hiredis, and
 * no command.
 */
#ifndef SERVICE_REDIS_LINK_H
#define SERVICE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_link;

enum { REDIS_LINK_MOST = 3 }; /* commands that are sent in one */

/*
 * Takes over a connected context.  A server that leaves a command without an
 * answer for patience_us is given up.
 */
struct redis_link *redis_link_create(redisContext *, int64_t patience_us);
/* [any] It ends when the last who is in it has left. */
void redis_link_hold(struct redis_link *);
void redis_link_drop(struct redis_link **);

bool redis_link_works(struct redis_link *);
/* Give it up: all who wait get nothing, then and later. */
void redis_link_break(struct redis_link *);

/*
 * Send bytes that are count whole commands and wait for their
 * replies until then (steady clock).  False: nothing is known of what became
 * of them.  The caller frees the replies.
 */
bool redis_link_ask(struct redis_link *, const char *bytes, size_t n,
    unsigned count, int64_t until_us, redisReply *replies[REDIS_LINK_MOST]);

#endif
