/* SPDX-License-Identifier: Apache-2.0 */
/* What a service remembers of the session or message that asks it. */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include <stddef.h>

#include "base/arena.h"
#include "millrace/plugin.h"

/* One row a service; what it means only that service knows. */
enum keep { KEEP_DNS, KEEP_STORE, KEEP_CONTENT, KEEP_COUNT };

/*
 * [session] n bytes of the session's own memory, zeroed when they are first
 * asked for and gone with the session.  A session that is told again to
 * another worker begins anew.
 */
void *session_keep(struct mr_ctx *, enum keep, size_t n);

/* [session] The same of the message; NULL if none is open. */
void *message_keep(struct mr_ctx *, enum keep, size_t n);

/* [session] What host->alloc() takes from: the message's, or session's. */
struct arena *keep_arena(struct mr_ctx *);

#endif
