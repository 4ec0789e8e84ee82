/* SPDX-License-Identifier: Apache-2.0 */
/* Listing keys: SCAN, on every server that has some. */
#include <string.h>

#include "base/table.h"
#include "service/record.h"
#include "service/store_redis.h"

enum { HEAD = 4 }; /* "mr:{" */

static void
add_pattern(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr("*?[]\\^-", p[i]) != NULL && p[i] != '\0')
			buf_char(b, '\\');
		buf_char(b, p[i]);
	}
}

/* "mr:{group}:K:key" into its parts.  False: another's key. */
static bool
cut(struct span in, struct span *group, char *kind, struct span *key)
{
	const char *end;

	if (in.n < HEAD || memcmp(in.p, "mr:{", HEAD) != 0)
		return false;
	end = memchr(in.p, '}', in.n);
	if (end == NULL || in.p + in.n - end < 4 || end[1] != ':' ||
	    end[3] != ':' || strchr("LVS", end[2]) == NULL)
		return false;
	*group = (struct span){ in.p + HEAD, (size_t)(end - in.p) - HEAD };
	*kind = end[2];
	*key = (struct span){ end + 4, (size_t)(in.p + in.n - end) - 4 };
	return true;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static void
unescape(struct buf *out, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '%' && i + 2 < in.n && hex(in.p[i + 1]) >= 0 &&
		    hex(in.p[i + 2]) >= 0) {
			buf_char(out,
			    (char)(hex(in.p[i + 1]) * 16 + hex(in.p[i + 2])));
			i += 2;
		} else {
			buf_char(out, in.p[i]);
		}
	}
}

/* One listing: what was seen, so that it is not shown twice. */
struct listing {
	struct store_redis *s;
	const struct store_call *call;
	struct buf pattern;
	struct table *seen;
	bool enough;
	void (*found)(struct listing *, unsigned node, struct span key);
	/* The caller's. */
	struct mr_bytes prefix;
	bool (*key)(void *, struct mr_bytes key, struct mr_bytes value);
	bool (*group)(void *, struct mr_bytes group);
	void *arg;
};

static bool
is_first(struct listing *l, struct span what)
{
	return table_put(l->seen, what, l) == NULL;
}

/* One step of SCAN; the cursor is "0" at the end.  False: down. */
static bool
scan(struct listing *l, unsigned node, struct buf *cursor)
{
	struct redis_command c = { .n = 0 };
	const redisReply *keys;
	redisReply *reply;
	bool ok;

	redis_add(&c, "SCAN");
	redis_add(&c, cursor->p);
	redis_add(&c, "MATCH");
	redis_add_bytes(
	    &c, (struct mr_bytes){ l->pattern.p, (uint32_t)l->pattern.n });
	redis_add(&c, "COUNT");
	redis_add(&c, "1000");
	reply = redis_ask_node(l->s->redis, node, &c, l->call->until_us);
	if (reply == NULL)
		return false;
	ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	     reply->element[0]->type == REDIS_REPLY_STRING &&
	     reply->element[1]->type == REDIS_REPLY_ARRAY;
	if (ok) {
		buf_cut(cursor, 0);
		buf_text(cursor, reply->element[0]->str);
		keys = reply->element[1];
		for (size_t i = 0; i < keys->elements && !l->enough; i++)
			l->found(l, node,
			    (struct span){
				keys->element[i]->str, keys->element[i]->len });
	}
	freeReplyObject(reply);
	return ok;
}

static mr_store_status
list(struct listing *l)
{
	unsigned nodes[REDIS_NODES], n;
	struct buf cursor = { 0 };
	bool ok;

	if (!fleet_ready(l->s, l->call))
		return MR_STORE_DOWN;
	n = redis_nodes(l->s->redis, l->call->until_us, nodes);
	ok = n > 0;
	l->seen = table_create(false);
	for (unsigned i = 0; i < n && ok && !l->enough; i++) {
		buf_cut(&cursor, 0);
		buf_text(&cursor, "0");
		do
			ok = scan(l, nodes[i], &cursor);
		while (ok && !l->enough && strcmp(cursor.p, "0") != 0);
	}
	table_destroy(&l->seen, NULL);
	buf_finish(&cursor);
	return ok ? MR_STORE_OK : MR_STORE_DOWN;
}

/* --- keys of a group --- */

static bool
get_value(struct listing *l, unsigned node, struct span key, struct buf *value)
{
	struct redis_command c = { .n = 0 };
	redisReply *reply;
	bool is;

	redis_add(&c, "GET");
	redis_add_bytes(&c, (struct mr_bytes){ key.p, (uint32_t)key.n });
	reply = redis_ask_node(l->s->redis, node, &c, l->call->until_us);
	is = reply != NULL && reply->type == REDIS_REPLY_STRING;
	if (is)
		buf_put(value, reply->str, reply->len);
	if (reply != NULL)
		freeReplyObject(reply);
	return is;
}

static void
found_key(struct listing *l, unsigned node, struct span in)
{
	struct buf value = { 0 };
	struct span group, key;
	char kind;

	if (!cut(in, &group, &kind, &key) || !is_first(l, in))
		return;
	/* It may have gone meanwhile. */
	if (kind != RECORD_VALUE || get_value(l, node, in, &value))
		l->enough =
		    !l->key(l->arg, (struct mr_bytes){ key.p, (uint32_t)key.n },
			(struct mr_bytes){
			    value.n > 0 ? value.p : "", (uint32_t)value.n });
	buf_finish(&value);
}

mr_store_status
store_redis_each(void *self, const struct store_call *call,
    struct mr_bytes group, struct mr_bytes prefix,
    bool (*seen)(void *, struct mr_bytes key, struct mr_bytes value), void *arg)
{
	struct listing l = { .s = self,
		.call = call,
		.found = found_key,
		.key = seen,
		.arg = arg };
	struct buf name = { 0 };
	mr_store_status status;

	store_redis_key(&name, group, 'L', (struct mr_bytes){ "", 0 });
	add_pattern(&l.pattern, name.p, name.n - 2); /* without "L:" */
	buf_text(&l.pattern, "[LVS]:");
	add_pattern(&l.pattern, prefix.p, prefix.n);
	buf_char(&l.pattern, '*');
	status = list(&l);
	buf_finish(&l.pattern);
	buf_finish(&name);
	return status;
}

/* --- groups --- */

static void
found_group(struct listing *l, unsigned node, struct span in)
{
	struct buf name = { 0 };
	struct span group, key;
	char kind;

	(void)node;
	if (!cut(in, &group, &kind, &key) || !is_first(l, group))
		return;
	unescape(&name, group);
	if (name.n >= l->prefix.n &&
	    (l->prefix.n == 0 || memcmp(name.p, l->prefix.p, l->prefix.n) == 0))
		l->enough = !l->group(
		    l->arg, (struct mr_bytes){ name.p, (uint32_t)name.n });
	buf_finish(&name);
}

mr_store_status
store_redis_groups(void *self, const struct store_call *call,
    struct mr_bytes prefix, bool (*seen)(void *, struct mr_bytes group),
    void *arg)
{
	struct listing l = { .s = self,
		.call = call,
		.found = found_group,
		.prefix = prefix,
		.group = seen,
		.arg = arg };
	mr_store_status status;

	buf_text(&l.pattern, "mr:{*}:[LVS]:*");
	status = list(&l);
	buf_finish(&l.pattern);
	return status;
}
