/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rspamd's opinion: each message goes to it (/checkv2), its symbols become
 * symbols here, and its action is followed as far as the operator wants.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/plugin.h>
#include <millrace/stream.h>
#include <millrace/text.h>

#include "answer.h"
#include "http.h"
#include "question.h"

enum { ANSWER_BYTES = 4 * 1024 * 1024, PREFIX_MAX = 32 };

enum symbols { SYMBOLS_SCORED, SYMBOLS_ALL, SYMBOLS_SUM };

struct rspamd_conf {
	const struct mr_list *servers, *follow;
	int64_t connect_timeout, timeout, retry_after; /* ms */
	int64_t max_size;
	int64_t symbols; /* enum symbols */
	double weight;
	const char *prefix, *settings_id, *header, *reply, *later_reply;
};

struct rspamd {
	const struct rspamd_conf *conf;
	const struct mr_host *host;
	const struct mr_stream_service *service;
	struct mr_stream *servers;
	bool follows[ACTION_OTHER];
};

/* What came back: of the last server that was asked. */
struct heard {
	int status; /* of HTTP; 0: not that far */
	struct answer answer;
};

enum { SCORE, THRESHOLD, MESSAGE, NAMES };

static const char *const reply_names[] = {
	[SCORE] = "score",
	[THRESHOLD] = "threshold",
	[MESSAGE] = "message",
	[NAMES] = NULL,
};

static const struct mr_option rspamd_options[] = {
	{ .name = "servers",
	    MR_OPTION(struct rspamd_conf, servers, MR_LIST),
	    .text = "Sockets of rspamd's normal workers, asked in this order; "
		    "none given: inet:11333@127.0.0.1." },
	{ .name = "connect-timeout",
	    MR_OPTION(struct rspamd_conf, connect_timeout, MR_DURATION),
	    .fallback = "2s",
	    .min = 10,
	    .max = 60000,
	    .text = "How long a connection to a server may take." },
	{ .name = "timeout",
	    MR_OPTION(struct rspamd_conf, timeout, MR_DURATION),
	    .fallback = "25s",
	    .min = 10,
	    .max = 240000,
	    .text = "How long a server may take for a message." },
	{ .name = "retry-after",
	    MR_OPTION(struct rspamd_conf, retry_after, MR_DURATION),
	    .fallback = "15s",
	    .min = 10,
	    .max = 3600000,
	    .text = "How long a server that failed is left alone." },
	{ .name = "max-size",
	    MR_OPTION(struct rspamd_conf, max_size, MR_SIZE),
	    .fallback = "20M",
	    .min = 1024,
	    .max = INT64_C(2147483647),
	    .text = "Larger messages are not scanned." },
	{ .name = "settings-id",
	    MR_OPTION(struct rspamd_conf, settings_id, MR_STRING),
	    .text = "Which of rspamd's settings it is to use." },
	{ .name = "symbols",
	    MR_OPTION(struct rspamd_conf, symbols, MR_CHOICE),
	    .fallback = "scored",
	    .choices = "scored|all|sum",
	    .text = "Which of rspamd's symbols are symbols here; sum: one for "
		    "its whole score." },
	{ .name = "prefix",
	    MR_OPTION(struct rspamd_conf, prefix, MR_STRING),
	    .fallback = "RSPAMD_",
	    .text = "What is put before the names of its symbols." },
	{ .name = "weight",
	    MR_OPTION(struct rspamd_conf, weight, MR_REAL),
	    .fallback = "1",
	    .min = 0,
	    .max = 1000,
	    .text = "Its scores are multiplied with it." },
	{ .name = "follow",
	    MR_OPTION(struct rspamd_conf, follow, MR_LIST),
	    .text = "Actions of rspamd that are taken here, too: \"reject\", "
		    "\"soft reject\", ..." },
	{ .name = "header",
	    MR_OPTION(struct rspamd_conf, header, MR_STRING),
	    .fallback = "X-Spam",
	    .text = "Field that \"add header\" adds; those that came with the "
		    "message are removed." },
	{ .name = "reply",
	    MR_OPTION(struct rspamd_conf, reply, MR_STRING),
	    .fallback = "Message refused as spam",
	    .text = "What the sender is told at \"reject\"; {score}, "
		    "{threshold}, {message} are rspamd's." },
	{ .name = "later-reply",
	    MR_OPTION(struct rspamd_conf, later_reply, MR_STRING),
	    .fallback = "Please try again later",
	    .text = "The same at \"soft reject\" and \"greylist\"." },
	{ 0 },
};

