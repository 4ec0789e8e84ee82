/* SPDX-License-Identifier: Apache-2.0 */
/* What the master and its children tell each other, as base/wire.h frames. */
#ifndef PROCESS_ORDERS_H
#define PROCESS_ORDERS_H

#include "base/buf.h"
#include "base/span.h"
#include "base/wire.h"

enum order {
	ORDER_READY = 1, /* generation: its plan (link/plan.h) */
	ORDER_FAILED,    /* generation: the reason, as text */
	ORDER_PLAN,      /* to a front: u32 generation, then the plan */
	ORDER_TAKEN,     /* front: u32 generation that is in force now */
	ORDER_STOP,      /* to both: u32 ms for what is in flight */
};

/* Both ends are trusted processes of ours on one machine: waits a second. */
bool orders_send(int sock, enum order, struct span body);
bool orders_send_number(int sock, enum order, uint32_t);
/* ORDER_PLAN and ORDER_STOP begin with a number. */
bool orders_get_number(struct span *body, uint32_t *);

/*
 * Read what is there into in and call take for each whole frame.  False: the
 * other end is gone.
 */
bool orders_read(int sock, struct buf *in,
    void (*take)(void *arg, enum order, struct span body), void *arg);

#endif
