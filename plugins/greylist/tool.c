/* SPDX-License-Identifier: Apache-2.0 */
/* millrace greylist list, release, forget: see millrace-greylist(5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/print.h>

#include "entry.h"
#include "greylist.h"

enum { DONE = 0, REFUSED = 1, USAGE = 2, LATER = 75 };

/* A walk through the entries of one group. */
struct walk {
	const struct mr_tool *tool;
	const struct mr_store_service *store;
	struct mr_bytes group;
	int64_t lifetime;
	const char *word; /* NULL: all */
	enum { LIST, RELEASE, FORGET } what;
	int64_t count;
	bool first;
};

static int32_t
complain(int32_t status, const char *what, const char *detail)
{
	fprintf(stderr, "millrace greylist: %s%s%s\n", what,
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	return status;
}

static bool
fits(const struct walk *w, const struct entry_parts *p)
{
	char spelt[ENTRY_PART_BYTES + 1];

	if (w->word == NULL)
		return true;
	/* As it is printed, or as a person writes it. */
	if (strcmp(p->origin, w->word) == 0 ||
	    strcmp(p->domain, w->word) == 0 ||
	    strcmp(p->recipient, w->word) == 0)
		return true;
	entry_spell(spelt, w->word);
	return strcmp(p->origin, spelt) == 0 || strcmp(p->domain, spelt) == 0 ||
	       strcmp(p->recipient, spelt) == 0;
}

static void
print_entry(
    const struct walk *w, const struct entry_parts *p, const struct entry *e)
{
	const char *state = e->state == ENTRY_PASSED ? "passed" : "waits";
	char when[MR_PRINT_TIME];

	if (!w->tool->json) {
		mr_print_time(when, e->since_ms);
		printf("%-7s %-19s %-24s %-24s %s\n", state, when, p->origin,
		    p->domain, p->recipient);
		return;
	}
	printf("%s\n  {", w->first ? "" : ",");
	mr_print_member("state", state);
	mr_print_member("origin", p->origin);
	mr_print_member("sender_domain", p->domain);
	mr_print_member("recipient", p->recipient);
	printf("\"since_ms\":%lld}", (long long)e->since_ms);
}

static bool
see(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct walk *w = arg;
	struct mr_ctx *c = w->tool->ctx;
	struct entry_parts parts;
	struct entry e;

	if (!entry_name_parse(key.p, key.n, &parts) ||
	    !entry_parse(value.p, value.n, &e) || !fits(w, &parts))
		return true;
	if (w->what == LIST) {
		print_entry(w, &parts, &e);
	} else if (w->what == FORGET) {
		w->store->remove(c, w->group, key);
	} else {
		char text[ENTRY_VALUE_BYTES];
		struct mr_bytes v = { text, 0 };

		if (e.state == ENTRY_PASSED)
			return true;
		e.state = ENTRY_PASSED;
		v.n = (uint32_t)entry_print(text, &e);
		w->store->set(c, w->group, key, v, w->lifetime);
	}
	w->first = false;
	w->count++;
	return true;
}

static bool
seen_before(const struct mr_tool *t, uint32_t n)
{
	const struct greylist_conf *mine = t->confs[n];

	for (uint32_t i = 0; i < n; i++) {
		const struct greylist_conf *other = t->confs[i];

		if (strcmp(other->group, mine->group) == 0)
			return true;
	}
	return false;
}

static int32_t
walk(const struct mr_tool *t, struct walk *w)
{
	const struct mr_host *host = t->ctx->host;

	w->tool = t;
	w->first = true;
	w->store = host->service(host, MR_STORE_SERVICE);
	if (t->count == 0)
		return complain(USAGE,
		    "the configuration has no instance of greylist", NULL);
	if (w->store == NULL)
		return complain(LATER, "the store does not answer", NULL);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct greylist_conf *conf = t->confs[i];

		if (seen_before(t, i))
			continue;
		w->group = (struct mr_bytes){ conf->group,
			(uint32_t)strlen(conf->group) };
		w->lifetime = conf->lifetime;
		if (w->store->each(t->ctx, w->group,
			(struct mr_bytes){ "g ", 2 }, see, w) != MR_STORE_OK)
			return complain(
			    LATER, "the store does not answer", NULL);
	}
	return DONE;
}

static int32_t
list(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct walk w = { .what = LIST, .word = argc > 1 ? argv[1] : NULL };
	int32_t status;

	if (argc > 2)
		return complain(USAGE, "list [WORD]", NULL);
	if (t->json)
		putchar('[');
	else
		printf("%-7s %-19s %-24s %-24s %s\n", "state", "since",
		    "origin", "sender domain", "recipient");
	status = walk(t, &w);
	if (t->json)
		puts("]");
	return status;
}

static int32_t
change(const struct mr_tool *t, struct walk *w, const char *done)
{
	int32_t status = walk(t, w);

	if (status != DONE)
		return status;
	if (t->json)
		printf("{\"entries\":%lld}\n", (long long)w->count);
	else
		printf("%lld entries %s\n", (long long)w->count, done);
	return w->count > 0 ? DONE : REFUSED;
}

static int32_t
release(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct walk w = { .what = RELEASE };

	if (argc != 2)
		return complain(USAGE, "release WORD", NULL);
	w.word = argv[1];
	return change(t, &w, "pass from now on");
}

static int32_t
forget(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct walk w = { .what = FORGET };

	if (argc != 2)
		return complain(USAGE, "forget WORD", NULL);
	w.word = argv[1];
	return change(t, &w, "are forgotten");
}

const struct mr_command tool_commands[] = {
	{ "list", "[WORD]",
	    "who waits and who has passed; WORD: an origin, a sender's domain "
	    "or a recipient",
	    list },
	{ "release", "WORD", "let what waits pass at its next try", release },
	{ "forget", "WORD", "forget entries, as if they had never come",
	    forget },
	{ 0 },
};
