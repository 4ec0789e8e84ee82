/* SPDX-License-Identifier: Apache-2.0 */
/* The option store, parsed: where the store is.  Reads text, asks nobody. */
#ifndef CONFIG_DATABASE_H
#define CONFIG_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

enum { DATABASE_HOSTS = 8, DATABASE_TEXT = 256 };

enum database_kind {
	DATABASE_LMDB,     /* path: a folder */
	DATABASE_REDIS,    /* hosts, tried in this order, or path: a socket */
	DATABASE_SENTINEL, /* hosts are Sentinels, name is what they watch */
};

struct database {
	enum database_kind kind;
	bool tls;
	char path[DATABASE_TEXT]; /* "": none */
	char user[DATABASE_TEXT]; /* "": the default user */
	char name[DATABASE_TEXT];
	struct {
		char name[DATABASE_TEXT];
		uint16_t port;
	} hosts[DATABASE_HOSTS];
	unsigned nhosts;
	unsigned number; /* of the database, 0 to 15999 */
};

/*
 * "lmdb:/folder", "redis://[user@]host[:port][,host...][/db]", "rediss://"
 * (TLS), "redis+unix://[user@]/path[?db]",
 * "redis+sentinel://[user@]host[:port][,...]/name[/db]" and
 * "rediss+sentinel://".  On failure *why, which the caller frees, says what
 * to write instead; *out is left alone.
 */
bool database_parse(const char *text, struct database *out, char **why);

#endif
