/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "stream/1": ask a program elsewhere, over a unix socket or
 * TCP, one connection a question.
 *
 * Several addresses may stand for the same service.  They are tried in
 * order.  One that cannot be reached, is late, hangs up in the middle or
 * answers what it should not is left alone for a while, and the next one is
 * asked.  If all are left alone, the one that may be asked soonest is.
 *
 * An address is "unix:/path", "inet:PORT@127.0.0.1" or "inet6:PORT@::1".
 * Hosts are IP addresses or "localhost": no name is looked up while a
 * message waits.
 */
#ifndef MR_STREAM_H
#define MR_STREAM_H

#include <millrace/plugin.h>

#define MR_STREAM_SERVICE "stream/1"

enum {
	MR_STREAM_SERVERS = 16,
	MR_STREAM_PIECES = 8,
	MR_STREAM_WHY = 256,
};

/* Servers that stand for each other; belongs to the service. */
struct mr_stream;

/* What read() says of an answer. */
typedef int32_t mr_stream_state;
enum {
	MR_STREAM_MORE = 0, /* as far as it goes it is right */
	MR_STREAM_DONE = 1, /* it is whole; what follows is not wanted */
	MR_STREAM_BAD = 2,  /* no answer: ask another, leave this one alone */
	MR_STREAM_NEXT = 3, /* it cannot do it now, and says so: ask another */
};

struct mr_stream_piece {
	const void *p;
	size_t n;
};

struct mr_stream_question {
	const struct mr_stream_piece *pieces; /* sent one after the other */
	uint32_t count;                       /* MR_STREAM_PIECES at most */
	bool close; /* end the sending side after the last one */
	/*
	 * For one server: until it is connected, and from then until its
	 * answer is whole.  Neither goes beyond time_left().
	 */
	int64_t connect_ms, answer_ms;
	size_t answer_max; /* a longer answer is BAD; 16 MB at most */
	/*
	 * Pure: called with all that has come so far, whenever something
	 * has, and once more with end set when no more will.  MORE at the
	 * end is BAD.  An answer may come before all is sent.
	 */
	mr_stream_state (*read)(
	    void *arg, const char *bytes, size_t n, bool end);
	void *arg;
};

struct mr_stream_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [main] Take the addresses, 1 to MR_STREAM_SERVERS.  Connects to
	 * nothing.  retry_ms: how long a server that failed is left alone.
	 * NULL and why (one line): an address is none.
	 */
	struct mr_stream *(*open)(const struct mr_list *servers,
	    int64_t retry_ms, char why[MR_STREAM_WHY]);
	void (*close)(struct mr_stream *); /* [main] NULL does nothing */

	/*
	 * [session] Ask until a server's answer is DONE; *bytes are n bytes
	 * in the memory of the message, with a NUL after them.  False and
	 * *why (one line, printable, memory of the message): none answered
	 * while there was time.  Each server that begins to fail, or works
	 * again, is logged.
	 */
	bool (*ask)(struct mr_ctx *, struct mr_stream *,
	    const struct mr_stream_question *, const char **bytes, size_t *n,
	    const char **why);

	/*
	 * [session] The header of the message as it came, with CRLF, and the
	 * empty line after it: with body() behind it that is the message.
	 * Memory of the message; needs MR_WANT_HEADERS, from eoh on.
	 */
	const char *(*header)(struct mr_ctx *, size_t *n);
};

#endif