/* --- acting --- */

static mr_verdict
refuse(struct mr_ctx *c, const struct answer *a, bool for_ever)
{
	const struct rspamd *r = c->self;
	char text[MR_TEXT_BYTES], score[32], threshold[32];
	const char *values[NAMES] = { score, threshold, a->message };

	snprintf(score, sizeof(score), "%.2f", a->score);
	snprintf(threshold, sizeof(threshold), "%.2f", a->threshold);
	mr_text_expand(text, for_ever ? r->conf->reply : r->conf->later_reply,
	    reply_names, values);
	/* The values may be all there is, and be empty. */
	if (text[strspn(text, " ")] == '\0')
		snprintf(text, sizeof(text), "Refused");
	c->host->reply(
	    c, for_ever ? 550 : 451, for_ever ? "5.7.1" : "4.7.1", text);
	return for_ever ? MR_REJECT : MR_TEMPFAIL;
}

static mr_verdict
hold(struct mr_ctx *c, const struct answer *a)
{
	char text[64];

	snprintf(text, sizeof(text), "rspamd: score %.2f", a->score);
	c->host->quarantine(c, text);
	return MR_QUARANTINE;
}

static mr_verdict
follow(struct mr_ctx *c, const struct answer *a)
{
	const struct rspamd *r = c->self;

	if (a->action == ACTION_OTHER || !r->follows[a->action])
		return MR_CONTINUE;
	switch (a->action) {
	case ACTION_ADD_HEADER:
	case ACTION_REWRITE_SUBJECT:
		c->host->add_header(c, r->conf->header, "Yes");
		return MR_CONTINUE;
	case ACTION_GREYLIST:
	case ACTION_SOFT_REJECT:
	case ACTION_REJECT:
		return refuse(c, a, a->action == ACTION_REJECT);
	case ACTION_QUARANTINE:
		return hold(c, a);
	case ACTION_DISCARD:
		return MR_DISCARD;
	case ACTION_NONE:
	case ACTION_OTHER:
		break;
	}
	return MR_CONTINUE;
}

static void
note(struct mr_ctx *c, const struct answer *a)
{
	const char *action = answer_action_name(a->action);
	char text[32];

	c->host->note_set(
	    c, "rspamd.action", action != NULL ? action : "other");
	snprintf(text, sizeof(text), "%.2f", a->score);
	c->host->note_set(c, "rspamd.score", text);
	snprintf(text, sizeof(text), "%.2f", a->threshold);
	c->host->note_set(c, "rspamd.threshold", text);
}

static void
merge(struct mr_ctx *c, const struct answer *a)
{
	const struct rspamd *r = c->self;
	double w = r->conf->weight;
	char name[PREFIX_MAX + ANSWER_NAME + 1];

	if (r->conf->symbols == SYMBOLS_SUM) {
		c->host->symbol(c, "RSPAMD_SCORE", a->score * w, NULL);
		return;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		const struct answer_symbol *s = &a->symbols[i];

		if (s->score == 0 && r->conf->symbols == SYMBOLS_SCORED)
			continue;
		snprintf(name, sizeof(name), "%s%s",
		    r->conf->prefix != NULL ? r->conf->prefix : "", s->name);
		c->host->symbol(c, name, s->score * w,
		    s->detail[0] != '\0' ? s->detail : NULL);
	}
}

