/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the server: directly or by Sentinel; login, TLS, scripts. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "service/redis_private.h"

#if MR_REDIS_TLS
#include <hiredis/hiredis_ssl.h>
#endif

bool
redis_has_tls(void)
{
	return MR_REDIS_TLS;
}

static struct timeval
timeout_of(const struct redis *r)
{
	return (struct timeval){ r->settings.timeout_us / 1000000,
		r->settings.timeout_us % 1000000 };
}

/* --- TLS --- */

static bool
start_tls(const struct redis *r, redisContext *c, const char *host, char **why)
{
#if MR_REDIS_TLS
	redisSSLContextError error = REDIS_SSL_CTX_NONE;
	redisSSLContext *tls;
	bool ok;

	redisInitOpenSSL();
	tls = redisCreateSSLContext(r->settings.ca_file,
	    r->settings.ca_file == NULL ? "/etc/ssl/certs" : NULL, NULL, NULL,
	    host, &error);
	if (tls == NULL) {
		*why = memory_printf("TLS: %s", redisSSLContextGetError(error));
		return false;
	}
	ok = redisInitiateSSLWithContext(c, tls) == REDIS_OK;
	if (!ok)
		*why = memory_printf("TLS: %s", c->errstr);
	redisFreeSSLContext(tls); /* the connection keeps its own part */
	return ok;
#else
	(void)r;
	(void)c;
	(void)host;
	*why = memory_copy("this build has no TLS for Redis");
	return false;
#endif
}

/* --- asking while nobody else does --- */

/* NULL and *why if there was no answer or an error. */
static redisReply *
ask(redisContext *c, int n, const char **words, char **why)
{
	redisReply *reply = redisCommandArgv(c, n, words, NULL);

	if (reply == NULL)
		*why = memory_copy(
		    c->err == REDIS_ERR_IO ? strerror(errno) : c->errstr);
	else if (reply->type == REDIS_REPLY_ERROR)
		*why = memory_copy(reply->str);
	else
		return reply;
	if (reply != NULL)
		freeReplyObject(reply);
	return NULL;
}

static bool
tell(redisContext *c, int n, const char **words, char **why)
{
	redisReply *reply = ask(c, n, words, why);

	if (reply == NULL)
		return false;
	freeReplyObject(reply);
	return true;
}

static redisContext *
dial_plain(const struct redis *r, const char *host, uint16_t port, char **why)
{
	const struct database *d = &r->settings.database;
	redisContext *c;

	c = host != NULL ? redisConnectWithTimeout(host, port, timeout_of(r))
			 : redisConnectUnixWithTimeout(d->path, timeout_of(r));
	if (c == NULL) {
		*why = memory_copy("no memory");
		return NULL;
	}
	if (c->err != 0) {
		*why = memory_copy(c->errstr);
	} else if (redisSetTimeout(c, timeout_of(r)) != REDIS_OK) {
		*why = memory_copy(c->errstr);
	} else {
		if (host != NULL)
			redisEnableKeepAlive(c);
		if (!d->tls || host == NULL || start_tls(r, c, host, why))
			return c;
	}
	redisFree(c);
	return NULL;
}

static bool
log_in(const struct redis *r, redisContext *c, char **why)
{
	const char *with_user[] = { "AUTH", r->settings.database.user,
		r->settings.password };
	const char *without[] = { "AUTH", r->settings.password };

	if (r->settings.password == NULL)
		return true;
	return r->settings.database.user[0] != '\0' ? tell(c, 3, with_user, why)
						    : tell(c, 2, without, why);
}

static bool
choose_database(const struct redis *r, redisContext *c, char **why)
{
	char *number = memory_printf("%u", r->settings.database.number);
	const char *words[] = { "SELECT", number };
	bool ok = r->settings.database.number == 0 || tell(c, 2, words, why);

	free(number);
	return ok;
}

/* What it says of itself: "master", "slave"; true as well if it does not. */
static bool
is_master(redisContext *c)
{
	const char *words[] = { "ROLE" };
	char *why = NULL;
	redisReply *reply = ask(c, 1, words, &why);
	bool master = true;

	free(why);
	if (reply == NULL)
		return true;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
	    reply->element[0]->type == REDIS_REPLY_STRING)
		master = strcasecmp(reply->element[0]->str, "master") == 0;
	freeReplyObject(reply);
	return master;
}

static redisContext *
dial(const struct redis *r, const char *host, uint16_t port, char **why)
{
	redisContext *c = dial_plain(r, host, port, why);

	if (c != NULL && log_in(r, c, why) && choose_database(r, c, why))
		return c;
	if (c != NULL)
		redisFree(c);
	return NULL;
}

/* --- Sentinel --- */

