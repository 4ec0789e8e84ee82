/* SPDX-License-Identifier: Apache-2.0 */
/* millrace account list, show, block, hold, restore: millrace-account(5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <millrace/print.h>

#include "state.h"

enum { DONE = 0, REFUSED = 1, USAGE = 2, LATER = 75 };

/* The first instance: its group is what the command is about. */
struct tool {
	const struct mr_tool *tool;
	struct mr_ctx *ctx;
	struct account account;
};

static int32_t
complain(int32_t status, const char *what, const char *detail)
{
	fprintf(stderr, "millrace account: %s%s%s\n", what,
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	return status;
}

static int32_t
store_is_down(void)
{
	return complain(LATER, "the store does not answer", NULL);
}

/* --instance NAME chooses where there are several. */
static int32_t
open_tool(
    struct tool *t, const struct mr_tool *tool, int32_t *argc, char **argv)
{
	const char *only = NULL;
	uint32_t which = 0;
	int32_t n = 0;

	for (int32_t i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--instance") != 0)
			argv[n++] = argv[i];
		else if (++i < *argc)
			only = argv[i];
		else
			return complain(USAGE, "--instance needs a name", NULL);
	}
	*argc = n;
	while (only != NULL && which < tool->count &&
	       strcmp(tool->names[which], only) != 0)
		which++;
	if (which >= tool->count)
		return complain(USAGE,
		    "the configuration has no such instance of account", only);
	t->tool = tool;
	t->ctx = tool->ctx;
	return account_init(
		   &t->account, tool->ctx->host, tool->confs[which], false)
		   ? DONE
		   : USAGE;
}

/* --- list and show --- */

struct listing {
	bool json, first;
};

static bool
print_state(void *arg, const struct state *s)
{
	struct listing *l = arg;
	char when[MR_PRINT_TIME];

	if (l->json) {
		printf("%s\n  {", l->first ? "" : ",");
		mr_print_member("login", s->login);
		mr_print_member("step", state_step_name(s->step));
		printf("\"since_ms\":%lld}", (long long)s->since_ms);
	} else {
		mr_print_time(when, s->since_ms);
		printf("%-8s %-19s %s\n", state_step_name(s->step), when,
		    s->login);
	}
	l->first = false;
	return true;
}

static int32_t
list(const struct mr_tool *tool, int32_t argc, char **argv)
{
	struct tool t;
	struct listing l = { tool->json, true };
	int32_t status = open_tool(&t, tool, &argc, argv);

	if (status != DONE)
		return status;
	if (tool->json)
		putchar('[');
	else
		printf("%-8s %-19s %s\n", "step", "since", "login");
	if (!state_each(&t.account, t.ctx, print_state, &l))
		status = store_is_down();
	if (tool->json)
		puts("]");
	account_finish(&t.account);
	return status;
}

static void
print_signals(const struct tool *t, const int64_t *values, int64_t baseline)
{
	bool first = true;

	for (int k = 0; k < SIGNAL_KINDS; k++) {
		const struct signal *s = &t->account.signals[k];
		enum signal_kind kind = (enum signal_kind)k;
		bool raised = signal_raised(kind, s, values[k], baseline);

		if (!s->watched || signal_is_distinct(kind))
			continue;
		if (t->tool->json)
			printf("%s\n  {\"name\":\"%s\",\"value\":%lld,"
			       "\"threshold\":%lld,\"weight\":%lld,"
			       "\"raised\":%s}",
			    first ? "" : ",", signal_name(kind),
			    (long long)values[k], (long long)s->threshold,
			    (long long)s->weight, raised ? "true" : "false");
		else
			printf("%-20s %8lld of %8lld in %6lld s, weight "
			       "%lld%s\n",
			    signal_name(kind), (long long)values[k],
			    (long long)s->threshold,
			    (long long)(s->period_ms / 1000),
			    (long long)s->weight, raised ? ", raised" : "");
		first = false;
	}
}

static int32_t
show(const struct mr_tool *tool, int32_t argc, char **argv)
{
	static const int64_t nothing[SIGNAL_KINDS] = { 0 };
	int64_t values[SIGNAL_KINDS] = { 0 }, baseline;
	struct tool t;
	struct state s;
	char when[MR_PRINT_TIME];
	int32_t status = open_tool(&t, tool, &argc, argv);

	if (status != DONE)
		return status;
	if (argc != 2) {
		account_finish(&t.account);
		return complain(USAGE, "show LOGIN", NULL);
	}
	state_spell(s.login, argv[1]);
	if (state_read(&t.account, t.ctx, &s) == MR_STORE_DOWN ||
	    state_count(&t.account, t.ctx, &s, nothing, values) !=
		MR_STORE_OK) {
		account_finish(&t.account);
		return store_is_down();
	}
	baseline =
	    state_baseline(&t.account, t.ctx, &s, values[SIGNAL_RISE], false);
	mr_print_time(when, s.since_ms);
	if (tool->json) {
		printf("{");
		mr_print_member("login", s.login);
		mr_print_member("step", state_step_name(s.step));
		printf("\"since_ms\":%lld,\"baseline\":%lld,\"signals\":[",
		    (long long)s.since_ms, (long long)baseline);
		print_signals(&t, values, baseline);
		puts("]}");
	} else {
		printf("login %s\nstep %s%s%s\n", s.login,
		    state_step_name(s.step), s.since_ms > 0 ? " since " : "",
		    s.since_ms > 0 ? when : "");
		printf("most messages of 28 days in one period: %lld\n",
		    (long long)baseline);
		print_signals(&t, values, baseline);
	}
	account_finish(&t.account);
	return DONE;
}

/* --- queued mail --- */

/* Lines of queue ids for the standard input of postsuper. */
struct ids {
	FILE *file;
	size_t count;
};

static bool
note_id(void *arg, const char *id)
{
	struct ids *ids = arg;

	fprintf(ids->file, "%s\n", id);
	ids->count++;
	return true;
}

/* option: "-h" holds, "-H" releases.  Returns how many ids, or -1. */
static long
run_hold(const struct tool *t, const struct state *s, const char *flag)
{
	char option[] = { flag[0], flag[1], '\0' };
	char from_input[] = "-";
	char *argv[] = { (char *)(uintptr_t)t->account.conf->hold_command,
		option, from_input, NULL };
	struct ids ids = { 0 };
	char *text = NULL;
	size_t size;
	int status = 0;

	if ((ids.file = open_memstream(&text, &size)) == NULL)
		return -1;
	if (!state_queue_ids(&t->account, t->ctx, s, note_id, &ids))
		status = -1;
	fclose(ids.file);
	if (status == 0 && ids.count > 0)
		status = alert_run(argv, text, -1);
	free(text);
	return status == 0 ? (long)ids.count : -1;
}

static bool
collect_blocked(void *arg, const struct state *s)
{
	struct ids *ids = arg;

	return s->step != STEP_BLOCK || note_id(ids, s->login);
}

/* Of the login, or of each that is blocked. */
static int32_t
hold_all(const struct tool *t, const char *login)
{
	struct ids logins = { 0 };
	char *text = NULL, *at, *line;
	size_t size;
	long count = 0, n;
	bool ok;

	if ((logins.file = open_memstream(&text, &size)) == NULL)
		return complain(LATER, "there is no memory", NULL);
	ok = login != NULL
		 ? note_id(&logins, login)
		 : state_each(&t->account, t->ctx, collect_blocked, &logins);
	fclose(logins.file);
	for (at = text; ok && (line = strsep(&at, "\n")) != NULL;) {
		struct state s;
		if (line[0] == '\0')
			continue;
		snprintf(s.login, sizeof(s.login), "%s", line);
		n = run_hold(t, &s, "-h");
		ok = n >= 0;
		count += n;
	}
	free(text);
	if (!ok)
		return complain(LATER,
		    "the store does not answer, or the command failed",
		    t->account.conf->hold_command);
	if (t->tool->json)
		printf("{\"queue_ids\":%ld}\n", count);
	else
		printf("%ld queue ids were given to %s\n", count,
		    t->account.conf->hold_command);
	return DONE;
}

static int32_t
hold(const struct mr_tool *tool, int32_t argc, char **argv)
{
	struct tool t;
	char login[LOGIN_BYTES + 1];
	int32_t status = open_tool(&t, tool, &argc, argv);

	if (status != DONE)
		return status;
	if (argc > 2)
		status = complain(USAGE, "hold [LOGIN]", NULL);
	else if (!t.account.conf->keep_queue_ids)
		status = complain(USAGE,
		    "no queue ids are kept; set keep-queue-ids = true", NULL);
	else {
		if (argc == 2)
			state_spell(login, argv[1]);
		status = hold_all(&t, argc == 2 ? login : NULL);
	}
	account_finish(&t.account);
	return status;
}

/* --- block and restore --- */

static int32_t
block(const struct mr_tool *tool, int32_t argc, char **argv)
{
	struct tool t;
	struct state s;
	int32_t status = open_tool(&t, tool, &argc, argv);
	const char *text = argc > 2 ? argv[2] : "";

	if (status != DONE)
		return status;
	if (argc < 2 || argc > 3 || strlen(text) > STATE_TEXT_BYTES)
		status = complain(
		    USAGE, "block LOGIN [TEXT of at most 400 bytes]", NULL);
	for (const char *p = text; *p != '\0' && status == DONE; p++)
		if (*p < ' ' || *p > '~')
			status = complain(
			    USAGE, "the text must be printable ASCII", NULL);
	if (status == DONE) {
		state_spell(s.login, argv[1]);
		if (state_read(&t.account, t.ctx, &s) == MR_STORE_DOWN)
			status = store_is_down();
	}
	if (status == DONE) {
		s.step = STEP_BLOCK;
		s.since_ms = (int64_t)time(NULL) * 1000;
		snprintf(s.text, sizeof(s.text), "%s", text);
		if (state_write(&t.account, t.ctx, &s,
			t.account.conf->block_for) != MR_STORE_OK)
			status = store_is_down();
	}
	if (status == DONE && tool->json)
		puts("{\"done\":true}");
	else if (status == DONE)
		printf("%s is blocked; \"millrace account restore\" undoes "
		       "it\n",
		    s.login);
	account_finish(&t.account);
	return status;
}

/* Everything: the step, what was seen, the baseline, what was held. */
static int32_t
restore(const struct mr_tool *tool, int32_t argc, char **argv)
{
	struct tool t;
	struct state s;
	long released = 0;
	int32_t status = open_tool(&t, tool, &argc, argv);

	if (status != DONE)
		return status;
	if (argc != 2) {
		account_finish(&t.account);
		return complain(USAGE, "restore LOGIN", NULL);
	}
	state_spell(s.login, argv[1]);
	if (state_read(&t.account, t.ctx, &s) == MR_STORE_DOWN ||
	    state_restore(&t.account, t.ctx, &s) != MR_STORE_OK)
		status = store_is_down();
	if (status == DONE && t.account.conf->keep_queue_ids &&
	    (released = run_hold(&t, &s, "-H")) < 0)
		status = complain(LATER,
		    "it is restored, but its queued mail could not be "
		    "released with",
		    t.account.conf->hold_command);
	if (status == DONE && tool->json)
		printf("{\"done\":true,\"queue_ids\":%ld}\n", released);
	else if (status == DONE)
		printf("%s is restored\n", s.login);
	account_finish(&t.account);
	return status;
}

const struct mr_command tool_commands[] = {
	{ "list", "[--instance NAME]", "logins that are squeezed or blocked",
	    list },
	{ "show", "LOGIN [--instance NAME]", "the signs of a login", show },
	{ "block", "LOGIN [TEXT] [--instance NAME]",
	    "refuse all mail of a login", block },
	{ "hold", "[LOGIN] [--instance NAME]",
	    "hold what a login, or each that is blocked, has in the queue",
	    hold },
	{ "restore", "LOGIN [--instance NAME]",
	    "undo all of it: step, signs, alerts, held mail", restore },
	{ 0 },
};
