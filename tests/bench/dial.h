/* SPDX-License-Identifier: Apache-2.0 */
/* Milter addresses as both MTAs write them, and connecting to one. */
#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

#include <stdbool.h>
#include <sys/socket.h>

struct dial {
	struct sockaddr_storage to;
	socklen_t n;
};

/* unix:PATH, local:PATH, inet:PORT@HOST, inet6:PORT@HOST */
bool dial_parse(struct dial *, const char *address);

/*
 * A non-blocking socket that is connected or connecting; -1 and errno if
 * not.  EAGAIN: the queue of a unix listener is full, try again.
 */
int dial_start(const struct dial *);

/* 0, or the errno of a connect that has come to its end. */
int dial_result(int fd);

#endif
