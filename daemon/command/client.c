/* SPDX-License-Identifier: Apache-2.0 */
#include "command/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "command/installed.h"
#include "config/scan.h"
#include "link/channel.h"

enum { FLUSH_MS = 1000, FILE_MAX = 1024 * 1024 };

/*
 * A file that is wrong somewhere else may all the same say where the daemon
 * is, which runs with what the file said before.
 */
static char *
run_dir_in(const char *path)
{
	struct scan_token word, equals, value;
	char *why = NULL, *text;
	struct buf dir = { 0 };
	struct scan s = { .line = 1 };
	size_t n;

	if (path == NULL ||
	    (text = file_read(path, FILE_MAX, &n, &why)) == NULL) {
		free(why);
		return NULL;
	}
	s.in = (struct span){ text, n };
	do {
		scan_next(&s, &word);
		if (word.type != SCAN_WORD ||
		    !span_equal(word.raw, span_of("run-dir")))
			continue;
		scan_next(&s, &equals);
		scan_next(&s, &value);
		if (value.type == SCAN_WORD)
			scan_decode(value.raw, &dir);
		break;
	} while (word.type != SCAN_END && word.type != SCAN_BAD);
	free(text);
	return dir.p;
}

static char *
default_run_dir(void)
{
	for (const struct mr_option *o = config_global_options();
	     o->name != NULL; o++)
		if (strcmp(o->name, "run-dir") == 0)
			return memory_copy(o->fallback);
	abort();
}

char *
client_socket(const struct common *c)
{
	struct setup setup;
	char *why = NULL, *dir = NULL, *path;

	if (c->socket != NULL)
		return memory_copy(c->socket);
	installed_quiet();
	if (setup_load(&setup, command_conf(c), &why))
		dir = memory_copy(setup.config->globals.run_dir);
	else
		dir = run_dir_in(command_conf(c));
	free(why);
	setup_finish(&setup);
	if (dir == NULL)
		dir = default_run_dir();
	path = memory_printf("%s/control.sock", dir);
	free(dir);
	return path;
}

static void
say_why_not(const char *path)
{
	static const struct {
		int error;
		const char *cure;
	} rows[] = {
		{ ENOENT, "millraced is not running, or with another run-dir: "
			  "start it, or say --socket PATH" },
		{ ECONNREFUSED, "millraced is not running any more: start it" },
		{ EACCES, "run this as root, or as a member of the configured "
			  "control-group" },
	};
	int error = errno;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error) {
			complain("%s: %s", path, rows[i].cure);
			return;
		}
	complain("%s: %s", path, strerror(error));
}

/* True if the answer came whole. */
static bool
converse(int sock, const char *verb, int limit_ms, struct buf *answer)
{
	int64_t until = clock_steady_us() + limit_ms * INT64_C(1000);
	char *line = memory_printf("%s\n", verb);
	bool sent = channel_send(sock, span_of(line), -1, until);

	free(line);
	while (sent && channel_wait(sock, until))
		if (channel_read(sock, answer, NULL) == CHANNEL_END)
			return true;
	return false;
}

cJSON *
client_ask(const struct common *c, const char *verb, int limit_ms)
{
	char *path = client_socket(c);
	int sock = channel_connect(path);
	struct buf answer = { 0 };
	cJSON *json = NULL;

	if (sock == -1) {
		say_why_not(path);
	} else if (!converse(sock, verb, limit_ms, &answer)) {
		complain("%s: no answer within %d s: see the daemon's log",
		    path, limit_ms / 1000);
	} else if ((json = cJSON_ParseWithLength(
			answer.p != NULL ? answer.p : "", answer.n)) == NULL) {
		complain("%s: the answer is not JSON: is this millraced's "
			 "control socket?",
		    path);
	}
	if (sock != -1)
		close(sock);
	buf_finish(&answer);
	free(path);
	return json;
}

bool
client_flush(const char *socket)
{
	int sock = channel_connect(socket);
	struct buf answer = { 0 };
	bool ok;

	if (sock == -1)
		return false;
	ok = converse(sock, "flush", FLUSH_MS, &answer);
	close(sock);
	buf_finish(&answer);
	return ok;
}
