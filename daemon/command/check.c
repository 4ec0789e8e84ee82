/* SPDX-License-Identifier: Apache-2.0 */
/*
 * millrace check: a message file through the real chain, without an MTA and
 * without the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "command/drive.h"
#include "command/installed.h"
#include "command/message_file.h"
#include "command/render.h"
#include "service/service.h"

#define MESSAGE_MAX (1024u * 1024u * 1024u)

static struct check_options {
	struct drive_envelope envelope;
	const char *listener;
	bool commit, verbose;
} options;

#define ROW(member) offsetof(struct check_options, member)
static const struct option_row rows[] = {
	{ "ip", "ADDRESS", OPTION_TEXT, ROW(envelope.ip),
	    "the client's address, or \"local\" for a unix socket" },
	{ "rdns", "NAME", OPTION_TEXT, ROW(envelope.rdns),
	    "the name of that address; default: it has none" },
	{ "helo", "NAME", OPTION_TEXT, ROW(envelope.helo),
	    "what the client says at HELO; default: its name" },
	{ "from", "ADDRESS", OPTION_TEXT, ROW(envelope.from),
	    "the envelope sender, \"\" for <>; ESMTP arguments may follow "
	    "after a blank" },
	{ "rcpt", "ADDRESS", OPTION_LIST, ROW(envelope.rcpt),
	    "an envelope recipient; may be given again" },
	{ "auth", "LOGIN", OPTION_TEXT, ROW(envelope.auth),
	    "the login of an authenticated client" },
	{ "macro", "NAME=VALUE", OPTION_LIST, ROW(envelope.macros),
	    "a macro as the mail server sends it at connect and at MAIL; may "
	    "be given again" },
	{ "listener", "NAME", OPTION_TEXT, ROW(listener),
	    "whose chain to run; default: the first" },
	{ "commit", NULL, OPTION_FLAG, ROW(commit),
	    "let it count: without, no plugin leaves a trace in any store" },
	{ "verbose", NULL, OPTION_FLAG, ROW(verbose),
	    "show what the plugins log, on stderr" },
	{ 0 },
};

static bool
check_usage(void)
{
	const struct drive_envelope *v = &options.envelope;
	struct address ignored;

	if (v->ip == NULL || v->from == NULL || v->rcpt.count == 0) {
		complain("--ip, --from and --rcpt are needed: who sends it, "
			 "and to whom");
		return false;
	}
	if (strcmp(v->ip, "local") != 0 && strcmp(v->ip, "unknown") != 0 &&
	    !address_parse(span_of(v->ip), &ignored)) {
		complain(
		    "--ip: \"%s\" is not an IP address, nor \"local\"", v->ip);
		return false;
	}
	for (size_t i = 0; i < v->macros.count; i++)
		if (strchr(v->macros.items[i], '=') == NULL) {
			complain("--macro: \"%s\" has no value: write "
				 "NAME=VALUE",
			    v->macros.items[i]);
			return false;
		}
	return true;
}

static bool
read_stdin(struct buf *b)
{
	char part[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0 &&
	       b->n <= MESSAGE_MAX)
		buf_put(b, part, (size_t)n);
	if (n == 0)
		return true;
	if (n == -1)
		complain("-: %m");
	else
		complain("-: larger than %u bytes", MESSAGE_MAX);
	return false;
}

static bool
read_message(const char *path, struct buf *b)
{
	char *why = NULL, *text;
	size_t n;

	if (strcmp(path, "-") == 0)
		return read_stdin(b);
	if ((text = file_read(path, MESSAGE_MAX, &n, &why)) == NULL) {
		complain("%s", why);
		free(why);
		return false;
	}
	*b = (struct buf){ text, n, n + 1 };
	return true;
}

static void
keep_record(void *arg, const struct record *r)
{
	struct buf *json = arg;

	buf_cut(json, 0);
	record_json(r, json);
}

/* Nothing of the daemon's log goes to stderr until the result is known. */
static int
hush(void)
{
	int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (kept != -1 && null != -1)
		dup2(null, STDERR_FILENO);
	if (null != -1)
		close(null);
	return kept;
}

