/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that stand for each other: which one is asked next, and which are
 * left alone for a while because they failed.  Time is an argument.
 */
#ifndef SERVICE_STREAM_SERVER_H
#define SERVICE_STREAM_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "millrace/stream.h"

struct stream_server {
	const char *name; /* as the configuration has it */
	struct sockaddr_storage address;
	socklen_t length;
	int64_t off_until; /* ms; 0: it works, as far as is known */
};

struct mr_stream {
	pthread_mutex_t lock; /* guards off_until of all */
	int64_t retry_ms;
	uint32_t count;
	struct stream_server servers[MR_STREAM_SERVERS];
};

/* One address.  False and why: it is none. */
bool stream_server_parse(
    const char *text, struct stream_server *, char why[MR_STREAM_WHY]);

/*
 * The place of the first server that is neither in tried (bits) nor left
 * alone.  If all are left alone and none was tried: the one whose
 * time is over first.  -1: there is none to ask.
 */
int stream_server_next(struct mr_stream *, uint32_t tried, int64_t now);

/* True: that is news, it worked (did not work) before. */
bool stream_server_failed(struct mr_stream *, int place, int64_t now);
bool stream_server_worked(struct mr_stream *, int place);

#endif
