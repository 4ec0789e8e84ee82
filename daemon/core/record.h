/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a message: the journal's row, the log line and the
 * output of `millrace check` are made from the same struct.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/authres.h"
#include "core/event.h"
#include "core/reply.h"

/* One call of one instance. */
struct record_step {
	enum stage stage;
	const char *instance;
	int32_t verdict;    /* what the instance said */
	bool observed;      /* said, but not done */
	const char *detail; /* reply it gave, or why it was not asked; NULL */
	uint32_t us;
	struct record_step *next;
};

struct record_symbol {
	enum stage stage; /* at which it was found */
	const char *name;
	double score;
	const char *detail, *by;
	bool observed; /* not counted */
	struct record_symbol *next;
};

struct record_recipient {
	const char *address;
	enum answer_kind answer;
	bool by_mta;        /* refused before we were asked */
	struct reply reply; /* of a refusal */
	const char *by;     /* instance that refused it */
	struct record_recipient *next;
};

/* A worker that died or hung in this message before. */
struct record_fault {
	const char *instance; /* NULL: nobody's fault */
	const char *what;     /* "killed by signal 11 (SIGSEGV)" */
	const char *stage;
	struct record_fault *next;
};

struct record {
	int64_t time_us; /* wall clock at its start */
	int64_t took_us; /* from start to end */
	const char *id;  /* ours */
	const char *queue_id;
	const char *listener;
	const char *client_addr, *client_name, *helo, *login, *tls;
	const char *sender; /* NULL: refused before MAIL */
	const struct record_recipient *recipients;
	const char *header_from,
	    *message_id; /* NULL if headers were not read */
	uint64_t size;   /* bytes of body seen */
	const char
	    *outcome;      /* accept reject tempfail discard quarantine abort */
	const char *stage; /* where it was decided */
	const char *by;    /* instance, or NULL */
	struct reply reply; /* code 0: the MTA's own */
	double score;
	const struct record_step *steps;
	const struct record_symbol *symbols;
	const struct authres_result *auth;
	size_t nauth;
	const struct edit *edits;
	size_t nedits;
	const char *const *observed_edits; /* "stamp: add X-A: b" */
	size_t nobserved;
	const char *const *conflicts;
	size_t nconflicts;
	const struct record_fault *faults;
};

/* One JSON object, no newline. */
void record_json(const struct record *, struct buf *);
/* The one log line. */
void record_log(const struct record *);

#endif
