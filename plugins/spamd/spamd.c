/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SpamAssassin's opinion, asked from spamd: its score is a symbol here, and
 * what it calls spam has the message refused, held, thrown away or scored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/plugin.h>
#include <millrace/stream.h>
#include <millrace/text.h>

#include "question.h"
#include "reply.h"

enum { PREFIX_MAX = 32 };

enum spam_action {
	SPAM_SCORE,
	SPAM_QUARANTINE,
	SPAM_DISCARD,
	SPAM_TEMPFAIL,
	SPAM_REJECT,
};

struct spamd_conf {
	const struct mr_list *servers;
	int64_t connect_timeout, timeout, retry_after; /* ms */
	int64_t max_size;
	const char *user;
	bool trace, symbols;
	const char *prefix;
	double weight, threshold;
	int64_t spam; /* enum spam_action */
	const char *reply;
};

struct spamd {
	const struct spamd_conf *conf;
	const struct mr_host *host;
	const struct mr_stream_service *service;
	struct mr_stream *servers;
};

/* What came back: of the last server that was asked. */
struct heard {
	enum reply_state state;
	struct reply reply;
};

static const char *const reply_names[] = { "score", "threshold", NULL };

static const struct mr_option spamd_options[] = {
	{ .name = "servers",
	    MR_OPTION(struct spamd_conf, servers, MR_LIST),
	    .text = "Sockets of spamd, asked in this order; none given: "
		    "inet:783@127.0.0.1." },
	{ .name = "connect-timeout",
	    MR_OPTION(struct spamd_conf, connect_timeout, MR_DURATION),
	    .fallback = "2s",
	    .min = 10,
	    .max = 60000,
	    .text = "How long a connection to a server may take." },
	{ .name = "timeout",
	    MR_OPTION(struct spamd_conf, timeout, MR_DURATION),
	    .fallback = "25s",
	    .min = 10,
	    .max = 240000,
	    .text = "How long a server may take for a message." },
	{ .name = "retry-after",
	    MR_OPTION(struct spamd_conf, retry_after, MR_DURATION),
	    .fallback = "15s",
	    .min = 10,
	    .max = 3600000,
	    .text = "How long a server that failed is left alone." },
	{ .name = "max-size",
	    MR_OPTION(struct spamd_conf, max_size, MR_SIZE),
	    .fallback = "500K",
	    .min = 1024,
	    .max = INT64_C(2147483647),
	    .text = "Larger messages are not scanned." },
	{ .name = "user",
	    MR_OPTION(struct spamd_conf, user, MR_STRING),
	    .text = "Whose preferences are used; {recipient}: the only "
		    "recipient's." },
	{ .name = "trace",
	    MR_OPTION(struct spamd_conf, trace, MR_BOOL),
	    .fallback = "true",
	    .text = "Send Return-Path and Received before the message." },
	{ .name = "symbols",
	    MR_OPTION(struct spamd_conf, symbols, MR_BOOL),
	    .fallback = "true",
	    .text = "Its rules are symbols here too, without a score." },
	{ .name = "prefix",
	    MR_OPTION(struct spamd_conf, prefix, MR_STRING),
	    .fallback = "SA_",
	    .text = "What is put before the names of its rules." },
	{ .name = "weight",
	    MR_OPTION(struct spamd_conf, weight, MR_REAL),
	    .fallback = "1",
	    .min = 0,
	    .max = 1000,
	    .text = "Its score is multiplied with it." },
	{ .name = "threshold",
	    MR_OPTION(struct spamd_conf, threshold, MR_REAL),
	    .fallback = "0",
	    .min = 0,
	    .max = 1000,
	    .text = "Its score from which a message is spam; 0: as it says "
		    "itself." },
	{ .name = "spam",
	    MR_OPTION(struct spamd_conf, spam, MR_CHOICE),
	    .fallback = "score",
	    .choices = "score|quarantine|discard|tempfail|reject",
	    .text = "What happens to spam." },
	{ .name = "reply",
	    MR_OPTION(struct spamd_conf, reply, MR_STRING),
	    .fallback = "Message refused as spam",
	    .text = "What the sender is told; {score} and {threshold} are "
		    "its." },
	{ 0 },
};

