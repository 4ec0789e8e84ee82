/* SPDX-License-Identifier: Apache-2.0 */
/* millrace limits set, block, unblock, reset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool_private.h"

/* Each group once, of the instances that have the key. */
static bool
is_first_of_group(const struct group *g, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(g->items[k].conf->group, g->items[i].conf->group) ==
		    0)
			return false;
	return true;
}

/* Words from the second operand on, with a separator. */
static char *
joined(int32_t argc, char **argv, const char *between)
{
	size_t n = 1;
	char *out;

	for (int32_t i = 2; i < argc; i++)
		n += strlen(argv[i]) + strlen(between);
	if ((out = calloc(1, n)) == NULL)
		abort();
	for (int32_t i = 2; i < argc; i++)
		snprintf(out + strlen(out), n - strlen(out), "%s%s",
		    i > 2 ? between : "", argv[i]);
	return out;
}

/* Change one kind of override of the key; text NULL removes it. */
static int32_t
change(const struct mr_tool *t, struct group *g, enum stored_kind kind,
    const char *key, const char *text)
{
	int32_t status = REFUSED;

	for (uint32_t i = 0; i < g->count; i++) {
		struct view v = { .ratelimit = &g->items[i] };
		char name[RULES_NAME_BYTES + KEY_VALUE_BYTES + 2];

		if (!is_first_of_group(g, i) || !view_keys(&v, t->ctx, key))
			continue;
		snprintf(name, sizeof(name), "%s:%.*s", v.keys[v.first].name,
		    KEY_VALUE_BYTES, v.keys[v.first].value);
		switch (
		    stored_put(g->items[i].stored, t->ctx, kind, name, text)) {
		case MR_STORE_OK:
			if (!t->json)
				printf("%s: %s\n", name,
				    text != NULL ? text : "as configured");
			status = DONE;
			break;
		case MR_STORE_NONE:
			break;
		default:
			return tool_store_is_down();
		}
	}
	if (t->json)
		printf("{\"done\":%s}\n", status == DONE ? "true" : "false");
	if (status == REFUSED)
		tool_complain(REFUSED,
		    text != NULL ? "no instance has such a key"
				 : "there is nothing to take back for",
		    key);
	return status;
}

static const char *
set_fault(const struct group *g, const char *text)
{
	const char *at = text, *why = limit_fault(text);
	struct limit l;

	while (why == NULL && (why = limit_next(&at, &l)) == NULL &&
	       l.what != LIMIT_END) {
		bool known = l.key_bytes == 0;

		for (uint32_t i = 0; i < g->count; i++)
			for (uint32_t k = 0; k < g->items[i].nkeys; k++)
				known |= strlen(g->items[i].names[k]) ==
					     l.key_bytes &&
					 memcmp(g->items[i].names[k], l.key,
					     l.key_bytes) == 0;
		if (!known)
			why = "there is no key of that name";
	}
	return why;
}

int32_t
tool_set(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);
	const char *why;
	char *text;

	if (status != DONE)
		return status;
	if (argc < 3) {
		tool_close(&g);
		return tool_complain(
		    USAGE, "set KEY LIMITS, or set KEY default", NULL);
	}
	text = joined(argc, argv, ", ");
	if (strcmp(text, "default") == 0)
		status = change(t, &g, STORED_LIMITS, argv[1], NULL);
	else if ((why = set_fault(&g, text)) != NULL)
		status = tool_complain(USAGE, text, why);
	else
		status = change(t, &g, STORED_LIMITS, argv[1], text);
	free(text);
	tool_close(&g);
	return status;
}

int32_t
tool_block(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);
	char *text, *whole;

	if (status != DONE)
		return status;
	if (argc < 2) {
		tool_close(&g);
		return tool_complain(USAGE, "block KEY [TEXT]", NULL);
	}
	text = joined(argc, argv, " ");
	if (asprintf(&whole, "blocked %s", text) == -1)
		abort();
	if (limit_fault(whole) != NULL)
		status = tool_complain(USAGE, text, limit_fault(whole));
	else
		status = change(t, &g, STORED_BLOCK, argv[1], text);
	free(whole);
	free(text);
	tool_close(&g);
	return status;
}

