/* SPDX-License-Identifier: Apache-2.0 */
/* millrace history: past messages, one line each. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "command/past.h"
#include "command/render.h"

enum { LIMIT = 100 };

static struct history_options {
	const char *since, *until;
	struct journal_search search;
	const char *journal;
	long limit;
} options;

#define ROW(member)    offsetof(struct history_options, member)
#define SEARCH(member) ROW(search.member)
static const struct option_row rows[] = {
	{ "since", "TIME", OPTION_TEXT, ROW(since),
	    "not before: 2026-01-31, 2026-01-31T12:00 (UTC), or 10m, 3h, 2d "
	    "ago" },
	{ "until", "TIME", OPTION_TEXT, ROW(until), "before that time" },
	{ "sender", "ADDRESS", OPTION_TEXT, SEARCH(sender),
	    "the envelope sender; * stands for any text, as in "
	    "*@example.com" },
	{ "recipient", "ADDRESS", OPTION_TEXT, SEARCH(recipient),
	    "one of the envelope recipients; * as above" },
	{ "login", "LOGIN", OPTION_TEXT, SEARCH(login),
	    "who was authenticated; * as above" },
	{ "client", "ADDRESS", OPTION_TEXT, SEARCH(client),
	    "the client's address, or a network: 192.0.2.0/24" },
	{ "verdict", "OUTCOME", OPTION_TEXT, SEARCH(verdict),
	    "accept, reject, tempfail, discard, quarantine or abort" },
	{ "by", "INSTANCE", OPTION_TEXT, SEARCH(by),
	    "the instance that decided" },
	{ "observed", NULL, OPTION_FLAG, SEARCH(observed),
	    "messages that an instance in observe mode would have decided; "
	    "--by and --verdict then are about that" },
	{ "listener", "NAME", OPTION_TEXT, SEARCH(listener), "its listener" },
	{ "limit", "N", OPTION_NUMBER, ROW(limit),
	    "at most so many, the newest; default: 100" },
	{ "journal", "PATH", OPTION_TEXT, ROW(journal),
	    "read this journal; default: the configured one" },
	{ 0 },
};

static bool
set_time(const char *name, const char *text, int64_t *us)
{
	if (text == NULL)
		return true;
	if ((*us = clock_parse_since(text, clock_wall_us())) >= 0)
		return true;
	complain("--%s: \"%s\" is no time: write 2026-01-31, "
		 "2026-01-31T12:00 (UTC), or 10m, 3h, 2d for so long ago",
	    name, text);
	return false;
}

static bool
check_verdict(const char *verdict)
{
	static const char *const known[] = { "accept", "reject", "tempfail",
		"discard", "quarantine", "abort" };
	struct nearest n = { .wrong = verdict };

	if (verdict == NULL ||
	    (options.search.observed && strcmp(verdict, "error") == 0))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], verdict) == 0)
			return true;
		nearest_offer(&n, known[i]);
	}
	complain("--verdict: there is no \"%s\"%s%s%s: accept, reject, "
		 "tempfail, discard, quarantine, abort",
	    verdict, n.best != NULL ? ", did you mean \"" : "",
	    n.best != NULL ? n.best : "", n.best != NULL ? "\"?" : "");
	return false;
}

static bool
check_client(const char *client)
{
	struct network ignored;

	if (client == NULL || network_parse_loose(span_of(client), &ignored))
		return true;
	complain("--client: \"%s\" is neither an address nor a network like "
		 "192.0.2.0/24",
	    client);
	return false;
}

static void
put_recipients(struct buf *b, const cJSON *record)
{
	const cJSON *list = cJSON_GetObjectItem(record, "recipients");
	int n = cJSON_GetArraySize(list);

	if (n == 0)
		return;
	buf_text(b, " to=<");
	render_put(b, render_text(cJSON_GetArrayItem(list, 0), "address"));
	buf_char(b, '>');
	if (n > 1)
		buf_printf(b, ",+%d", n - 1);
}

/* "rule-a:reject" of those that only observed. */
static void
put_observed(struct buf *b, const cJSON *record)
{
	const cJSON *step;
	const char *comma = " would=";

	cJSON_ArrayForEach(step, cJSON_GetObjectItem(record, "steps"))
	{
		const char *verdict = render_text(step, "verdict");

		if (!render_true(step, "observed") || verdict == NULL ||
		    strcmp(verdict, "continue") == 0 ||
		    strcmp(verdict, "skip") == 0)
			continue;
		buf_text(b, comma);
		render_put(b, render_text(step, "instance"));
		buf_char(b, ':');
		render_put(b, verdict);
		comma = ",";
	}
}

