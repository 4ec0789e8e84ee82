/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One milter session as an MTA holds it: what it sends next, and whether
 * the filter's answer is one that the protocol allows.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "packet.h"
#include "script.h"

enum session_phase {
	PHASE_CLOSED,
	PHASE_WAITING, /* for its turn to connect */
	PHASE_CONNECTING,
	PHASE_NEGOTIATING,
	PHASE_OPENING, /* CONNECT, HELO */
	PHASE_HELD,
	PHASE_MESSAGE
};

enum session_kind { SESSION_IDLE, SESSION_PROBE, SESSION_LOAD };

/* What all sessions of a run share. */
struct load {
	const struct client_options *o;
	const struct dial *dial;
	const struct negotiated *agreed;
	struct results *r;
	struct script *scripts; /* one a letter; sessions take them in turn */
	size_t nscripts;
	struct script marked;
	struct session *waiting, **waiting_tail;
	unsigned opening;       /* started, HELO not yet answered */
	unsigned busy;          /* started and not closed, without the idle */
	uint64_t begun, budget; /* messages or probes, of so many (0: any) */
	uint64_t until;         /* none begins later (0: ever) */
	uint64_t queue_id;
	unsigned random; /* which login is next */
	int epoll;
	bool stop; /* too many errors */
};

struct session {
	struct load *load;
	struct session *next; /* among those waiting */
	const struct script *script;
	const struct step *now; /* its answer is awaited */
	const struct step *next_step, *end;
	struct buffer in, out;
	enum session_phase phase;
	enum session_kind kind;
	int fd;
	bool marked;
	unsigned messages;
	uint64_t began, mailed; /* session, message; all in microseconds */
	uint64_t deadline;      /* of the answer */
	uint64_t not_before;    /* of connecting */
};

uint64_t now_us(void);

void session_init(
    struct session *, struct load *, enum session_kind, bool marked);
/* Close without a word if open; not an error. */
void session_finish(struct session *);

/* Queue to connect; the owner calls session_connect at not_before. */
void session_start(struct session *);
void session_connect(struct session *);

void session_event(struct session *, uint32_t epoll_events);
/* Fail if an answer is overdue. */
void session_expire(struct session *, uint64_t now);

#endif
