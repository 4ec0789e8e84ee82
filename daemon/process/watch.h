/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a worker: who is running what, in shared memory, before each call into
 * a plugin; and what is noted when a thread fails.
 */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include "core/session.h"
#include "process/board.h"

/* For core_settings.watch. */
const struct core_watch *watch_start(
    struct generation_board *, struct worker_board *);

/*
 * Each thread that calls plugins takes a place first.  False: none is left.
 * From then on a signal or exit() in it is noted as its fault.
 */
bool watch_enter_thread(void);

/* The connection that this thread is serving; -1: none. */
void watch_serving(int sock);

/*
 * Look for calls over their deadline; each is reported to its front once, and
 * its thread's session is given up.  Returns how many threads hang now.
 */
int watch_overruns(void);

#endif