static void
put_line(struct buf *b, const cJSON *r)
{
	const cJSON *client = cJSON_GetObjectItem(r, "client");
	const cJSON *reply = cJSON_GetObjectItem(r, "reply");
	const char *id = render_text(r, "queue_id");

	render_put(b, render_text(r, "time"));
	buf_char(b, ' ');
	render_cell(b, id != NULL ? id : render_text(r, "id"), 12);
	render_cell(b, render_text(r, "outcome"), 10);
	render_cell(b, render_text(client, "addr"), 15);
	if (render_text(client, "login") != NULL) {
		buf_text(b, "login=");
		render_put(b, render_text(client, "login"));
		buf_char(b, ' ');
	}
	buf_text(b, "from=<");
	if (render_text(r, "sender") != NULL)
		render_put(b, render_text(r, "sender"));
	buf_char(b, '>');
	put_recipients(b, r);
	if (render_text(r, "by") != NULL) {
		buf_text(b, " by=");
		render_put(b, render_text(r, "by"));
	}
	if (cJSON_IsObject(reply))
		buf_printf(b, " reply=%.0f", render_number(reply, "code"));
	put_observed(b, r);
	buf_char(b, '\n');
}

/* There may be many: each is printed as it comes. */
struct listing {
	bool json;
	unsigned count;
};

static void
show(void *arg, const char *json)
{
	struct listing *l = arg;
	cJSON *record = cJSON_Parse(json);
	struct buf out = { 0 };

	if (record == NULL)
		return;
	if (l->json) {
		render_json(&out, record);
		buf_cut(&out, out.n - 1); /* its newline */
		fputs(l->count > 0 ? "," : "[", stdout);
	} else {
		put_line(&out, record);
	}
	l->count++;
	render_out(&out);
	cJSON_Delete(record);
}

static bool
read_options(struct journal_search *s)
{
	s->limit = options.limit == 0        ? LIMIT
		   : options.limit > INT_MAX ? INT_MAX
					     : (int)options.limit;
	return set_time("since", options.since, &s->since_us) &&
	       set_time("until", options.until, &s->until_us) &&
	       check_verdict(s->verdict) && check_client(s->client);
}

static int
history(const struct common *c, char **operands)
{
	struct journal_search *s = &options.search;
	struct listing listing = { .json = c->json };
	struct journal_reader *r;
	char *why = NULL;
	bool fresh;
	int n;

	(void)operands;
	if (!read_options(s) ||
	    (r = past_open(c, options.journal, &fresh)) == NULL)
		return EXIT_USAGE;
	n = journal_read_search(r, s, show, &listing, &why);
	if (c->json)
		puts(listing.count > 0 ? "]" : "[]");
	if (n == -1)
		complain("%s", why);
	else if (n == 0 && !c->json)
		complain("no message in the journal is like that");
	free(why);
	journal_read_close(&r);
	return n > 0 ? EXIT_OK : n == 0 ? EXIT_REFUSED : EXIT_LATER;
}

const struct command history_command = {
	.name = "history",
	.operands = "",
	.summary = "list past messages, newest first",
	.options = rows,
	.values = &options,
	.run = history,
};