/* --- acting --- */

static mr_verdict
act(struct mr_ctx *c, const char *score, const char *threshold)
{
	const struct spamd *s = c->self;
	const char *values[] = { score, threshold };
	char text[MR_TEXT_BYTES];
	bool for_ever = s->conf->spam == SPAM_REJECT;

	switch ((enum spam_action)s->conf->spam) {
	case SPAM_QUARANTINE:
		snprintf(text, sizeof(text), "spamd: score %s", score);
		c->host->quarantine(c, text);
		return MR_QUARANTINE;
	case SPAM_DISCARD:
		return MR_DISCARD;
	case SPAM_TEMPFAIL:
	case SPAM_REJECT:
		mr_text_expand(text, s->conf->reply, reply_names, values);
		c->host->reply(c, for_ever ? 550 : 451,
		    for_ever ? "5.7.1" : "4.7.1", text);
		return for_ever ? MR_REJECT : MR_TEMPFAIL;
	case SPAM_SCORE:
		break;
	}
	return MR_CONTINUE;
}

static mr_verdict
judge(struct mr_ctx *c, const struct reply *r)
{
	const struct spamd *s = c->self;
	bool own = s->conf->threshold > 0;
	double limit = own ? s->conf->threshold : r->threshold;
	bool spam = own ? r->score >= limit : r->spam;
	char score[32], threshold[32], detail[70];
	char name[PREFIX_MAX + REPLY_NAME + 1];

	snprintf(score, sizeof(score), "%.1f", r->score);
	snprintf(threshold, sizeof(threshold), "%.1f", limit);
	snprintf(detail, sizeof(detail), "%s of %s", score, threshold);
	c->host->symbol(c, "SPAMD_SCORE", r->score * s->conf->weight, detail);
	for (uint32_t i = 0; s->conf->symbols && i < r->count; i++) {
		snprintf(name, sizeof(name), "%s%s",
		    s->conf->prefix != NULL ? s->conf->prefix : "",
		    r->symbols[i]);
		c->host->symbol(c, name, 0, NULL);
	}
	c->host->note_set(c, "spamd.result", spam ? "spam" : "ham");
	c->host->note_set(c, "spamd.score", score);
	c->host->note_set(c, "spamd.threshold", threshold);
	return spam ? act(c, score, threshold) : MR_CONTINUE;
}

static mr_verdict
failed(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "SPAMD_FAILED", 0, why);
	c->host->log(c->host, c, MR_LOG_WARN, why);
	return MR_ERROR;
}

/* --- asking --- */

static mr_stream_state
read_reply(void *arg, const char *bytes, size_t n, bool end)
{
	struct heard *h = arg;

	(void)end;
	h->state = reply_parse(bytes, n, &h->reply);
	switch (h->state) {
	case REPLY_MORE:
		return MR_STREAM_MORE;
	case REPLY_WHOLE:
		return MR_STREAM_DONE;
	case REPLY_ERROR:
		return MR_STREAM_NEXT;
	case REPLY_BAD:
		break;
	}
	return MR_STREAM_BAD;
}

