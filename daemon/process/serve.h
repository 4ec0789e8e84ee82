/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session connection in a worker: frames in, events to the core, answers
 * out.
 */
#ifndef PROCESS_SERVE_H
#define PROCESS_SERVE_H

#include "core/session.h"
#include "process/board.h"

struct served;

struct served *served_create(
    struct core *, struct generation_board *, struct worker_board *, int sock);
void served_destroy(struct served **);
int served_socket(const struct served *);

/*
 * The thread is done with it for now: what it wrote is seen by the next one
 * that reads.
 */
void served_pass(struct served *);

/*
 * Read what is there and deal with it.  False: the session is over, or the
 * worker has let go of it.
 */
bool served_read(struct served *);

#endif