int32_t
tool_unblock(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);

	if (status != DONE)
		return status;
	if (argc != 2)
		status = tool_complain(USAGE, "unblock KEY", NULL);
	else
		status = change(t, &g, STORED_BLOCK, argv[1], NULL);
	tool_close(&g);
	return status;
}

/* What is counted under a key, whether a limit for it is left or not. */
struct clearing {
	struct mr_ctx *ctx;
	const struct ratelimit *ratelimit;
	int64_t cleared;
	bool marks;
};

static bool
clear_counter(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct clearing *cl = arg;
	const struct ratelimit *r = cl->ratelimit;
	struct mr_bytes group = { r->conf->group,
		(uint32_t)strlen(r->conf->group) };
	struct rules_counter_parts parts;
	struct mr_limit l = { .key = key, .amount = -1, .burst = 1 };

	(void)value;
	if (cl->marks) {
		r->store->remove(cl->ctx, group, key);
		return true;
	}
	if (!rules_counter_parse(key.p, key.n, &parts))
		return true;
	l.kind =
	    parts.limit.what == LIMIT_RATE ? MR_LIMIT_RATE : MR_LIMIT_WINDOW;
	if (l.kind == MR_LIMIT_RATE)
		l.amount = 1;
	l.period_ms = parts.limit.period_ms;
	if (r->store->reset(cl->ctx, group, &l, 1) == MR_STORE_OK)
		cl->cleared++;
	return true;
}

static bool
clear_key(struct clearing *cl, const char *key)
{
	const struct ratelimit *r = cl->ratelimit;
	struct mr_bytes group = { r->conf->group,
		(uint32_t)strlen(r->conf->group) };
	char prefix[RULES_COUNTER_BYTES];
	int n = snprintf(prefix, sizeof(prefix), "%.260s ", key);

	cl->marks = false;
	if (r->store->each(cl->ctx, group,
		(struct mr_bytes){ prefix, (uint32_t)n }, clear_counter,
		cl) != MR_STORE_OK)
		return false;
	cl->marks = true;
	n = snprintf(prefix, sizeof(prefix), "d %.260s ", key);
	r->store->each(cl->ctx, group, (struct mr_bytes){ prefix, (uint32_t)n },
	    clear_counter, cl);
	n = snprintf(prefix, sizeof(prefix), "r %.260s", key);
	r->store->remove(
	    cl->ctx, group, (struct mr_bytes){ prefix, (uint32_t)n });
	return true;
}

int32_t
tool_reset(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);
	struct clearing cl = { .ctx = t->ctx };

	if (status != DONE)
		return status;
	if (argc != 2)
		status = tool_complain(USAGE, "reset KEY", NULL);
	for (uint32_t i = 0; i < g.count && status == DONE; i++) {
		struct view v = { .ratelimit = &g.items[i] };
		char name[RULES_NAME_BYTES + KEY_VALUE_BYTES + 2];

		if (!is_first_of_group(&g, i) ||
		    !view_keys(&v, t->ctx, argv[1]))
			continue;
		snprintf(name, sizeof(name), "%s:%.*s", v.keys[v.first].name,
		    KEY_VALUE_BYTES, v.keys[v.first].value);
		cl.ratelimit = &g.items[i];
		if (!clear_key(&cl, name))
			status = tool_store_is_down();
	}
	tool_close(&g);
	if (status != DONE)
		return status;
	if (t->json)
		printf("{\"counters\":%lld}\n", (long long)cl.cleared);
	else
		printf("%s: %lld counters are at 0\n", argv[1],
		    (long long)cl.cleared);
	return cl.cleared > 0 ? DONE : REFUSED;
}
