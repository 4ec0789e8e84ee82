/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core: events in, answers out.  It does not know who feeds it.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/chain.h"
#include "core/event.h"
#include "core/record.h"

/* Told before and after each call into a plugin. */
struct core_watch {
	void *arg;
	/* True if the instance is switched off. */
	bool (*off)(void *arg, unsigned instance);
	void (*enter)(void *arg, unsigned instance, enum stage,
	    uint64_t session, const char *message_id, int64_t deadline_ms);
	/*
	 * False: it took so long that somebody else serves the session now;
	 * the session is to be given up.
	 */
	bool (*leave)(
	    void *arg, unsigned instance, int32_t verdict, uint32_t us);
};

struct core_settings {
	const struct config *config;
	const struct plugin_set *plugins;
	const void *(*service)(const char *id); /* service layer */
	const struct core_watch *watch;         /* NULL: nobody watches */
	bool dry_run;                           /* services leave no trace */
	/* Every finished message, and every refused connection. [any] */
	void (*record)(void *arg, const struct record *);
	void *record_arg;
};

struct core;

/*
 * Open every instance that a chain names.  False and *why ("file:line: ...",
 * the caller frees it) if one cannot be opened.
 */
struct core *core_create(const struct core_settings *, char **why);
void core_destroy(struct core **);
size_t core_chains(const struct core *);
const struct chain *core_chain(const struct core *, size_t index);

struct session;

/* id: the front's, the same when the session is told to another worker. */
struct session *session_create(
    struct core *, const struct chain *, uint64_t id);
/* moved: another worker goes on with it, so nothing is to be undone. */
void session_destroy(struct session **, bool moved);

/*
 * The instance brought a worker down in the message about to be told again
 * (or told now): its on-error stands for it until the message ends.
 * instance is an index of config->instances, or -1 for nobody; what and
 * stage are copied.
 */
void session_fault(
    struct session *, int instance, const char *what, const char *stage);

/*
 * Take one event.  Returns false if the session was given up (see
 * core_watch.leave): destroy it as moved.
 */
bool session_event(
    struct session *, const struct event *, struct answer *answer);

/*
 * The answer has been passed on: write the record of a message that is over,
 * tell its instances how it ended, free it.  Strings of the answer are gone
 * then.  The next event does the same if nobody called this.
 */
void session_rest(struct session *);

bool session_in_message(const struct session *);

#endif