static mr_verdict
unscanned(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "RSPAMD_UNSCANNED", 0, why);
	return MR_CONTINUE;
}

static mr_verdict
failed(struct mr_ctx *c, const char *why)
{
	c->host->symbol(c, "RSPAMD_FAILED", 0, why);
	c->host->log(c->host, c, MR_LOG_WARN, why);
	return MR_ERROR;
}

/* --- asking --- */

static mr_stream_state
read_response(void *arg, const char *bytes, size_t n, bool end)
{
	struct heard *heard = arg;
	struct http h;

	switch (http_parse(bytes, n, end, &h)) {
	case HTTP_MORE:
		return MR_STREAM_MORE;
	case HTTP_BAD:
		return MR_STREAM_BAD;
	case HTTP_WHOLE:
		break;
	}
	heard->status = h.status;
	if (h.status != 200)
		return MR_STREAM_NEXT;
	return answer_parse(h.body, h.n, &heard->answer) ? MR_STREAM_DONE
							 : MR_STREAM_BAD;
}

static bool
ask(struct mr_ctx *c, const struct mr_stream_piece message[2],
    struct heard *heard, const char **why)
{
	const struct rspamd *r = c->self;
	size_t size = message[0].n + message[1].n, n;
	const char *head = question_head(c, r->conf->settings_id, size, &n);
	const struct mr_stream_piece pieces[] = { { head, n }, message[0],
		message[1] };
	const struct mr_stream_question q = {
		.pieces = pieces,
		.count = 3,
		.connect_ms = r->conf->connect_timeout,
		.answer_ms = r->conf->timeout,
		.answer_max = ANSWER_BYTES,
		.read = read_response,
		.arg = heard,
	};
	const char *bytes;

	return r->service->ask(c, r->servers, &q, &bytes, &n, why);
}

/* Who looks for the field later must find ours or none. */
static void
remove_forged(struct mr_ctx *c)
{
	const struct rspamd *r = c->self;
	uint32_t n = 0;

	if (!r->follows[ACTION_ADD_HEADER] &&
	    !r->follows[ACTION_REWRITE_SUBJECT])
		return;
	while (c->host->header(c, r->conf->header, n + 1) != NULL)
		n++;
	for (; n > 0; n--)
		c->host->delete_header(c, r->conf->header, n);
}

static mr_verdict
rspamd_on_eom(struct mr_ctx *c)
{
	const struct rspamd *r = c->self;
	struct heard *heard;
	struct mr_stream_piece message[2] = { { 0 } };
	const char *why;
	char text[32];

	message[0].p = r->service->header(c, &message[0].n);
	message[1].p = c->host->body(c, &message[1].n);
	remove_forged(c);
	if (message[0].n + message[1].n > (size_t)r->conf->max_size)
		return unscanned(c, "larger than max-size");
	heard = c->host->alloc(c, sizeof(*heard));
	if (!ask(c, message, heard, &why)) {
		if (heard->status == 0 || heard->status == 200)
			return failed(c, why);
		snprintf(text, sizeof(text), "it answers %d", heard->status);
		return failed(c, text);
	}
	if (heard->answer.skipped)
		return unscanned(c, "rspamd has skipped it");
	note(c, &heard->answer);
	merge(c, &heard->answer);
	return follow(c, &heard->answer);
}

/* --- opening --- */

static void
rspamd_close(void *self)
{
	struct rspamd *r = self;

	if (r->service != NULL)
		r->service->close(r->servers);
	free(r);
}

static bool
wrong(const struct rspamd *r, const char *option, const char *why)
{
	r->host->config_error(r->host, option, why);
	return false;
}

static bool
text_ok(const struct rspamd *r, const char *option, const char *text)
{
	char why[200];

	return mr_text_fault(text, reply_names, why, sizeof(why)) == NULL ||
	       wrong(r, option, why);
}

