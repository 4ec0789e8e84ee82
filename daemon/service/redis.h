/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Redis or Valkey server, or several that stand for one: finds the one to
 * ask (directly, by Sentinel, by the redirections of a cluster), keeps
 * connections, and runs commands and scripts there.  Knows nothing of what
 * they mean.
 */
#ifndef SERVICE_REDIS_H
#define SERVICE_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/database.h"
#include "millrace/store.h"

struct redis;

struct redis_settings {
	struct database database;
	const char *password; /* NULL: none */
	const char *ca_file;  /* TLS; NULL: the system's */
	int64_t timeout_us;   /* of a connection, of a command */
	/* A script counts as done when as many replicas have it. */
	int64_t replicas;
};

/* Is a library linked that speaks TLS? */
bool redis_has_tls(void);

/* Connects to nothing yet.  The strings must outlive it. */
struct redis *redis_create(const struct redis_settings *);
/* Nobody may be inside. */
void redis_destroy(struct redis **);

/* A command: words of any bytes. */
enum { REDIS_WORDS = 512 };
struct redis_command {
	const char *words[REDIS_WORDS];
	size_t lengths[REDIS_WORDS];
	int n;
	char numbers[REDIS_WORDS][24]; /* of redis_add_number() */
};
void redis_add(struct redis_command *, const char *text);
void redis_add_bytes(struct redis_command *, struct mr_bytes);
void redis_add_number(struct redis_command *, int64_t);

/* Scripts, from the files of that name. */
enum redis_script {
	REDIS_RESERVE,
	REDIS_REFUND,
	REDIS_RESET,
	REDIS_MERGE,
	REDIS_COUNT,
	REDIS_DISTINCT,
	REDIS_BEAT,
	REDIS_SCRIPTS
};

/*
 * Run a command on the server that has the key; the caller frees the reply.
 * NULL: nobody answered in time, and nothing is known; or the answer was an
 * error, which was logged.
 */
redisReply *redis_ask(struct redis *, const struct redis_command *,
    struct mr_bytes key, int64_t until_us);
/* The same for a script, on the keys and arguments in the command. */
redisReply *redis_run(struct redis *, enum redis_script, int keys,
    const struct redis_command *, int64_t until_us);

/*
 * Connect now if there is no connection; three failures in a row open the
 * circuit: nobody but this function tries then.  False and *why (the caller
 * frees it) on failure.
 */
bool redis_connect(struct redis *, char **why);
/* Is there a connection? */
bool redis_is_connected(struct redis *);
/* Differs for each connection to the first server. */
uint64_t redis_connection(struct redis *);

/*
 * The servers that have a part of the keys each: numbers for
 * redis_ask_node().  Returns how many, 0 if nobody answers.
 */
enum { REDIS_NODES = 64 };
unsigned redis_nodes(
    struct redis *, int64_t until_us, unsigned nodes[REDIS_NODES]);
redisReply *redis_ask_node(struct redis *, unsigned node,
    const struct redis_command *, int64_t until_us);

/* The slot of a key in a cluster: CRC16 of what stands within {}. */
uint16_t redis_slot(struct mr_bytes key);

/* "MOVED 3999 192.0.2.1:6381", "ASK ...".  False: not one of them. */
bool redis_redirection(const char *error, bool *ask, uint16_t *slot,
    char host[DATABASE_TEXT], uint16_t *port);

#endif
