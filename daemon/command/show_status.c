/* SPDX-License-Identifier: Apache-2.0 */
/* millrace status: what the running daemon says of itself, as tables. */
#include <stdio.h>
#include <string.h>

#include "command/client.h"
#include "command/render.h"

enum { LIMIT_MS = 5000 };

static void
number(struct buf *b, const cJSON *object, const char *key, int width)
{
	buf_printf(b, "%*.0f", width, render_number(object, key));
}

static void
put_uptime(struct buf *b, double seconds)
{
	long s = (long)seconds;

	if (s >= 86400)
		buf_printf(b, "%ldd ", s / 86400);
	buf_printf(b, "%ld:%02ld:%02ld", s / 3600 % 24, s / 60 % 60, s % 60);
}

static void
put_daemon(struct buf *b, const cJSON *s)
{
	buf_text(b, "millraced ");
	render_put(b, render_text(s, "version"));
	buf_printf(b, ", pid %.0f, generation %.0f, up ",
	    render_number(s, "pid"), render_number(s, "generation"));
	put_uptime(b, render_number(s, "uptime_s"));
	buf_char(b, '\n');
}

static void
put_fronts(struct buf *b, const cJSON *s)
{
	static const char *const answers[] = { "accept", "reject", "tempfail",
		"discard" };
	const cJSON *f;

	buf_text(b, "\nlistener         sessions now messages now connections"
		    "   accept   reject tempfail  discard  replays given up\n");
	cJSON_ArrayForEach(f, cJSON_GetObjectItem(s, "fronts"))
	{
		const cJSON *a = cJSON_GetObjectItem(f, "answers");

		render_cell(b, render_text(f, "listener"), 16);
		number(b, f, "sessions", 12);
		number(b, f, "messages", 13);
		number(b, f, "connections", 12);
		for (int i = 0; i < 4; i++)
			number(b, a, answers[i], 9);
		number(b, f, "replays", 9);
		number(b, f, "given_up", 9);
		buf_text(b, "\n  ");
		render_put(b, render_text(f, "socket"));
		if (render_number(f, "pid") == 0)
			buf_text(b, "  (its front is down)");
		buf_char(b, '\n');
	}
}

static void
put_instances(struct buf *b, const cJSON *s)
{
	static const char *const verdicts[] = { "reject", "tempfail", "discard",
		"quarantine", "error" };
	const cJSON *i;

	buf_text(b, "\ninstance         plugin       state         calls"
		    "  us/call   reject tempfail  discard     hold   errors"
		    " too slow   deaths\n");
	cJSON_ArrayForEach(i, cJSON_GetObjectItem(s, "instances"))
	{
		const cJSON *v = cJSON_GetObjectItem(i, "verdicts");
		double calls = render_number(i, "calls");

		render_cell(b, render_text(i, "name"), 16);
		render_cell(b, render_text(i, "plugin"), 12);
		render_cell(b,
		    render_true(i, "off") ? "OFF" : render_text(i, "mode"), 7);
		buf_printf(b, "%11.0f%9.0f", calls,
		    calls > 0 ? render_number(i, "us") / calls : 0);
		for (int k = 0; k < 5; k++)
			number(b, v, verdicts[k], 9);
		number(b, i, "overruns", 9);
		number(b, i, "deaths", 9);
		buf_char(b, '\n');
	}
}

static void
put_workers(struct buf *b, const cJSON *s)
{
	const cJSON *w;

	buf_text(b, "\nworker   generation  state     sessions    served\n");
	cJSON_ArrayForEach(w, cJSON_GetObjectItem(s, "workers"))
	{
		buf_printf(b, "%-9.0f%10.0f  ", render_number(w, "pid"),
		    render_number(w, "generation"));
		render_cell(b, render_text(w, "state"), 8);
		number(b, w, "sessions", 9);
		number(b, w, "served", 10);
		buf_char(b, '\n');
	}
}

static bool
is_used(const cJSON *service)
{
	const cJSON *figure;

	cJSON_ArrayForEach(
	    figure, service) if (figure->valuedouble > 0) return true;
	return false;
}

/* Those that something was asked of; times as such. */
static void
put_services(struct buf *b, const cJSON *s)
{
	const cJSON *service, *figure;

	cJSON_ArrayForEach(service, cJSON_GetObjectItem(s, "services"))
	{
		const char *gap = "";

		if (!is_used(service))
			continue;
		buf_text(b, "\nservice ");
		render_put(b, service->string);
		buf_char(b, ':');
		cJSON_ArrayForEach(figure, service)
		{
			size_t n = strlen(figure->string);
			bool us =
			    n > 3 && strcmp(figure->string + n - 3, "_us") == 0;

			buf_printf(b, "%s %.*s ", gap, (int)(us ? n - 3 : n),
			    figure->string);
			if (us)
				buf_printf(
				    b, "%.1f s", figure->valuedouble / 1000000);
			else
				buf_printf(b, "%.0f", figure->valuedouble);
			gap = ",";
		}
		buf_char(b, '\n');
	}
}

/* What an operator should see first is said in words, and last. */
static void
put_warnings(struct buf *b, const cJSON *s)
{
	const cJSON *journal = cJSON_GetObjectItem(s, "journal"), *i;

	buf_text(b, "\njournal: ");
	if (render_text(journal, "path") != NULL)
		render_put(b, render_text(journal, "path"));
	else
		buf_text(b, "none");
	if (render_number(journal, "lost") > 0)
		buf_printf(
		    b, ", %.0f records lost", render_number(journal, "lost"));
	buf_char(b, '\n');
	cJSON_ArrayForEach(
	    i, cJSON_GetObjectItem(s, "instances")) if (render_true(i, "off"))
	{
		buf_text(b, "SWITCHED OFF: ");
		render_put(b, render_text(i, "name"));
		buf_text(b, " brought down too many workers; its on-error "
			    "stands for it until \"millrace reload\"\n");
	}
}

/* 0, or the exit status after a message. */
static int
is_error(const cJSON *answer)
{
	if (answer == NULL)
		return EXIT_LATER;
	if (render_text(answer, "error") == NULL)
		return EXIT_OK;
	complain("%s", render_text(answer, "error"));
	return EXIT_REFUSED;
}

static int
show_status(const struct common *c, char **operands)
{
	cJSON *s = client_ask(c, "status", LIMIT_MS);
	struct buf out = { 0 };
	int status = is_error(s);

	(void)operands;
	if (s != NULL && c->json) {
		render_json(&out, s);
	} else if (status == EXIT_OK) {
		put_daemon(&out, s);
		put_fronts(&out, s);
		put_instances(&out, s);
		put_workers(&out, s);
		put_services(&out, s);
		put_warnings(&out, s);
	}
	render_out(&out);
	cJSON_Delete(s);
	return status;
}

const struct command status_command = {
	.name = "status",
	.operands = "",
	.summary = "show listeners, instances and workers of the daemon",
	.run = show_status,
};