static void
speak_again(int kept)
{
	if (kept == -1)
		return;
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static bool
run_chain(const struct setup *setup, struct span message, struct buf *json)
{
	const struct log_settings all = { LOG_LEVEL_DEBUG, LOG_TARGET_STDERR,
		LOG_FORMAT_TEXT };
	const struct core_settings settings = {
		.config = setup->config,
		.plugins = &setup->plugins,
		.service = service_find,
		.dry_run = !options.commit,
		.record = keep_record,
		.record_arg = json,
	};
	const struct chain *chain;
	char *why = NULL;
	struct core *core;
	int kept = -1;

	service_prepare(setup->config, !options.commit);
	if ((core = core_create(&settings, &why)) == NULL) {
		complain("%s", why);
		free(why);
		service_finish();
		return false;
	}
	if ((chain = installed_chain(core, options.listener)) != NULL) {
		if (options.verbose)
			log_open("check", &all);
		else
			kept = hush();
		drive_message(core, chain, &options.envelope, message);
		speak_again(kept);
	}
	core_destroy(&core);
	service_finish();
	return chain != NULL;
}

/* The nth field of that name, as its value was before. */
static char *
old_value(struct span message, const char *wanted, unsigned nth)
{
	struct span name, raw;
	struct buf value = { 0 };

	message_file_begin(&message);
	while (message_file_field(&message, &name, &raw))
		if (span_equal_nocase(name, span_of(wanted)) && --nth == 0) {
			message_file_value(&value, raw);
			return value.p;
		}
	return NULL;
}

/* The record does not say what stood there before; the file does. */
static void
add_old_values(cJSON *record, struct span message)
{
	cJSON *e;

	cJSON_ArrayForEach(e, cJSON_GetObjectItem(record, "edits"))
	{
		const char *action = render_text(e, "action");
		const char *name = render_text(e, "name");
		char *old;

		if (action == NULL || name == NULL)
			continue;
		if (strcmp(action, "change-sender") == 0)
			cJSON_AddItemToObject(e, "old",
			    cJSON_Duplicate(
				cJSON_GetObjectItem(record, "sender"), true));
		if (strcmp(action, "change-header") != 0 &&
		    strcmp(action, "delete-header") != 0)
			continue;
		old = old_value(
		    message, name, (unsigned)render_number(e, "index"));
		if (old != NULL)
			cJSON_AddStringToObject(e, "old", old);
		free(old);
	}
}

static int
status_of(const cJSON *record)
{
	const char *outcome = render_text(record, "outcome");

	if (outcome != NULL && strcmp(outcome, "reject") == 0)
		return EXIT_REFUSED;
	if (outcome == NULL || strcmp(outcome, "tempfail") == 0 ||
	    strcmp(outcome, "abort") == 0)
		return EXIT_LATER;
	return EXIT_OK;
}

static int
show(const struct common *common, struct span json, struct span message)
{
	cJSON *record = cJSON_ParseWithLength(json.p, json.n);
	struct buf out = { 0 };
	int status = status_of(record);

	if (record == NULL) {
		complain("the chain left no record");
		return EXIT_LATER;
	}
	add_old_values(record, message);
	if (common->json)
		render_json(&out, record);
	else
		render_record(&out, record);
	render_out(&out);
	cJSON_Delete(record);
	return status;
}

static int
run(const struct common *common, char **operands)
{
	struct buf message = { 0 }, json = { 0 };
	struct setup setup = { 0 };
	int status = EXIT_USAGE;

	if (check_usage() && read_message(operands[0], &message) &&
	    installed_load(common, &setup)) {
		struct span m = { message.p, message.n };

		if (run_chain(&setup, m, &json))
			status =
			    show(common, (struct span){ json.p, json.n }, m);
		setup_finish(&setup);
	}
	buf_finish(&message);
	buf_finish(&json);
	return status;
}

const struct command check_command = {
	.name = "check",
	.operands = "FILE|-",
	.min = 1,
	.max = 1,
	.summary = "run a message file through a chain, without a mail server",
	.options = rows,
	.values = &options,
	.run = run,
};
