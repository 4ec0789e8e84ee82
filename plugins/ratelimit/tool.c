/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t
tool_complain(int32_t status, const char *what, const char *detail)
{
	fprintf(stderr, "millrace limits: %s%s%s\n", what,
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	return status;
}

int32_t
tool_store_is_down(void)
{
	return tool_complain(LATER, "the store does not answer", NULL);
}

/* Take --instance NAME out of the words; false after a message. */
static bool
take_option(struct group *g, int32_t *argc, char **argv)
{
	int32_t n = 0;

	for (int32_t i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--instance") != 0) {
			argv[n++] = argv[i];
			continue;
		}
		if (++i == *argc) {
			tool_complain(USAGE, "--instance needs a name", NULL);
			return false;
		}
		g->only = argv[i];
	}
	*argc = n;
	return true;
}

void
tool_close(struct group *g)
{
	for (uint32_t i = 0; i < g->count; i++)
		instance_finish(&g->items[i]);
	free(g->items);
	free(g->names);
}

int32_t
tool_open(struct group *g, const struct mr_tool *t, int32_t *argc, char **argv)
{
	const struct mr_host *host = t->ctx->host;

	*g = (struct group){ .tool = t };
	if (!take_option(g, argc, argv))
		return USAGE;
	g->items = calloc(t->count + 1, sizeof(*g->items));
	g->names = calloc(t->count + 1, sizeof(*g->names));
	if (g->items == NULL || g->names == NULL) {
		tool_close(g);
		return tool_complain(LATER, "there is no memory", NULL);
	}
	for (uint32_t i = 0; i < t->count; i++) {
		if (g->only != NULL && strcmp(g->only, t->names[i]) != 0)
			continue;
		if (!instance_init(
			&g->items[g->count], host, t->confs[i], false)) {
			tool_close(g);
			return USAGE;
		}
		g->names[g->count++] = t->names[i];
	}
	if (g->count > 0)
		return DONE;
	tool_close(g);
	return g->only != NULL
		   ? tool_complain(USAGE, "there is no such instance", g->only)
		   : tool_complain(USAGE,
			 "the configuration has no instance of ratelimit",
			 NULL);
}

/* --- show --- */

static int32_t
show(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);
	bool first = true;

	if (status != DONE)
		return status;
	if (argc != 2) {
		tool_close(&g);
		return tool_complain(USAGE, "show KEY", NULL);
	}
	if (t->json)
		putchar('[');
	for (uint32_t i = 0; i < g.count && status != LATER; i++) {
		struct view v = { .instance = g.names[i],
			.ratelimit = &g.items[i] };

		if (!view_keys(&v, t->ctx, argv[1]))
			continue;
		if (!view_fill(&v, t->ctx))
			status = tool_store_is_down();
		else if (t->json)
			view_print_json(&v, first);
		else
			view_print(&v);
		first = false;
	}
	if (t->json)
		puts("]");
	tool_close(&g);
	if (first)
		return tool_complain(
		    REFUSED, "no instance has such a key", argv[1]);
	return status;
}

/* --- top and export --- */

/* Keys that have a counter: "mailbox:alice", each once. */
struct found {
	char **keys;
	size_t count, room;
	bool full;
};