static redisReply *
ask_sentinel(const struct redis *r, redisContext *c, char **why)
{
	const char *words[] = { "SENTINEL", "get-master-addr-by-name",
		r->settings.database.name };
	redisReply *reply = ask(c, 3, words, why);

	if (reply != NULL || strncmp(*why, "NOAUTH", 6) != 0)
		return reply;
	free(*why);
	*why = NULL;
	return log_in(r, c, why) ? ask(c, 3, words, why) : NULL;
}

static bool
read_address(const redisReply *reply, char host[DATABASE_TEXT], uint16_t *port)
{
	unsigned long number;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING ||
	    reply->element[0]->len >= DATABASE_TEXT)
		return false;
	number = strtoul(reply->element[1]->str, NULL, 10);
	memcpy(host, reply->element[0]->str, reply->element[0]->len + 1);
	*port = (uint16_t)number;
	return number > 0 && number <= UINT16_MAX;
}

/* The master that one Sentinel names, if it says that it is one. */
static redisContext *
dial_by_sentinel(
    const struct redis *r, const char *host, uint16_t port, char **why)
{
	char master[DATABASE_TEXT];
	redisReply *reply = NULL;
	uint16_t master_port;
	redisContext *c = dial_plain(r, host, port, why);
	bool found = false;

	if (c == NULL)
		return NULL;
	if ((reply = ask_sentinel(r, c, why)) != NULL) {
		found = read_address(reply, master, &master_port);
		freeReplyObject(reply);
		if (!found)
			*why = memory_printf("it knows no master \"%s\"",
			    r->settings.database.name);
	}
	redisFree(c);
	if (!found || (c = dial(r, master, master_port, why)) == NULL)
		return NULL;
	if (is_master(c))
		return c;
	*why = memory_printf("%s:%u, which it names, is not the master yet",
	    master, master_port);
	redisFree(c);
	return NULL;
}

/* --- the first --- */

static void
add_reason(char **why, const char *host, uint16_t port, char *reason)
{
	char *all = memory_printf("%s%s%s:%u: %s", *why != NULL ? *why : "",
	    *why != NULL ? "; " : "", host, port, reason != NULL ? reason : "");

	free(*why);
	free(reason);
	*why = all;
}

/*
 * The first of the configured hosts that can be used.  Of several, one that
 * is no master only if no other is.
 */
static redisContext *
dial_hosts(const struct redis *r, char **why)
{
	const struct database *d = &r->settings.database;
	redisContext *c, *second = NULL;
	char *reason;

	for (unsigned i = 0; i < d->nhosts; i++) {
		const char *host = d->hosts[i].name;
		uint16_t port = d->hosts[i].port;

		reason = NULL;
		c = d->kind == DATABASE_SENTINEL
			? dial_by_sentinel(r, host, port, &reason)
			: dial(r, host, port, &reason);
		if (c != NULL &&
		    (d->nhosts == 1 || d->kind == DATABASE_SENTINEL ||
			is_master(c))) {
			if (second != NULL)
				redisFree(second);
			return c;
		}
		if (c == NULL)
			add_reason(why, host, port, reason);
		else if (second == NULL)
			second = c;
		else
			redisFree(c);
	}
	return second;
}

/* Replies with the scripts' names, which are the same on every server. */
static bool
load_scripts(struct redis *r, redisContext *c, char **why)
{
	for (int i = 0; i < REDIS_SCRIPTS; i++) {
		const char *words[] = { "SCRIPT", "LOAD", redis_scripts[i] };
		redisReply *reply = ask(c, 3, words, why);

		if (reply == NULL)
			return false;
		pthread_mutex_lock(&r->lock);
		if (reply->type == REDIS_REPLY_STRING &&
		    reply->len == REDIS_SHA - 1)
			memcpy(r->shas[i], reply->str, REDIS_SHA);
		pthread_mutex_unlock(&r->lock);
		freeReplyObject(reply);
	}
	return true;
}

/* From here on many threads use it, and none waits within a call. */
static struct redis_link *
share(struct redis *r, redisContext *c, char **why)
{
	int flags;

	if (c == NULL)
		return NULL;
	if (!load_scripts(r, c, why)) {
		redisFree(c);
		return NULL;
	}
	flags = fcntl(c->fd, F_GETFL);
	fcntl(c->fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	c->flags &= ~REDIS_BLOCK;
	return redis_link_create(c, r->settings.timeout_us);
}

struct redis_link *
redis_dial_first(struct redis *r, char **why)
{
	const struct database *d = &r->settings.database;
	struct redis_link *l;
	redisContext *c;

	*why = NULL;
	c = d->nhosts == 0 ? dial(r, NULL, 0, why) : dial_hosts(r, why);
	if (c != NULL) {
		free(*why);
		*why = NULL;
	}
	l = share(r, c, why);
	if (l == NULL && *why == NULL)
		*why = memory_copy("it cannot be reached");
	return l;
}

struct redis_link *
redis_dial_node(struct redis *r, const char *host, uint16_t port, char **why)
{
	*why = NULL;
	return share(r, dial(r, host, port, why), why);
}
