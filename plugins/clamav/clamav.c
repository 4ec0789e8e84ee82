/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Malware, found by clamd: each message goes to it whole (INSTREAM), and what
 * it finds has the message refused, held, thrown away or scored.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/plugin.h>
#include <millrace/stream.h>
#include <millrace/text.h>

#include "reply.h"
#include "rule.h"

struct clamav_conf {
	const struct mr_list *servers, *signatures;
	int64_t connect_timeout, timeout, retry_after; /* ms */
	int64_t max_size;
	int64_t infected; /* enum rule_action */
	double score;
	const char *reply;
};

struct clamav {
	const struct clamav_conf *conf;
	const struct mr_host *host;
	const struct mr_stream_service *service;
	struct mr_stream *servers;
	uint32_t count;
	struct rule *rules; /* the first that matches counts */
};

/* What clamd said, as the last of its servers that was asked. */
struct answer {
	enum reply_kind kind;
	char text[REPLY_TEXT + 1];
};

static const char *const reply_names[] = { "signature", NULL };

static const struct mr_option clamav_options[] = {
	{ .name = "servers",
	    MR_OPTION(struct clamav_conf, servers, MR_LIST),
	    .text = "Sockets of clamd, asked in this order; none given: "
		    "unix:/run/clamav/clamd.ctl." },
	{ .name = "connect-timeout",
	    MR_OPTION(struct clamav_conf, connect_timeout, MR_DURATION),
	    .fallback = "2s",
	    .min = 10,
	    .max = 60000,
	    .text = "How long a connection to a server may take." },
	{ .name = "timeout",
	    MR_OPTION(struct clamav_conf, timeout, MR_DURATION),
	    .fallback = "25s",
	    .min = 10,
	    .max = 240000,
	    .text = "How long a server may take for a message." },
	{ .name = "retry-after",
	    MR_OPTION(struct clamav_conf, retry_after, MR_DURATION),
	    .fallback = "15s",
	    .min = 10,
	    .max = 3600000,
	    .text = "How long a server that failed is left alone." },
	{ .name = "max-size",
	    MR_OPTION(struct clamav_conf, max_size, MR_SIZE),
	    .fallback = "25M",
	    .min = 1024,
	    .max = INT64_C(2147483647),
	    .text = "Larger messages are not scanned." },
	{ .name = "infected",
	    MR_OPTION(struct clamav_conf, infected, MR_CHOICE),
	    .fallback = "reject",
	    .choices = RULE_ACTIONS,
	    .text = "What happens to a message in which something is found." },
	{ .name = "score",
	    MR_OPTION(struct clamav_conf, score, MR_REAL),
	    .fallback = "10",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of CLAMAV_FOUND." },
	{ .name = "signatures",
	    MR_OPTION(struct clamav_conf, signatures, MR_LIST),
	    .text = "Names that are treated otherwise: \"PATTERN ACTION "
		    "[SCORE]\"." },
	{ .name = "reply",
	    MR_OPTION(struct clamav_conf, reply, MR_STRING),
	    .fallback = "Refused: malware found ({signature})",
	    .text = "What the sender is told; {signature} is its name." },
	{ 0 },
};

/* --- acting --- */

static mr_verdict
refuse(struct mr_ctx *c, bool for_ever, const char *signature)
{
	const struct clamav *v = c->self;
	char text[MR_TEXT_BYTES];

	mr_text_expand(text, v->conf->reply, reply_names, &signature);
	c->host->reply(
	    c, for_ever ? 550 : 451, for_ever ? "5.7.1" : "4.7.1", text);
	return for_ever ? MR_REJECT : MR_TEMPFAIL;
}

static mr_verdict
act(struct mr_ctx *c, enum rule_action action, const char *signature)
{
	switch (action) {
	case RULE_QUARANTINE:
		c->host->quarantine(c, signature);
		return MR_QUARANTINE;
	case RULE_DISCARD:
		return MR_DISCARD;
	case RULE_TEMPFAIL:
	case RULE_REJECT:
		return refuse(c, action == RULE_REJECT, signature);
	case RULE_ACCEPT:
	case RULE_SCORE:
		break;
	}
	return MR_CONTINUE;
}

static mr_verdict
found(struct mr_ctx *c, const char *signature)
{
	const struct clamav *v = c->self;
	enum rule_action action = (enum rule_action)v->conf->infected;
	double score = v->conf->score;

	for (uint32_t i = 0; i < v->count; i++)
		if (rule_matches(&v->rules[i], signature)) {
			action = v->rules[i].action;
			if (v->rules[i].scored)
				score = v->rules[i].score;
			break;
		}
	c->host->symbol(
	    c, "CLAMAV_FOUND", action == RULE_ACCEPT ? 0 : score, signature);
	c->host->note_set(c, "clamav.result", "found");
	c->host->note_set(c, "clamav.signature", signature);
	return act(c, action, signature);
}

static mr_verdict
unscanned(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "CLAMAV_UNSCANNED", 0, why);
	c->host->note_set(c, "clamav.result", "unscanned");
	return MR_CONTINUE;
}

static mr_verdict
failed(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "CLAMAV_FAILED", 0, why);
	c->host->note_set(c, "clamav.result", "error");
	c->host->log(c->host, c, MR_LOG_WARN, why);
	return MR_ERROR;
}

/* --- asking --- */

