/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the MTA's side: who called, and which one to listen on. */
#ifndef FRONT_SOCKET_H
#define FRONT_SOCKET_H

#include <sys/socket.h>

#include "core/event.h"

enum { SOCKET_TEXT = 64 }; /* bytes for an address as text */

/* Fill in value, port and local of a connect event; a may be NULL. */
void socket_peer(
    const struct sockaddr *, struct event *, char *text, size_t size);

bool socket_is_local(int listening); /* a unix socket */

/*
 * A throw-away address of the same family as the listening socket, as
 * libmilter writes it; the caller frees it.
 */
char *socket_scratch(int listening, const char *path);
/* Put ours in the place of the throw-away one that is open now. */
bool socket_replace(int listening, const char *path);

#endif
