/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP session as the front sees it: what the MTA said is kept, told to
 * a worker where an answer is needed, and told again to another one if that
 * dies, hangs or lets go.  Knows nothing of libmilter.
 */
#ifndef FRONT_SESSION_H
#define FRONT_SESSION_H

#include "core/event.h"
#include "front/front.h"

struct front_session;

/* Bound to the plan in force; *needs is what to negotiate. */
struct front_session *front_session_create(
    struct front *, const struct plan_listener **needs);
void front_session_destroy(struct front_session **);

/* What was negotiated after all: the MTA may offer less. */
void front_session_negotiated(
    struct front_session *, uint32_t stages, uint32_t actions, uint32_t wants);
/* The macros to ask the MTA for at a stage, apart by blanks. */
const char *front_session_macros(const struct front_session *, enum stage);

/*
 * Tell an event.  Returns at once with CONTINUE where no answer is needed.
 * progress, if not NULL, is called every 5 s while waiting.
 * Strings of the answer live until front_session_rest or the next event.
 */
void front_tell(struct front_session *, const struct event *, struct answer *,
    void (*progress)(void *), void *arg);

/* The answer has been used.  Owed after each front_tell. */
void front_session_rest(struct front_session *);

/*
 * Let go of workers' connections that have been idle between messages for
 * so long: an idle session keeps no descriptor and no memory in a worker.
 * [any thread]
 */
void front_sweep(struct front *, int64_t idle_us);

/*
 * No message's last answer is in use, or was within the last grace_us: then
 * libmilter has sent what it was given.  [any thread]
 */
bool front_is_quiet(const struct front *, int64_t grace_us);

#endif
