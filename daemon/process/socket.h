/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets of the listeners: the master opens and keeps them. */
#ifndef PROCESS_SOCKET_H
#define PROCESS_SOCKET_H

#include "link/plan.h"

/*
 * Open what the listener says, or take what systemd hands over.  -1 and *why
 * ("file:line: ...", the caller frees it).  A stale unix socket is replaced
 * only if nobody answers on it.
 */
int socket_open(const struct plan_listener *, char **why);

/* Remove the file of a unix socket that is given up. */
void socket_remove(const struct plan_listener *);

#endif
