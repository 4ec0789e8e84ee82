/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lives how long: a core as long as the worker, a session, a message in
 * it, a call into one instance.  Shared by the files of the core only.
 */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include "base/arena.h"
#include "core/edit.h"
#include "core/keep.h"
#include "core/macro.h"
#include "core/session.h"

struct core {
	struct core_settings settings;
	struct instance *instances;
	struct chain *chains; /* one a listener */
	size_t nchains;
};

struct note {
	const char *key, *value;
	struct note *next;
};

/* Steps in order, so that appending is one store. */
struct steps {
	struct record_step *first, **end;
};

struct symbols {
	struct record_symbol *first, **end;
};

struct message {
	struct session *session;
	struct arena *arena;
	const char *id;
	const char *sender; /* no brackets */
	int64_t started_us; /* wall clock */
	struct macros macros;
	const char **recipients; /* accepted, NULL at the end */
	size_t nrecipients;
	struct record_recipient *told_recipients, **recipients_end;
	struct edit_plan *edits;
	size_t edit_bytes, edit_count; /* asked for by instances */
	const char **observed_edits;
	size_t nobserved;
	struct authres_result *auth;
	size_t nauth;
	struct span body;
	uint64_t body_seen;
	uint64_t skip;    /* instances that said skip, by place in the chain */
	const char *held; /* quarantine: the reason */
	/* What ended it, for the record. */
	bool accepted, over;
	mr_outcome outcome;
	enum stage stage;
	const char *by;
	struct reply reply;
	struct steps steps;
	struct symbols symbols; /* begins with the session's */
	struct note *notes;
	void *keeps[KEEP_COUNT]; /* of services; NULL: never asked */
	void *states[];          /* by place in the chain; NULL: never asked */
};

struct session {
	struct core *core;
	const struct chain *chain;
	uint64_t id;
	struct arena *arena;
	struct mr_client client;
	char *helo;
	const char *login; /* the last one */
	struct macros macros;
	struct record_fault *faults; /* of the message told now; malloc'd */
	uint64_t faulted;            /* instances, by index in the config */
	bool accepted;               /* no more questions in this session */
	bool lost;                   /* given up: see core_watch.leave */
	struct steps steps;          /* connect and helo */
	struct symbols symbols;      /* likewise */
	struct message *message;
	struct answer answer;
	void *keeps[KEEP_COUNT]; /* of services; NULL: never asked */
	void *states[];          /* by place in the chain; NULL: never asked */
};

/* One call of one instance; the plugin sees ctx. */
struct call {
	struct mr_ctx ctx;
	struct session *session;
	const struct instance *instance;
	unsigned place; /* in the chain */
	enum stage stage;
	bool observed;
	struct reply reply;
	bool replied;
	int64_t until_us; /* steady clock: its deadline */
};

/* ctx is the first member. */
struct call *call_of(struct mr_ctx *);
struct arena *session_scope(struct session *); /* message's or session's */

/* host.c */
extern const struct mr_host host_table;
/* Handed to instances while they open: config_error goes to *why. */
void host_begin_open(struct instance *, char **why);
void host_end_open(void);

/* session.c: no instance is to blame any more. */
void session_forget_faults(struct session *);

/* symbols.c */
void symbols_init(struct symbols *);
/* A copy of the symbol, its strings borrowed. */
void symbols_add(
    struct symbols *, struct arena *, const struct record_symbol *);
/* The message's, or the session's outside one. */
struct symbols *symbols_here(struct session *);
/* Forget all after those of that stage, which come first. */
void symbols_cut(struct symbols *, enum stage);
/* What counts; all: what observing instances found, too. */
double symbols_score(const struct symbols *, bool all);

/* applies.c: is the instance asked at this stage?  rcpt: at STAGE_RCPT. */
bool applies(const struct instance *, const struct session *, enum stage,
    const char *rcpt);

/* runner.c */
struct decision {
	mr_verdict verdict; /* continue, or what ended the round */
	const struct instance *by;
	struct reply reply;
};
/*
 * Ask the chain at a stage.  *out says who decided.  False: the session was
 * given up.
 */
bool stage_run(struct session *, const struct event *, const char *address,
    struct decision *out);

/* Fill call->ctx for what is open; makes the scopes' states. */
void call_prepare(struct call *);
/* message_end if a message is open, else session_end. */
void call_end(struct call *, mr_outcome);

/* message.c */
struct message *message_begin(struct session *, const struct event *);
/* Free it, after its record is written and its instances are told. */
void message_finish(struct session *);
void message_add_recipient(struct message *, const char *address,
    const struct event *, const struct decision *, bool refused);
/* It is over, with this outcome, decided at this stage. */
void message_close(
    struct message *, mr_outcome, enum stage, const struct decision *);
/* Over without a verdict: aborted, or every recipient was refused. */
void message_abort(struct message *);
/* The edits and Authentication-Results, at eom. */
void message_edits(struct message *, struct answer *);
/* A connection refused before any message. */
void message_record_refusal(
    struct session *, enum stage, const struct decision *);

/* Remove angle brackets and a source route (RFC 5321, 4.1.1.3). */
const char *address_bare(struct arena *, const char *);

#endif
