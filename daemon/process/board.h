/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures in memory that processes share: a generation's workers write, its
 * first process and the master read.  A worker may be overrun by a plugin,
 * so readers check what they take.
 */
#ifndef PROCESS_BOARD_H
#define PROCESS_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "front/front.h"
#include "front/ids.h"
#include "service/metrics.h"

enum {
	BOARD_VERDICTS = 8,  /* of mr_verdict */
	BOARD_THREADS = 512, /* of a worker */
	BOARD_WORKERS = 64,  /* places, taken in turn: a death is read later */
	BOARD_FRONTS = 64,
	BOARD_GENERATIONS = 32,
};

struct instance_board {
	char name[64], plugin[64];
	int32_t mode;
	_Atomic bool off;
	_Atomic uint64_t calls, us;
	_Atomic uint64_t verdicts[BOARD_VERDICTS];
	_Atomic uint64_t overruns, deaths;
};

/* What a thread of a worker is doing. */
enum { SLOT_IDLE, SLOT_RUNNING, SLOT_OVERRUN };

struct slot {
	_Atomic int32_t state;
	_Atomic int32_t instance, stage;
	_Atomic uint64_t session;
	_Atomic int64_t deadline_us; /* steady clock */
	char message_id[IDS_MESSAGE];
};

enum worker_state {
	WORKER_FREE,
	WORKER_STARTS,
	WORKER_SERVES,
	WORKER_RETIRES,
	WORKER_DONE
};

struct worker_board {
	_Atomic int32_t pid;
	_Atomic int32_t state;  /* enum worker_state */
	_Atomic bool retire;    /* asked to */
	_Atomic bool dead;      /* status is valid */
	_Atomic int32_t status; /* of waitpid */
	_Atomic int32_t guilty; /* slot + 1 of the thread that failed */
	_Atomic int64_t started_us;
	_Atomic int64_t beat_us; /* of its guard, 0: not yet */
	_Atomic uint64_t sessions, served;
	struct slot slots[BOARD_THREADS];
};

struct generation_board {
	uint32_t generation;
	_Atomic uint32_t ninstances;
	struct instance_board instances[CONFIG_INSTANCES];
	_Atomic uint64_t journal_lost;
	struct metrics metrics;
	struct worker_board workers[BOARD_WORKERS];
};

/* Zeroed, shared over fork.  Ends the process if there is no memory. */
struct generation_board *board_create_generation(uint32_t number);
void board_destroy_generation(struct generation_board **);
struct front_board *board_create_fronts(void); /* BOARD_FRONTS of them */

/*
 * Whose fault the death of worker pid was, as far as the session is
 * concerned: waits up to a second for the death to be noted.  Returns the
 * instance's index or -1 for nobody's; what (128 bytes) and *stage say more.
 */
int board_blame(struct generation_board *, int32_t pid, uint64_t session,
    char *what, const char **stage);
/* The same for a worker that hangs: what the session is doing there. */
int board_running(struct generation_board *, int32_t pid, uint64_t session,
    const char **stage);

/* "signal 11 (Segmentation fault)", "exit with status 3" */
void board_describe_status(int status, char what[128]);

#endif
