/* SPDX-License-Identifier: Apache-2.0 */
/* millrace dmarc report: from the journal to files and mails. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "destination.h"
#include "period.h"
#include "post.h"
#include "tool.h"

#define complain(status, ...) tool_complain(status, "report", __VA_ARGS__)

struct options {
	const char *domain, *since, *until, *out;
	bool all, send;
};

struct job {
	const struct mr_tool *tool;
	const struct dmarc_conf *conf;
	struct options options;
	struct post_sender sender;
	const struct mr_address_service *address;
	int64_t begin, end;
	cJSON *list; /* with --json */
	size_t unwanted;
	int32_t status;
};

/* --- options --- */

static bool
take_value(
    const char *name, const char **value, int32_t argc, char **argv, int32_t *i)
{
	size_t n = strlen(name);
	const char *arg = argv[*i];

	if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, n) != 0)
		return false;
	if (arg[2 + n] == '=')
		*value = arg + 3 + n;
	else if (arg[2 + n] == '\0' && *i + 1 < argc)
		*value = argv[++*i];
	else
		return false;
	return true;
}

static int32_t
parse_options(struct options *o, int32_t argc, char **argv)
{
	for (int32_t i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0)
			o->all = true;
		else if (strcmp(argv[i], "--send") == 0)
			o->send = true;
		else if (!take_value("domain", &o->domain, argc, argv, &i) &&
			 !take_value("since", &o->since, argc, argv, &i) &&
			 !take_value("until", &o->until, argc, argv, &i) &&
			 !take_value("out", &o->out, argc, argv, &i))
			return complain(TOOL_USAGE,
			    "\"%s\" is no option, or lacks its value: "
			    "--domain DOMAIN, --all, --since TIME, --until "
			    "TIME, --out FOLDER, --send",
			    argv[i]);
	}
	if (o->all == (o->domain != NULL))
		return complain(TOOL_USAGE,
		    "say about whom: either --domain DOMAIN or --all");
	return TOOL_OK;
}

/* --- one report --- */

/* A line for people, or nothing with --json. */
static void
say(const struct job *j, const char *domain, const char *what, const char *more)
{
	if (j->list == NULL)
		printf("%s: %s%s\n", domain, what, more);
}

static void
later(struct job *j)
{
	j->status = TOOL_LATER;
}

/* What sendmail said, in words; NULL: it took the mail. */
static const char *
send_to(const struct job *j, const struct post *p, const char *domain,
    const struct destination *d, bool *again)
{
	int status;

	/* RFC 7489 said so; RFC 9989 need not, but nobody is hurt. */
	if (d->uri.limit > 0 && p->size / 3 * 4 > d->uri.limit)
		return "it is larger than they take";
	status = post_send(p, &j->sender, domain, d->uri.address);
	*again = status == -1 || status == 75;
	if (status == -1)
		return strerror(errno);
	return status == 0 ? NULL : "sendmail has not taken it";
}

static void
deliver(struct job *j, const struct post *p, const char *domain,
    const struct destination *d, cJSON *to)
{
	const char *why = d->why;
	const char *uri = tool_safe(j->tool, d->text);
	bool again = d->state == DESTINATION_LATER;
	char line[700];
	cJSON *one;

	if (d->state == DESTINATION_OK)
		why = send_to(j, p, domain, d, &again);
	if (again)
		later(j);
	if (why == NULL)
		snprintf(line, sizeof(line), "sent to %s", d->uri.address);
	else
		snprintf(line, sizeof(line), "not sent to %s: %s", uri, why);
	say(j, domain, line, "");
	if (to == NULL)
		return;
	cJSON_AddItemToArray(to, one = cJSON_CreateObject());
	cJSON_AddStringToObject(one, "uri", uri);
	cJSON_AddBoolToObject(one, "sent", why == NULL);
	if (why == NULL)
		cJSON_AddStringToObject(one, "address", d->uri.address);
	else
		cJSON_AddStringToObject(one, "why", why);
}

/* A report on its way. */
struct sending {
	struct job *job;
	const struct post *post;
	const char *domain;
	bool psl;
	cJSON *to;
};

/* The record as it is now: who wants no more reports gets none. */
static void
send_report(void *arg, struct mr_ctx *c)
{
	struct sending *s = arg;
	struct job *j = s->job;
	struct destination all[DESTINATIONS];
	struct walk_source source;
	struct walk_answer a;
	struct lookup lookup;
	size_t n = 0;

	tool_lookup(c, &lookup);
	source = lookup_source(&lookup, s->psl);
	a = source.look(source.arg, s->domain);
	if (a.failure != NULL) {
		say(j, s->domain, "not sent: ", a.failure);
		later(j);
		return;
	}
	if (a.record != NULL)
		n = destination_find(&lookup, s->psl, s->domain, a.record, all);
	if (n == 0)
		say(j, s->domain, "not sent: it asks for no reports", "");
	for (size_t i = 0; i < n; i++)
		deliver(j, s->post, s->domain, &all[i], s->to);
}

static void
save(struct job *j, const struct post *p, const char *domain, cJSON *one)
{
	char *path;

	if (asprintf(&path, "%s/%s", j->options.out, p->name) == -1)
		return;
	if (post_save(p, j->options.out)) {
		say(j, domain, "written to ", path);
		if (one != NULL)
			cJSON_AddStringToObject(one, "file", path);
	} else {
		j->status =
		    complain(TOOL_NOTHING, "%s: %s", path, strerror(errno));
	}
	free(path);
}

