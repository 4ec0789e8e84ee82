/* SPDX-License-Identifier: Apache-2.0 */
/* What redis.c, redis_connect.c and redis_cluster.c share. */
#ifndef SERVICE_REDIS_PRIVATE_H
#define SERVICE_REDIS_PRIVATE_H

#include <pthread.h>

#include "service/redis.h"
#include "service/redis_link.h"

enum { REDIS_SLOTS = 16384, REDIS_SHA = 41 };

/* A server of a cluster; the first is the one that the configuration finds. */
struct redis_node {
	char host[DATABASE_TEXT];
	uint16_t port;
	struct redis_link *link;
	uint64_t number;   /* of the connection */
	int64_t failed_us; /* when it could last not be reached */
	pthread_mutex_t connecting;
};

struct redis {
	struct redis_settings settings;
	pthread_mutex_t lock; /* guards the rest */
	struct redis_node nodes[REDIS_NODES];
	unsigned nnodes;
	uint8_t slots[REDIS_SLOTS]; /* which node */
	uint64_t connections;
	char shas[REDIS_SCRIPTS][REDIS_SHA];
};

/* lua.c, made from *.lua: a script, with limit.lua before it if it needs it */
extern const char *const redis_scripts[REDIS_SCRIPTS];

/*
 * Connections that have logged in and know the scripts.  NULL and *why (the
 * caller frees it) on failure.
 */
struct redis_link *redis_dial_first(struct redis *, char **why);
struct redis_link *redis_dial_node(
    struct redis *, const char *host, uint16_t port, char **why);

#endif
