/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: records of messages, kept for some days in SQLite.  Workers
 * and fronts hand records over without ever waiting; one process writes them
 * in batches.
 */
#ifndef PROCESS_JOURNAL_H
#define PROCESS_JOURNAL_H

#include "core/record.h"

/*
 * Where journal_send goes; -1: nowhere.  Set before the first record, and
 * while still privileged: then the socket can hold more.  It is one end of a
 * pair of AF_UNIX, SOCK_SEQPACKET.
 */
void journal_use(int sock);

/* False: it could not be taken now and is lost. [any thread] */
bool journal_send(const struct record *);

struct journal_settings {
	const char *path;
	int64_t days; /* older rows are removed; 0: none */
	int sock;     /* records come here, until all senders are gone */
};

/*
 * The body of the journal's process.  Returns when there is no sender, so
 * its own copy of the senders' end must be closed; signals that ask to end
 * are ignored, for the last records come when everybody else has ended.
 */
void journal_run(const struct journal_settings *);

/* Ask the journal's process to write what it has; sock is a sender's end. */
bool journal_flush(int sock);

/*
 * The same, for somebody who waits: when all that was sent before is
 * written, the journal's process says {"ok":true} to the client and hangs
 * up.  The caller closes its own copy of client without an answer.
 */
bool journal_flush_for(int sock, int client);

#endif