static bool
ask(struct mr_ctx *c, const struct mr_stream_piece message[2], struct heard *h,
    const char **why)
{
	const struct spamd *s = c->self;
	char trace[QUESTION_TRACE];
	size_t ntrace =
	    s->conf->trace ? question_trace(c, time(NULL), trace) : 0;
	size_t size = ntrace + message[0].n + message[1].n, n;
	const char *head = question_head(c, s->conf->user, size, &n);
	const struct mr_stream_piece pieces[] = { { head, n },
		{ trace, ntrace }, message[0], message[1] };
	const struct mr_stream_question q = {
		.pieces = pieces,
		.count = 4,
		.close = true,
		.connect_ms = s->conf->connect_timeout,
		.answer_ms = s->conf->timeout,
		.answer_max = REPLY_HEAD_MAX + REPLY_BODY_MAX,
		.read = read_reply,
		.arg = h,
	};
	const char *bytes;

	return s->service->ask(c, s->servers, &q, &bytes, &n, why);
}

static mr_verdict
spamd_on_eom(struct mr_ctx *c)
{
	const struct spamd *s = c->self;
	struct mr_stream_piece message[2] = { { 0 } };
	struct heard *h;
	const char *why;

	message[0].p = s->service->header(c, &message[0].n);
	message[1].p = c->host->body(c, &message[1].n);
	if (message[0].n + message[1].n > (size_t)s->conf->max_size) {
		c->host->symbol(
		    c, "SPAMD_UNSCANNED", 0, "larger than max-size");
		return MR_CONTINUE;
	}
	h = c->host->alloc(c, sizeof(*h));
	if (!ask(c, message, h, &why))
		return failed(
		    c, h->state == REPLY_ERROR && h->reply.error[0] != '\0'
			   ? h->reply.error
			   : why);
	return judge(c, &h->reply);
}

/* --- opening --- */

static void
spamd_close(void *self)
{
	struct spamd *s = self;

	if (s->service != NULL)
		s->service->close(s->servers);
	free(s);
}

static bool
wrong(const struct spamd *s, const char *option, const char *why)
{
	s->host->config_error(s->host, option, why);
	return false;
}

static bool
texts_ok(const struct spamd *s)
{
	const char *prefix = s->conf->prefix != NULL ? s->conf->prefix : "";
	char text[200];
	const char *why =
	    mr_text_fault(s->conf->reply, reply_names, text, sizeof(text));
	bool ok = why == NULL || wrong(s, "reply", why);

	if (strlen(prefix) > PREFIX_MAX ||
	    strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
		strlen(prefix))
		ok = wrong(s, "prefix",
		    "write at most 32 capital letters, digits and _");
	return ok;
}

static bool
find_servers(struct spamd *s)
{
	static const char *const usual[] = { "inet:783@127.0.0.1" };
	static const struct mr_list fallback = { 1, usual };
	const struct mr_list *l = s->conf->servers;
	char why[MR_STREAM_WHY];

	s->service = s->host->service(s->host, MR_STREAM_SERVICE);
	if (s->service == NULL)
		return wrong(s, NULL, "it needs the service stream/1");
	s->servers = s->service->open(
	    l->count > 0 ? l : &fallback, s->conf->retry_after, why);
	return s->servers != NULL || wrong(s, "servers", why);
}

static bool
spamd_open(const struct mr_host *host, const void *conf, void **self)
{
	struct spamd *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return false;
	s->conf = conf;
	s->host = host;
	if (!texts_ok(s) || !find_servers(s)) {
		spamd_close(s);
		return false;
	}
	*self = s;
	return true;
}

static void
spamd_plan(const void *p, struct mr_plan *plan)
{
	const struct spamd_conf *conf = p;

	plan->actions =
	    conf->spam == SPAM_QUARANTINE ? MR_ACTION_QUARANTINE : 0;
	plan->macros(plan, MR_STAGE_CONNECT, "j");
	plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

MR_PLUGIN(spamd) = {
	MR_PLUGIN_HEAD,
	.name = "spamd",
	.version = "0.1.0",
	.summary = "asks SpamAssassin's spamd for its score",
	.options = spamd_options,
	.conf_size = sizeof(struct spamd_conf),
	.actions = MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.plan = spamd_plan,
	.open = spamd_open,
	.close = spamd_close,
	.on_eom = spamd_on_eom,
};
