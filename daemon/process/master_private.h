/* SPDX-License-Identifier: Apache-2.0 */
/* The master's state, shared by its files only. */
#ifndef PROCESS_MASTER_PRIVATE_H
#define PROCESS_MASTER_PRIVATE_H

#include "link/plan.h"
#include "process/children.h"
#include "process/control.h"
#include "process/master.h"

enum generation_state {
	GEN_NONE,
	GEN_STARTS,
	GEN_CURRENT,
	GEN_RETIRES,
	GEN_ENDS
};

struct generation_child {
	struct child child;
	uint32_t number;
	enum generation_state state;
	struct generation_board *board;
};

struct front_child {
	struct child child;
	int listening;                 /* -1: the place is free */
	struct plan_listener listener; /* strings of the plan in force */
	char *name, *socket; /* its own, when no plan has it any more */
	struct front_board *board;
	uint32_t taken; /* generation it works with */
	bool ends;      /* its listener is gone */
	int64_t started_us;
};

enum phase {
	PHASE_STARTS,
	PHASE_RUNS,
	PHASE_FRONTS_END,
	PHASE_GENERATIONS_END
};

extern struct master {
	struct master_settings settings;
	bool background;
	struct plan *plan; /* in force */
	struct buf plan_bytes;
	struct generation_child generations[BOARD_GENERATIONS];
	struct front_child fronts[BOARD_FRONTS];
	uint32_t current, next;
	struct child journal;
	int journal_ends[2]; /* senders', receiver's */
	struct control control;
	int signals;
	int inherited; /* listening sockets from systemd, from 3 on */
	enum phase phase;
	int exit_status;
	int64_t started_us;
	int64_t watchdog_us, watchdog_every_us; /* 0: nobody watches */
	bool announced;    /* that the current generation is in force */
	bool reload_again; /* asked for while one was under way */
} master;

struct children_context master_context(void);
/* Start the next generation; it is told when it works, or does not. */
void master_reload(void);

/* requests.c */
/* Those who asked for a reload; why NULL: it is in force. */
void requests_answer_reload(const char *why);
void requests_take(
    struct control *, struct control_client *, struct span verb, void *arg);

/* generations.c */
struct generation_child *generations_in(enum generation_state);
bool generations_all_ended(void);
/* Stop it when its last message has ended. */
void generations_end(struct generation_child *);
/* Stop those that no session is bound to any more. */
void generations_end_unused(void);

/* fronts.c */
/*
 * Open the sockets that the plan has and we have not: opened[i] for its i-th
 * listener, else -1.  On failure those opened are closed again.
 */
bool fronts_open(const struct plan *, int *opened, char **why);
/* Fronts for the plan in force: new ones, told ones, ended ones. */
void fronts_arrange(const int *opened);
void fronts_stop(void);
bool fronts_all_ended(void);
/* All of them work with the generation in force. */
bool fronts_all_taken(void);
void fronts_take_order(void *front, enum order, struct span body);
void fronts_died(struct front_child *, int status);

#endif