static bool
note_key(struct found *f, const char *key, size_t n)
{
	if (f->count == f->room) {
		size_t room = f->room > 0 ? 2 * f->room : 1024;
		char **grown = realloc(f->keys, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		f->keys = grown;
		f->room = room;
	}
	f->keys[f->count] = strndup(key, n);
	return f->keys[f->count++] != NULL;
}

static bool
see_counter(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct rules_counter_parts parts;

	(void)value;
	if (!rules_counter_parse(key.p, key.n, &parts))
		return true;
	return note_key(
	    arg, parts.name, parts.name_bytes + 1 + parts.value_bytes);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
make_unique(struct found *f)
{
	size_t n = 0;

	if (f->count > 0)
		qsort(f->keys, f->count, sizeof(*f->keys), by_text);
	for (size_t i = 0; i < f->count; i++) {
		if (n > 0 && strcmp(f->keys[n - 1], f->keys[i]) == 0)
			free(f->keys[i]);
		else
			f->keys[n++] = f->keys[i];
	}
	f->count = n;
}

struct rows {
	struct view_row *items;
	size_t count, room;
};

static void
add_row(struct rows *rows, const struct view_row *row)
{
	if (rows->count == rows->room) {
		rows->room = rows->room > 0 ? 2 * rows->room : 256;
		rows->items =
		    realloc(rows->items, rows->room * sizeof(*rows->items));
		if (rows->items == NULL)
			abort();
	}
	rows->items[rows->count++] = *row;
}

/* The limits of that very key; keys above it have rows of their own. */
static bool
add_rows(struct rows *rows, struct mr_ctx *c, struct view *v, const char *key)
{
	if (!view_keys(v, c, key))
		return true;
	if (!view_fill(v, c))
		return false;
	for (uint32_t i = 0; i < v->rules.count; i++) {
		struct view_row row;

		if (v->rules.items[i].key != v->first)
			continue;
		view_row(v, i, &row);
		add_row(rows, &row);
	}
	return true;
}

static bool
collect(
    struct rows *rows, struct mr_ctx *c, struct ratelimit *r, const char *name)
{
	struct found found = { 0 };
	struct view v = { .instance = name, .ratelimit = r };
	const char *group = r->conf->group;
	bool ok =
	    r->store->each(c,
		(struct mr_bytes){ group, (uint32_t)strlen(group) },
		(struct mr_bytes){ "", 0 }, see_counter, &found) == MR_STORE_OK;

	make_unique(&found);
	for (size_t i = 0; i < found.count; i++) {
		ok = ok && add_rows(rows, c, &v, found.keys[i]);
		free(found.keys[i]);
	}
	free(found.keys);
	return ok;
}

/* The fullest first; what has no limit by what it used. */
static int
by_fill(const void *a, const void *b)
{
	const struct view_row *x = a, *y = b;
	double p = (double)x->state.used, q = (double)y->state.used;

	if ((x->rule.limit.amount < 0) != (y->rule.limit.amount < 0))
		return x->rule.limit.amount < 0 ? 1 : -1;
	if (x->rule.limit.amount > 0 && y->rule.limit.amount > 0) {
		p /= (double)x->rule.limit.amount;
		q /= (double)y->rule.limit.amount;
	}
	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->key, y->key);
}

static void
print_rows(
    const struct mr_tool *t, const struct rows *rows, size_t most, bool plain)
{
	size_t n = rows->count < most ? rows->count : most;

	if (t->json) {
		putchar('[');
		for (size_t i = 0; i < n; i++)
			view_row_print_json(&rows->items[i], i == 0);
		puts("]");
	} else if (plain) {
		for (size_t i = 0; i < n; i++)
			view_row_print_plain(&rows->items[i]);
	} else if (n == 0) {
		puts("nothing has been counted yet");
	} else {
		view_rows_print(rows->items, n);
	}
}

static int32_t
list_usage(const struct mr_tool *t, struct group *g, size_t most, bool plain)
{
	struct rows rows = { 0 };
	int32_t status = DONE;

	for (uint32_t i = 0; i < g->count && status == DONE; i++)
		if (!collect(&rows, t->ctx, &g->items[i], g->names[i]))
			status = tool_store_is_down();
	if (rows.count > 0 && !plain)
		qsort(rows.items, rows.count, sizeof(*rows.items), by_fill);
	if (status == DONE)
		print_rows(t, &rows, most, plain);
	for (size_t i = 0; i < rows.count; i++)
		free(rows.items[i].key);
	free(rows.items);
	return status;
}

static int32_t
top(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);
	long most = TOP_ROWS;
	char *end = NULL;

	if (status != DONE)
		return status;
	if (argc > 1)
		most = strtol(argv[1], &end, 10);
	if (argc > 2 || most < 1 || (end != NULL && *end != '\0'))
		status = tool_complain(USAGE, "top [N]", NULL);
	else
		status = list_usage(t, &g, (size_t)most, false);
	tool_close(&g);
	return status;
}

static bool
print_override(void *arg, const char *key, const char *text)
{
	const char *word = *(const char *const *)arg;

	printf("%s\t%s\t%s\n", word, key, text);
	return true;
}

/* Usage of all keys, then what the store overrides. */
static int32_t
export_all(const struct mr_tool *t, int32_t argc, char **argv)
{
	const char *set = "set", *block = "block";
	struct group g;
	int32_t status = tool_open(&g, t, &argc, argv);

	if (status != DONE)
		return status;
	status = list_usage(t, &g, SIZE_MAX, true);
	for (uint32_t i = 0; i < g.count && status == DONE && !t->json; i++)
		if (!stored_each(g.items[i].stored, t->ctx, STORED_LIMITS,
			print_override, &set) ||
		    !stored_each(g.items[i].stored, t->ctx, STORED_BLOCK,
			print_override, &block))
			status = tool_store_is_down();
	tool_close(&g);
	return status;
}

const struct mr_command tool_commands[] = {
	{ "top", "[N] [--instance NAME]",
	    "the N keys that are nearest to a limit", top },
	{ "show", "KEY [--instance NAME]",
	    "usage, limits and where they come from", show },
	{ "set", "KEY LIMITS|default [--instance NAME]",
	    "give a key limits of its own, or take them back", tool_set },
	{ "block", "KEY [TEXT] [--instance NAME]", "refuse all mail of a key",
	    tool_block },
	{ "unblock", "KEY [--instance NAME]", "undo block", tool_unblock },
	{ "reset", "KEY [--instance NAME]", "forget what was counted",
	    tool_reset },
	{ "export", "[--instance NAME]",
	    "usage of all keys, tab-separated, and what set and block did",
	    export_all },
	{ 0 },
};
