/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all sessions of one front share: the plan in force, and where its
 * workers listen.  A session is bound to a generation; the master keeps a
 * generation alive as long as a session is.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/event.h"
#include "core/record.h"
#include "link/plan.h"

enum { FRONT_GENERATIONS = 64 };

/* Counters in memory shared with the master; one writer process. */
struct front_board {
	_Atomic int32_t pid;
	_Atomic uint64_t sessions;              /* now */
	_Atomic uint64_t connections;           /* since the daemon started */
	_Atomic uint64_t messages;              /* open now */
	_Atomic uint64_t replays;               /* told to another worker */
	_Atomic uint64_t given_up;              /* 451 after a second death */
	_Atomic uint64_t answers[ANSWER_COUNT]; /* final ones, by message */
	/* Sessions bound to a generation, at its number modulo the size. */
	_Atomic uint32_t bound[FRONT_GENERATIONS];
};

/* A plan as long as somebody needs it. */
struct front_plan {
	struct plan *plan;
	const struct plan_listener *needs; /* of this front's listener */
	uint32_t generation;
	unsigned users; /* guarded by the front's lock */
};

struct front {
	struct front_board *board;
	const char *socket; /* the listener's, as the config has it */
	void (*record)(const struct record *); /* of a message given up */

	/* Last answers of messages that are being passed on; the latest. */
	_Atomic unsigned ending;
	_Atomic int64_t ended_us;

	pthread_mutex_t lock; /* guards what follows, and bound[] */
	struct front_plan *current;
	struct front_session *sessions; /* all of them */
	bool stopping;
};

void front_init(struct front *, struct front_board *, const char *socket,
    void (*record)(const struct record *));
/*
 * Takes the plan; sessions see it at their next message.  False: it has no
 * listener on this socket.
 */
bool front_set_plan(struct front *, struct plan *, uint32_t generation);
/* From now on no new message is begun. */
void front_stop(struct front *);
bool front_stopping(struct front *);

/* The plan in force, held until it is released. */
struct front_plan *front_hold(struct front *);
void front_release(struct front *, struct front_plan *);

/*
 * Bind a session that was bound to the generation (0: to none) and
 * negotiated *has to the generation that should serve it next: the current
 * one if its chain needs nothing else, or if the old one is lost.
 */
uint32_t front_bind(struct front *, uint32_t generation,
    const struct plan_listener *has, bool lost);
void front_unbind(struct front *, uint32_t generation);

#endif
