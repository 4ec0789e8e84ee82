/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a session, shared by the files of the front only. */
#ifndef FRONT_PRIVATE_H
#define FRONT_PRIVATE_H

#include "base/arena.h"
#include "front/body.h"
#include "front/ids.h"
#include "front/session.h"
#include "link/frame.h"

/* What only an open message, or an answer in use, needs. */
struct front_now {
	struct buf message_log; /* its events, as frames */
	size_t message_told;
	struct body body;
	size_t body_told;      /* bytes, while in memory */
	unsigned body_version; /* of the file that was passed on */
	char message_id[IDS_MESSAGE];
	struct buf *asked_in; /* the log with the event to be answered */
	size_t asked_at;

	struct buf in; /* from the worker */
	size_t used;   /* bytes of in that were taken */
	/* What the last answer's strings live in. */
	struct arena *arena;
	struct buf new_body;
};

struct front_session {
	struct front *front;
	struct front_plan *plan;            /* what was negotiated by */
	struct front_session *next, **link; /* in front->sessions */
	uint32_t generation;                /* bound to it */

	/* What the MTA said of the session, as frames. */
	struct buf session_log;
	size_t session_told; /* to the worker */
	size_t connect_end;  /* in session_log: where HELO begins */

	/* The connection to a worker. */
	int sock; /* -1: none */
	uint32_t sock_generation;
	int32_t pid; /* 0 until it says hello */
	struct link_open open;

	struct front_now *now; /* NULL between messages */
	int64_t rested_us;
	uint8_t deaths; /* of workers, in this message */
	bool opened;    /* the worker was told what session it is */
	bool in_message, message_begun;
	bool ending; /* the answer in use is the message's last */
	const struct answer *standing; /* to the rest of the message */
	/* Held from an event to front_session_rest, and by the sweep. */
	_Atomic bool busy;
};

/* How long to wait, and whom to tell meanwhile. */
struct waiting {
	void (*progress)(void *);
	void *arg;
	int64_t next_progress;
};

/* exchange.c */
enum attempt {
	ANSWERED,
	AGAIN,  /* it let go of the session, or was never there */
	FAILED, /* it died, hung or broke its word: open.fault */
};
/* Tell one worker what it does not know and wait for its answer. */
enum attempt exchange(struct front_session *, struct waiting *,
    int64_t until_us, struct answer *);
void exchange_disconnect(struct front_session *);
/* Best effort, without waiting. */
void exchange_abort(struct front_session *);
/* Bind to the generation that should serve what comes next. */
void exchange_bind(struct front_session *, bool lost);

/* failure.c: log and journal a message that was given up. */
void failure_record(struct front_session *, enum stage, const struct answer *);
const char *failure_word(enum fault_kind);

#endif
