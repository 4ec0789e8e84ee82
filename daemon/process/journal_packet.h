/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels to the journal's process: one packet a record, with the
 * columns that can be searched and the whole record as JSON.
 */
#ifndef PROCESS_JOURNAL_PACKET_H
#define PROCESS_JOURNAL_PACKET_H

#include "base/buf.h"
#include "base/span.h"
#include "core/record.h"

enum { JOURNAL_PACKET_MAX = 128 * 1024 };

enum journal_packet { JOURNAL_RECORD = 1, JOURNAL_FLUSH = 2 };

/* Strings may be NULL but for id and verdict. */
struct journal_row {
	int64_t time_us;
	const char *id, *queue_id, *sender, *login, *client, *listener;
	const char *verdict, *by;
	/*
	 * What observing instances would have done: for each
	 * "\ninstance:verdict\n", so that a search can be exact.
	 */
	const char *observed;
	struct span json;
};

/*
 * Never more than JOURNAL_PACKET_MAX: of a record that is too large the long
 * lists and texts are cut, and its JSON says "shortened":true.
 */
void journal_packet_put(struct buf *, const struct record *);
void journal_packet_put_flush(struct buf *);

/* Strings are borrowed from the packet.  False: malformed. */
bool journal_packet_get(
    struct span packet, enum journal_packet *, struct journal_row *);

#endif