static void
finish(struct job *j, const struct report *r)
{
	const char *domain = r->values[EVIDENCE_DOMAIN];
	const char *method = r->values[EVIDENCE_METHOD];
	struct sending sending = { .job = j,
		.domain = domain,
		.psl = method != NULL && strcmp(method, "psl") == 0 };
	cJSON *one = NULL;
	struct post p;
	char line[100];

	snprintf(line, sizeof(line), "%llu messages, %zu rows, p=%s",
	    (unsigned long long)r->messages, r->nrows,
	    r->values[EVIDENCE_P] != NULL ? r->values[EVIDENCE_P] : "none");
	say(j, domain, line, r->wanted ? "" : ", asks for no reports");
	if (!post_make(&j->sender, r, j->begin, j->end, &p)) {
		j->status = complain(TOOL_LATER, "out of memory");
		return;
	}
	if (j->list != NULL) {
		cJSON_AddItemToArray(j->list, one = cJSON_CreateObject());
		cJSON_AddStringToObject(one, "domain", domain);
		cJSON_AddStringToObject(one, "report_id", p.report_id);
		cJSON_AddNumberToObject(one, "messages", (double)r->messages);
		cJSON_AddNumberToObject(one, "rows", (double)r->nrows);
		cJSON_AddBoolToObject(one, "wanted", r->wanted);
		sending.to = cJSON_AddArrayToObject(one, "destinations");
	}
	if (j->options.out != NULL)
		save(j, &p, domain, one);
	sending.post = &p;
	/* As a message, each has the DNS and memory of its own. */
	if (j->options.send)
		j->tool->message(j->tool, "\n", 1, send_report, &sending);
	post_finish(&p);
}

/* --- all of them --- */

static bool
add(void *arg, const char *json)
{
	report_add(arg, json);
	return true;
}

/* RFC 9990, 3.1: who publishes no rua gets no report. */
static void
finish_all(struct job *j, struct report_set *set)
{
	size_t n;
	struct report *const *list = report_list(set, &n);

	for (size_t i = 0; i < n; i++)
		if (j->options.all && !list[i]->wanted)
			j->unwanted++;
		else
			finish(j, list[i]);
	if (n == 0 && j->list == NULL)
		puts("no message of that time was checked by a policy of it");
	if (n == 0)
		j->status = TOOL_NOTHING;
	if (j->unwanted > 0 && j->list == NULL)
		printf("%zu other policies ask for no reports\n", j->unwanted);
}

static int32_t
set_sender(struct job *j)
{
	const struct dmarc_conf *conf = j->conf;
	const struct mr_host *host = j->tool->ctx->host;
	struct lookup lookup;

	if (conf == NULL)
		return complain(TOOL_NOTHING,
		    "no instance of dmarc is configured: see "
		    "millrace-dmarc(5)");
	if (conf->report_email == NULL)
		return complain(TOOL_NOTHING,
		    "a report needs an address for questions: set "
		    "report-email of the dmarc instance");
	if (!tool_lookup(j->tool->ctx, &lookup))
		return complain(TOOL_NOTHING, "this millrace has no DNS");
	j->address = lookup.address;
	j->sender = (struct post_sender){
		.email = conf->report_email,
		.contact = conf->report_contact,
		.generator = host->product,
		.domain = strchr(conf->report_email, '@') + 1,
		.sendmail = conf->report_sendmail,
	};
	j->sender.org =
	    conf->report_org != NULL ? conf->report_org : j->sender.domain;
	return TOOL_OK;
}

static int32_t
set_period(struct job *j)
{
	const char *wrong = period_set(j->options.since, j->options.until,
	    (int64_t)time(NULL), &j->begin, &j->end);

	return wrong != NULL ? complain(TOOL_USAGE, "%s", wrong) : TOOL_OK;
}

static int32_t
set_domain(struct job *j)
{
	const char *domain = j->options.domain;

	if (domain == NULL)
		return TOOL_OK;
	j->options.domain = j->address->to_ascii(j->tool->ctx, domain);
	if (j->options.domain != NULL)
		return TOOL_OK;
	return complain(TOOL_USAGE, "\"%s\" is no domain", domain);
}

int32_t
tool_report(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct job j = { .tool = t, .conf = tool_conf(t) };
	struct report_set *set;
	char *text;

	if ((j.status = parse_options(&j.options, argc, argv)) != TOOL_OK ||
	    (j.status = set_period(&j)) != TOOL_OK ||
	    (j.status = set_sender(&j)) != TOOL_OK ||
	    (j.status = set_domain(&j)) != TOOL_OK)
		return j.status;
	set = report_create(j.options.domain);
	if (!t->history(t, j.begin * 1000, j.end * 1000, add, set)) {
		report_destroy(&set);
		return TOOL_NOTHING;
	}
	if (t->json)
		j.list = cJSON_CreateArray();
	finish_all(&j, set);
	report_destroy(&set);
	if (j.list != NULL && (text = cJSON_Print(j.list)) != NULL) {
		puts(text);
		free(text);
	}
	cJSON_Delete(j.list);
	return j.status;
}