static mr_stream_state
read_answer(void *arg, const char *bytes, size_t n, bool end)
{
	struct answer *a = arg;

	(void)end;
	a->kind = reply_parse(bytes, n, a->text);
	if (a->kind == REPLY_MORE)
		return MR_STREAM_MORE;
	if (a->kind == REPLY_BAD)
		return MR_STREAM_BAD;
	return a->kind == REPLY_ERROR ? MR_STREAM_NEXT : MR_STREAM_DONE;
}

/* Header and body as two chunks, and an empty one as the end (clamd(8)). */
static bool
ask(struct mr_ctx *c, const char *header, size_t header_size, const void *body,
    size_t body_size, struct answer *a, const char **why)
{
	const struct clamav *v = c->self;
	const uint32_t sizes[] = { htonl((uint32_t)header_size),
		htonl((uint32_t)body_size), 0 };
	const struct mr_stream_piece pieces[] = {
		{ "zINSTREAM", sizeof("zINSTREAM") },
		{ &sizes[0], sizeof(sizes[0]) },
		{ header, header_size },
		/* The size of an empty body is the end. */
		{ &sizes[1], body_size > 0 ? sizeof(sizes[1]) : 0 },
		{ body, body_size },
		{ &sizes[2], sizeof(sizes[2]) },
	};
	const struct mr_stream_question q = {
		.pieces = pieces,
		.count = sizeof(pieces) / sizeof(pieces[0]),
		.connect_ms = v->conf->connect_timeout,
		.answer_ms = v->conf->timeout,
		.answer_max = REPLY_MAX,
		.read = read_answer,
		.arg = a,
	};
	const char *bytes;
	size_t n;

	return v->service->ask(c, v->servers, &q, &bytes, &n, why);
}

static mr_verdict
clamav_on_eom(struct mr_ctx *c)
{
	const struct clamav *v = c->self;
	struct answer a = { .kind = REPLY_MORE };
	size_t header_size, body_size = 0;
	const char *header = v->service->header(c, &header_size), *why;
	const void *body = c->host->body(c, &body_size);

	if (header_size + body_size > (size_t)v->conf->max_size)
		return unscanned(c, "larger than max-size");
	if (!ask(c, header, header_size, body, body_size, &a, &why))
		return failed(c, a.kind == REPLY_ERROR ? a.text : why);
	if (a.kind == REPLY_TOO_LARGE)
		return unscanned(c, "larger than clamd's StreamMaxLength");
	if (a.kind == REPLY_FOUND)
		return found(c, a.text);
	c->host->note_set(c, "clamav.result", "clean");
	return MR_CONTINUE;
}

/* --- opening --- */

static void
clamav_close(void *self)
{
	struct clamav *v = self;

	if (v->service != NULL)
		v->service->close(v->servers);
	free(v->rules);
	free(v);
}

static bool
wrong(const struct clamav *v, const char *option, const char *why)
{
	v->host->config_error(v->host, option, why);
	return false;
}

static bool
read_rules(struct clamav *v)
{
	const struct mr_list *l = v->conf->signatures;
	const char *why;
	char text[300];
	bool ok = true;

	for (uint32_t i = 0; i < l->count; i++)
		if (rule_parse(l->items[i], &v->rules[v->count], &why)) {
			v->count++;
		} else {
			snprintf(text, sizeof(text), "\"%.100s\": %s",
			    l->items[i], why);
			ok = wrong(v, "signatures", text);
		}
	return ok;
}

static bool
find_servers(struct clamav *v)
{
	static const char *const usual[] = { "unix:/run/clamav/clamd.ctl" };
	static const struct mr_list fallback = { 1, usual };
	const struct mr_list *l = v->conf->servers;
	char why[MR_STREAM_WHY];

	v->service = v->host->service(v->host, MR_STREAM_SERVICE);
	if (v->service == NULL)
		return wrong(v, NULL, "it needs the service stream/1");
	v->servers = v->service->open(
	    l->count > 0 ? l : &fallback, v->conf->retry_after, why);
	return v->servers != NULL || wrong(v, "servers", why);
}

static bool
clamav_open(const struct mr_host *host, const void *conf, void **self)
{
	const struct clamav_conf *cc = conf;
	struct clamav *v = calloc(1, sizeof(*v));
	char text[200];
	const char *why;

	if (v == NULL)
		return false;
	v->conf = cc;
	v->host = host;
	v->rules = calloc(cc->signatures->count + 1, sizeof(*v->rules));
	why = mr_text_fault(cc->reply, reply_names, text, sizeof(text));
	if (why != NULL)
		wrong(v, "reply", why);
	if (v->rules == NULL || !read_rules(v) || why != NULL ||
	    !find_servers(v)) {
		clamav_close(v);
		return false;
	}
	*self = v;
	return true;
}

static void
clamav_plan(const void *p, struct mr_plan *plan)
{
	const struct clamav_conf *conf = p;
	struct rule r;
	const char *why;
	bool holds = conf->infected == RULE_QUARANTINE;

	for (uint32_t i = 0; i < conf->signatures->count; i++)
		holds = holds ||
			(rule_parse(conf->signatures->items[i], &r, &why) &&
			    r.action == RULE_QUARANTINE);
	plan->actions = holds ? MR_ACTION_QUARANTINE : 0;
}

MR_PLUGIN(clamav) = {
	MR_PLUGIN_HEAD,
	.name = "clamav",
	.version = "0.1.0",
	.summary = "has clamd look for malware",
	.options = clamav_options,
	.conf_size = sizeof(struct clamav_conf),
	.actions = MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.plan = clamav_plan,
	.open = clamav_open,
	.close = clamav_close,
	.on_eom = clamav_on_eom,
};