static bool
made_of(const char *text, size_t most, const char *letters)
{
	size_t n = text != NULL ? strlen(text) : 0;

	return n <= most && (n == 0 || strspn(text, letters) == n);
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static bool
names_ok(const struct rspamd *r)
{
	const struct rspamd_conf *conf = r->conf;
	bool ok = true;

	if (!made_of(conf->prefix, PREFIX_MAX, UPPER "_"))
		ok = wrong(r, "prefix",
		    "write at most 32 capital letters, digits and _");
	if (conf->header == NULL || conf->header[0] == '\0' ||
	    !made_of(conf->header, 64, UPPER LOWER "-_"))
		ok = wrong(r, "header",
		    "write the name of a header field, at most 64 letters, "
		    "digits, - and _");
	if (!made_of(conf->settings_id, 128, UPPER LOWER "-_."))
		ok = wrong(r, "settings-id",
		    "write at most 128 letters, digits, -, _ and .");
	return ok;
}

static bool
read_follow(struct rspamd *r)
{
	const struct mr_list *l = r->conf->follow;
	char text[300];
	bool ok = true;

	for (uint32_t i = 0; i < l->count; i++) {
		enum answer_action a = answer_action_of(l->items[i]);

		if (a != ACTION_OTHER && a != ACTION_NONE) {
			r->follows[a] = true;
			continue;
		}
		snprintf(text, sizeof(text),
		    "\"%.100s\" is no action of rspamd: there are reject, "
		    "soft reject, greylist, add header, rewrite subject, "
		    "quarantine and discard",
		    l->items[i]);
		ok = wrong(r, "follow", text);
	}
	return ok;
}

static bool
find_servers(struct rspamd *r)
{
	static const char *const usual[] = { "inet:11333@127.0.0.1" };
	static const struct mr_list fallback = { 1, usual };
	const struct mr_list *l = r->conf->servers;
	char why[MR_STREAM_WHY];

	r->service = r->host->service(r->host, MR_STREAM_SERVICE);
	if (r->service == NULL)
		return wrong(r, NULL, "it needs the service stream/1");
	r->servers = r->service->open(
	    l->count > 0 ? l : &fallback, r->conf->retry_after, why);
	return r->servers != NULL || wrong(r, "servers", why);
}

static bool
rspamd_open(const struct mr_host *host, const void *conf, void **self)
{
	struct rspamd *r = calloc(1, sizeof(*r));
	bool ok;

	if (r == NULL)
		return false;
	r->conf = conf;
	r->host = host;
	ok = read_follow(r);
	ok = names_ok(r) && ok;
	ok = text_ok(r, "reply", r->conf->reply) && ok;
	ok = text_ok(r, "later-reply", r->conf->later_reply) && ok;
	if (!ok || !find_servers(r)) {
		rspamd_close(r);
		return false;
	}
	*self = r;
	return true;
}

static void
rspamd_plan(const void *p, struct mr_plan *plan)
{
	static const uint32_t needs[ACTION_OTHER] = {
		[ACTION_ADD_HEADER] =
		    MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER,
		[ACTION_REWRITE_SUBJECT] =
		    MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER,
		[ACTION_QUARANTINE] = MR_ACTION_QUARANTINE,
	};
	const struct mr_list *l = ((const struct rspamd_conf *)p)->follow;

	plan->actions = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		enum answer_action a = answer_action_of(l->items[i]);

		plan->actions |= a != ACTION_OTHER ? needs[a] : 0;
	}
	plan->macros(plan, MR_STAGE_CONNECT, "j");
	plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

MR_PLUGIN(rspamd) = {
	MR_PLUGIN_HEAD,
	.name = "rspamd",
	.version = "0.1.0",
	.summary = "asks rspamd for its symbols and its action",
	.options = rspamd_options,
	.conf_size = sizeof(struct rspamd_conf),
	.actions = MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER |
		   MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.plan = rspamd_plan,
	.open = rspamd_open,
	.close = rspamd_close,
	.on_eom = rspamd_on_eom,
};
