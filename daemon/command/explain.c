/* SPDX-License-Identifier: Apache-2.0 */
/* millrace explain: what happened to a message, and why. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "command/past.h"
#include "command/render.h"

enum { WAIT_US = 1000 * 1000, LOOK_US = 50 * 1000 };

static struct explain_options {
	const char *journal;
	bool all;
} options;

#define ROW(member) offsetof(struct explain_options, member)
static const struct option_row rows[] = {
	{ "all", NULL, OPTION_FLAG, ROW(all),
	    "every message of that id, newest first; default: the newest" },
	{ "journal", "PATH", OPTION_TEXT, ROW(journal),
	    "read this journal; default: the configured one" },
	{ 0 },
};

/* A message that has just ended is in the journal in a moment. */
static int
find(struct journal_reader *r, const char *id, bool fresh, cJSON *found)
{
	int64_t until = clock_steady_us() + (fresh ? WAIT_US : 0);
	char *why = NULL;
	int n;

	for (;;) {
		n = journal_read_find(
		    r, id, options.all ? 0 : 1, past_collect, found, &why);
		if (n == -1)
			complain("%s", why);
		free(why);
		if (n != 0 || clock_steady_us() >= until)
			return n;
		usleep(LOOK_US);
	}
}

static void
show(const struct common *c, const cJSON *found)
{
	struct buf out = { 0 };
	const cJSON *one;

	if (c->json && options.all)
		render_json(&out, found);
	else
		cJSON_ArrayForEach(one, found)
		{
			if (c->json)
				render_json(&out, one);
			else
				render_record(&out, one);
			if (one->next != NULL)
				buf_char(&out, '\n');
		}
	render_out(&out);
}

static int
explain(const struct common *c, char **operands)
{
	bool fresh;
	struct journal_reader *r = past_open(c, options.journal, &fresh);
	cJSON *found;
	int n;

	if (r == NULL)
		return EXIT_USAGE;
	found = cJSON_CreateArray();
	n = find(r, operands[0], fresh, found);
	if (n > 0)
		show(c, found);
	else if (n == 0)
		complain("no message \"%s\" is in the journal: \"millrace "
			 "history\" lists the last ones",
		    operands[0]);
	cJSON_Delete(found);
	journal_read_close(&r);
	return n > 0 ? EXIT_OK : n == 0 ? EXIT_REFUSED : EXIT_LATER;
}

const struct command explain_command = {
	.name = "explain",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.summary = "say what happened to a message, by its queue id, and why",
	.options = rows,
	.values = &options,
	.run = explain,
};
