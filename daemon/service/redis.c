/* SPDX-License-Identifier: Apache-2.0 */
#include "service/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/redis_private.h"

enum {
	REDIRECTIONS = 5,
	AGAIN_US = 1000 * 1000, /* until a node that failed is tried again */
	COMMAND_MOST = 24 * 1024 * 1024,
};

struct redis *
redis_create(const struct redis_settings *s)
{
	struct redis *r = memory_zalloc(sizeof(*r));

	r->settings = *s;
	r->nnodes = 1;
	pthread_mutex_init(&r->lock, NULL);
	for (int i = 0; i < REDIS_NODES; i++)
		pthread_mutex_init(&r->nodes[i].connecting, NULL);
	return r;
}

void
redis_destroy(struct redis **redis)
{
	struct redis *r = *redis;

	if (r == NULL)
		return;
	*redis = NULL;
	for (int i = 0; i < REDIS_NODES; i++) {
		redis_link_drop(&r->nodes[i].link);
		pthread_mutex_destroy(&r->nodes[i].connecting);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* --- commands --- */

void
redis_add_bytes(struct redis_command *c, struct mr_bytes b)
{
	if (c->n == REDIS_WORDS) {
		log_error("store: a command has too many words");
		abort(); /* our own doing */
	}
	c->words[c->n] = b.n > 0 ? b.p : "";
	c->lengths[c->n++] = b.n;
}

void
redis_add(struct redis_command *c, const char *text)
{
	redis_add_bytes(c, (struct mr_bytes){ text, (uint32_t)strlen(text) });
}

void
redis_add_number(struct redis_command *c, int64_t number)
{
	char *digits = c->numbers[c->n % REDIS_WORDS];

	snprintf(digits, sizeof(c->numbers[0]), "%" PRId64, number);
	redis_add(c, digits);
}

static void
format(struct buf *out, int n, const char *const *words, const size_t *lengths)
{
	buf_printf(out, "*%d\r\n", n);
	for (int i = 0; i < n; i++) {
		buf_printf(out, "$%zu\r\n", lengths[i]);
		buf_put(out, words[i], lengths[i]);
		buf_text(out, "\r\n");
	}
}

/* --- connections --- */

static void
put_link(struct redis *r, unsigned node, struct redis_link *l)
{
	struct redis_link *old;

	pthread_mutex_lock(&r->lock);
	old = r->nodes[node].link;
	r->nodes[node].link = l;
	r->nodes[node].number = ++r->connections;
	r->nodes[node].failed_us = l != NULL ? 0 : clock_steady_us();
	pthread_mutex_unlock(&r->lock);
	if (old != NULL)
		redis_link_break(old);
	redis_link_drop(&old);
}

bool
redis_connect(struct redis *r, char **why)
{
	struct redis_link *l;

	*why = NULL;
	if (redis_is_connected(r))
		return true;
	l = redis_dial_first(r, why);
	put_link(r, 0, l);
	return l != NULL;
}

bool
redis_is_connected(struct redis *r)
{
	bool is;

	pthread_mutex_lock(&r->lock);
	is = r->nodes[0].link != NULL && redis_link_works(r->nodes[0].link);
	pthread_mutex_unlock(&r->lock);
	return is;
}

uint64_t
redis_connection(struct redis *r)
{
	uint64_t number;

	pthread_mutex_lock(&r->lock);
	number = r->nodes[0].number;
	pthread_mutex_unlock(&r->lock);
	return number;
}

/* One that works, held for the caller, or NULL. */
static struct redis_link *
working_link(struct redis *r, unsigned node)
{
	struct redis_link *l;

	pthread_mutex_lock(&r->lock);
	l = r->nodes[node].link;
	if (l != NULL && !redis_link_works(l))
		l = NULL;
	if (l != NULL)
		redis_link_hold(l);
	pthread_mutex_unlock(&r->lock);
	return l;
}

/* Nodes that a redirection named are connected by who needs them. */
static void
connect_node(struct redis *r, unsigned node)
{
	char *why = NULL;
	int64_t failed;

	pthread_mutex_lock(&r->lock);
	failed = r->nodes[node].failed_us;
	pthread_mutex_unlock(&r->lock);
	if (failed != 0 && clock_steady_us() - failed < AGAIN_US)
		return;
	put_link(r, node,
	    redis_dial_node(r, r->nodes[node].host, r->nodes[node].port, &why));
	if (why != NULL)
		log_warn("store: %s:%u: %s", r->nodes[node].host,
		    r->nodes[node].port, why);
	free(why);
}

static struct redis_link *
link_to(struct redis *r, unsigned node)
{
	struct redis_link *l = working_link(r, node);

	if (l != NULL || node == 0)
		return l;
	pthread_mutex_lock(&r->nodes[node].connecting);
	if ((l = working_link(r, node)) == NULL) {
		connect_node(r, node);
		l = working_link(r, node);
	}
	pthread_mutex_unlock(&r->nodes[node].connecting);
	return l;
}

/* The number of a node, known or new; 0 if there are too many. */
static unsigned
node_at(struct redis *r, const char *host, uint16_t port)
{
	unsigned i = 1;

	while (i < r->nnodes && (r->nodes[i].port != port ||
				    strcmp(r->nodes[i].host, host) != 0))
		i++;
	if (i == REDIS_NODES)
		return 0;
	if (i == r->nnodes) {
		snprintf(r->nodes[i].host, DATABASE_TEXT, "%s", host);
		r->nodes[i].port = port;
		r->nnodes++;
	}
	return i;
}

/* --- asking --- */

/* One try of a command at one node. */
struct asked {
	const struct buf *command;
	unsigned node;
	bool asking; /* it was redirected while its slot moves */
	bool waits;  /* for replicas */
};

static redisReply *
send_one(struct redis *r, const struct asked *a, int64_t until_us)
{
	struct redis_link *l = link_to(r, a->node);
	redisReply *replies[REDIS_LINK_MOST] = { NULL }, *reply = NULL;
	unsigned count = 1u + a->asking + a->waits, at = a->asking;
	struct buf b = { 0 };
	bool ok;

	if (l == NULL)
		return NULL;
	if (a->asking)
		buf_text(&b, "*1\r\n$6\r\nASKING\r\n");
	buf_put(&b, a->command->p, a->command->n);
	if (a->waits) {
		char n[24], ms[24];
		const char *const words[] = { "WAIT", n, ms };

		snprintf(n, sizeof(n), "%" PRId64, r->settings.replicas);
		snprintf(ms, sizeof(ms), "%" PRId64,
		    r->settings.timeout_us / 2000 + 1);
		format(
		    &b, 3, words, (const size_t[]){ 4, strlen(n), strlen(ms) });
	}
	ok = redis_link_ask(l, b.p, b.n, count, until_us, replies);
	if (ok && a->waits && replies[at]->type != REDIS_REPLY_ERROR &&
	    replies[count - 1]->integer < r->settings.replicas) {
		log_warn("store: fewer than store-replicas answered in time");
		ok = false;
	}
	for (unsigned i = 0; i < count; i++)
		if (i == at && ok)
			reply = replies[i];
		else if (replies[i] != NULL)
			freeReplyObject(replies[i]);
	redis_link_drop(&l);
	buf_finish(&b);
	return reply;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void
break_node(struct redis *r, unsigned node)
{
	struct redis_link *l = working_link(r, node);

	if (l != NULL)
		redis_link_break(l);
	redis_link_drop(&l);
}

/* An error that means: ask elsewhere.  True: a says where. */
static bool
redirect(struct redis *r, const char *error, struct asked *a)
{
	char host[DATABASE_TEXT];
	uint16_t slot, port;

	if (!redis_redirection(error, &a->asking, &slot, host, &port))
		return false;
	pthread_mutex_lock(&r->lock);
	/* Without a host: at the same, on another port. */
	a->node = host[0] != '\0' ? node_at(r, host, port) : 0;
	if (!a->asking)
		r->slots[slot] = (uint8_t)a->node;
	pthread_mutex_unlock(&r->lock);
	return true;
}

/* Errors of a server that is not, or not yet, the one to ask. */
static bool
is_wrong_server(const char *error)
{
	return begins(error, "READONLY") || begins(error, "LOADING") ||
	       begins(error, "MASTERDOWN") || begins(error, "CLUSTERDOWN") ||
	       begins(error, "NOAUTH") || begins(error, "UNBLOCKED");
}

static redisReply *
ask(struct redis *r, const struct buf *command, unsigned node, bool waits,
    int64_t until_us)
{
	struct asked a = { command, node, false, waits };

	for (int i = 0; i < REDIRECTIONS; i++) {
		redisReply *reply = send_one(r, &a, until_us);

		if (reply == NULL || reply->type != REDIS_REPLY_ERROR ||
		    begins(reply->str, "NOSCRIPT"))
			return reply;
		if (!redirect(r, reply->str, &a)) {
			log_warn("store: %s", reply->str);
			if (is_wrong_server(reply->str))
				break_node(r, a.node);
			freeReplyObject(reply);
			return NULL;
		}
		freeReplyObject(reply);
	}
	log_warn("store: redirected too often");
	return NULL;
}

static unsigned
node_of(struct redis *r, struct mr_bytes key)
{
	unsigned node;

	pthread_mutex_lock(&r->lock);
	node = r->slots[redis_slot(key)];
	pthread_mutex_unlock(&r->lock);
	return node;
}

redisReply *
redis_ask(struct redis *r, const struct redis_command *c, struct mr_bytes key,
    int64_t until_us)
{
	struct buf b = { 0 };
	redisReply *reply;

	format(&b, c->n, c->words, c->lengths);
	reply = ask(r, &b, node_of(r, key), false, until_us);
	buf_finish(&b);
	return reply;
}

static void
format_script(struct buf *out, const char *how, const char *script, int keys,
    const struct redis_command *c)
{
	const char *words[REDIS_WORDS + 3] = { how, script };
	size_t lengths[REDIS_WORDS + 3] = { strlen(how), strlen(script) };
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", keys);
	words[2] = digits;
	lengths[2] = strlen(digits);
	memcpy(words + 3, c->words, sizeof(words[0]) * (size_t)c->n);
	memcpy(lengths + 3, c->lengths, sizeof(lengths[0]) * (size_t)c->n);
	format(out, c->n + 3, words, lengths);
}

redisReply *
redis_run(struct redis *r, enum redis_script script, int keys,
    const struct redis_command *c, int64_t until_us)
{
	struct mr_bytes first = { c->words[0], (uint32_t)c->lengths[0] };
	bool waits = r->settings.replicas > 0;
	unsigned node = node_of(r, first);
	char sha[REDIS_SHA];
	struct buf b = { 0 };
	redisReply *reply;

	pthread_mutex_lock(&r->lock);
	memcpy(sha, r->shas[script], REDIS_SHA);
	pthread_mutex_unlock(&r->lock);
	format_script(&b, "EVALSHA", sha, keys, c);
	reply = ask(r, &b, node, waits, until_us);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
		/* It has been forgotten: this tells it anew. */
		freeReplyObject(reply);
		buf_cut(&b, 0);
		format_script(&b, "EVAL", redis_scripts[script], keys, c);
		reply = ask(r, &b, node, waits, until_us);
	}
	buf_finish(&b);
	if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
		return reply;
	freeReplyObject(reply);
	return NULL;
}

/* --- clusters --- */

redisReply *
redis_ask_node(struct redis *r, unsigned node, const struct redis_command *c,
    int64_t until_us)
{
	struct buf b = { 0 };
	redisReply *reply;

	format(&b, c->n, c->words, c->lengths);
	reply = ask(r, &b, node, false, until_us);
	buf_finish(&b);
	return reply;
}

static unsigned
add_master(struct redis *r, const redisReply *range, unsigned n,
    unsigned nodes[REDIS_NODES])
{
	const redisReply *m;
	unsigned node;

	if (range->type != REDIS_REPLY_ARRAY || range->elements < 3)
		return n;
	m = range->element[2];
	if (m->type != REDIS_REPLY_ARRAY || m->elements < 2 ||
	    m->element[0]->type != REDIS_REPLY_STRING ||
	    m->element[0]->len >= DATABASE_TEXT)
		return n;
	pthread_mutex_lock(&r->lock);
	node = node_at(r, m->element[0]->str, (uint16_t)m->element[1]->integer);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < n; i++)
		if (nodes[i] == node)
			return n;
	nodes[n] = node;
	return n + 1;
}

unsigned
redis_nodes(struct redis *r, int64_t until_us, unsigned nodes[REDIS_NODES])
{
	static const char command[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
	redisReply *replies[REDIS_LINK_MOST];
	struct redis_link *l = link_to(r, 0);
	unsigned n = 0;
	bool ok;

	if (l == NULL)
		return 0;
	ok = redis_link_ask(
	    l, command, sizeof(command) - 1, 1, until_us, replies);
	redis_link_drop(&l);
	if (!ok)
		return 0;
	/* An error says that it is no cluster. */
	for (size_t i = 0; replies[0]->type == REDIS_REPLY_ARRAY &&
			   i < replies[0]->elements && n < REDIS_NODES;
	     i++)
		n = add_master(r, replies[0]->element[i], n, nodes);
	freeReplyObject(replies[0]);
	if (n == 0)
		nodes[n++] = 0;
	return n;
}
