/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What front and worker say to each other, as frames of base/wire.h over a
 * unix stream socket.  Both ends are one build; all the same each decoder
 * checks what it reads, and is fuzzed.
 *
 *   front -> worker   OPEN, then BODY / BODY_FILE and EVENT as they come
 *   worker -> front   HELLO, then one ANSWER for each EVENT that asks for
 *                     one; PARKED or OVERRUN when it lets go of the session
 */
#ifndef LINK_FRAME_H
#define LINK_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/wire.h"
#include "core/event.h"

enum frame_type {
	FRAME_OPEN = 1,
	FRAME_EVENT,     /* flags; extra: stage, and the answer given << 8 */
	FRAME_BODY,      /* bytes of the open message's body, in order */
	FRAME_BODY_FILE, /* a descriptor with the whole body comes along */
	FRAME_HELLO,
	FRAME_ANSWER,
	FRAME_NEW_BODY, /* a part of a replaced body, before its ANSWER */
	FRAME_PARKED,   /* between messages: connect again when needed */
	FRAME_OVERRUN,  /* an instance is over its deadline: go elsewhere */
};

enum event_flags {
	EVENT_ASKS = 1, /* an ANSWER is waited for */
	EVENT_TOLD = 2, /* see struct event */
};

/* Why a session is told to another worker. */
enum fault_kind {
	FAULT_NONE,
	FAULT_DIED,    /* the connection ended */
	FAULT_OVERRUN, /* the worker itself said so */
	FAULT_SILENT,  /* no answer in time */
};

struct link_open {
	uint64_t session;
	const char *socket; /* the listener's, as the config has it */
	/* What was negotiated with the MTA, see core/chain.h. */
	uint32_t stages, actions, wants;
	uint64_t macros; /* hash of the lists asked for */
	enum fault_kind fault;
	int32_t pid;      /* of the worker that failed; 0: unknown */
	int32_t instance; /* FAULT_OVERRUN: which; else -1 */
};

struct link_hello {
	int32_t pid;
};

void frame_open(struct buf *, const struct link_open *);
bool frame_get_open(struct span body, struct link_open *);
void frame_hello(struct buf *, const struct link_hello *);
bool frame_get_hello(struct span body, struct link_hello *);
void frame_overrun(struct buf *, int32_t instance);
bool frame_get_overrun(struct span body, int32_t *instance);

/*
 * An event.  Of a body only the place is in the frame: offset and length at
 * STAGE_BODY, the size at STAGE_EOM; event.bytes is not looked at.
 */
struct body_range {
	uint64_t offset, length;
};
void frame_event(struct buf *, const struct event *, uint8_t flags,
    const struct body_range *);
/* Strings are borrowed from body, lists are made in the arena. */
bool frame_get_event(const struct wire_frame *, struct span body,
    struct arena *, struct event *, struct body_range *);
/* Mark the event frame that begins at p as answered. */
void frame_mark_told(char *p, enum answer_kind given);

/*
 * An answer, with the parts of a replaced body before it.  The decoder makes
 * lists in the arena and borrows strings from body; new_body is what the
 * FRAME_NEW_BODY frames brought.
 */
void frame_answer(struct buf *, const struct answer *);
bool frame_get_answer(
    struct span body, struct arena *, struct span new_body, struct answer *);

#endif
