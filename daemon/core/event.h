/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the MTA said, and what it is to be told: the only language between
 * the core and whoever feeds it (a worker's connection, `millrace check`,
 * a test).
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "core/stage.h"

/* What the MTA is told.  Numbers travel in frames: append only. */
enum answer_kind {
	ANSWER_CONTINUE,
	ANSWER_ACCEPT,
	ANSWER_REJECT,
	ANSWER_TEMPFAIL,
	ANSWER_DISCARD,
	ANSWER_SKIP, /* no more of this stage (body) for this message */
	ANSWER_COUNT
};

const char *answer_name(enum answer_kind);

/* Borrowed by the core for the call. */
struct event {
	enum stage stage;
	/*
	 * Told before, to a worker that is gone: run it, but the MTA has its
	 * answer already, and that was given.
	 */
	bool told;
	enum answer_kind given;
	/* connect: reverse name; helo: name; mail, rcpt: address with its
	 * brackets as it came; unknown: the command; header: name */
	const char *text;
	/* connect: address in text form, NULL if the MTA gave none, a path
	 * for a unix socket; header: value as it came */
	const char *value;
	const char *const *args;   /* mail, rcpt: ESMTP, NULL at the end */
	const char *const *macros; /* name, value, ..., NULL; or NULL */
	struct span bytes;         /* body: the chunk; eom: the whole body */
	uint16_t port;             /* connect */
	bool local;                /* connect: value is a unix socket */
	bool rejected;             /* rcpt: the MTA itself refuses it */
	const char *message_id;    /* mail: ours, the same when told again */
};

/* What the MTA does to a message that is accepted. */
enum edit_kind {
	EDIT_ADD_HEADER,    /* at the end: name, value */
	EDIT_INSERT_HEADER, /* index 0 or 1 */
	EDIT_CHANGE_HEADER, /* index: nth of that name, from 1 */
	EDIT_DELETE_HEADER,
	EDIT_CHANGE_SENDER, /* name: address, value: ESMTP or NULL */
	EDIT_ADD_RECIPIENT,
	EDIT_DELETE_RECIPIENT,
	EDIT_REPLACE_BODY, /* bytes */
	EDIT_QUARANTINE,   /* value: reason */
	EDIT_KINDS
};

struct edit {
	enum edit_kind kind;
	uint32_t index;
	const char *name;
	const char *value;
	struct span bytes;
	const char *by; /* instance, for the record */
};

/* Strings live until the session's next event. */
struct answer {
	enum answer_kind kind;
	uint16_t code;            /* 0: the MTA's own words */
	const char *dsn;          /* "5.7.1" */
	const char *text;         /* lines apart by \n */
	const struct edit *edits; /* only at eom, in the order to send them */
	size_t nedits;
};

#endif
