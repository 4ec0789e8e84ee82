/* SPDX-License-Identifier: Apache-2.0 */
/* A record as JSON (journal, check, explain) and as the one log line. */
#include "core/record.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "millrace/plugin.h"

static void
put_reply(struct buf *b, const char *key, const struct reply *r)
{
	if (r->code == 0) {
		json_text(b, key, NULL);
		return;
	}
	json_open(b, key, '{');
	json_int(b, "code", r->code);
	json_text(b, "dsn", r->dsn);
	json_text(b, "text", r->text);
	json_close(b, '}');
}

static void
put_client(struct buf *b, const struct record *r)
{
	json_open(b, "client", '{');
	json_text(b, "addr", r->client_addr);
	json_text(b, "name", r->client_name);
	json_text(b, "helo", r->helo);
	json_text(b, "login", r->login);
	json_text(b, "tls", r->tls);
	json_close(b, '}');
}

static void
put_recipients(struct buf *b, const struct record_recipient *r)
{
	json_open(b, "recipients", '[');
	for (; r != NULL; r = r->next) {
		json_open(b, NULL, '{');
		json_text(b, "address", r->address);
		json_text(b, "verdict",
		    r->by_mta ? "refused by the MTA" : answer_name(r->answer));
		json_text(b, "by", r->by);
		put_reply(b, "reply", &r->reply);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_symbols(struct buf *b, const struct record_symbol *s)
{
	json_open(b, "symbols", '[');
	for (; s != NULL; s = s->next) {
		json_open(b, NULL, '{');
		json_text(b, "name", s->name);
		json_real(b, "score", s->score);
		json_text(b, "detail", s->detail);
		json_text(b, "by", s->by);
		json_text(b, "stage", stage_name(s->stage));
		json_bool(b, "observed", s->observed);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_auth(struct buf *b, const struct record *r)
{
	json_open(b, "auth", '[');
	for (size_t i = 0; i < r->nauth; i++) {
		const struct authres_result *a = &r->auth[i];

		json_open(b, NULL, '{');
		json_text(b, "method", a->method);
		json_text(b, "result", a->result);
		json_text(b, "reason", a->reason);
		json_open(b, "properties", '{');
		for (size_t p = 0; p < a->count; p++)
			json_text(
			    b, a->properties[p].name, a->properties[p].value);
		json_close(b, '}');
		json_text(b, "by", a->by);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static const char *const edit_words[EDIT_KINDS] = {
	[EDIT_ADD_HEADER] = "add-header",
	[EDIT_INSERT_HEADER] = "insert-header",
	[EDIT_CHANGE_HEADER] = "change-header",
	[EDIT_DELETE_HEADER] = "delete-header",
	[EDIT_CHANGE_SENDER] = "change-sender",
	[EDIT_ADD_RECIPIENT] = "add-recipient",
	[EDIT_DELETE_RECIPIENT] = "delete-recipient",
	[EDIT_REPLACE_BODY] = "replace-body",
	[EDIT_QUARANTINE] = "quarantine",
};

static void
put_edits(struct buf *b, const struct record *r)
{
	json_open(b, "edits", '[');
	for (size_t i = 0; i < r->nedits; i++) {
		const struct edit *e = &r->edits[i];

		json_open(b, NULL, '{');
		json_text(b, "action", edit_words[e->kind]);
		json_text(b, "name", e->name);
		json_int(b, "index", e->index);
		json_text(b, "value", e->value);
		if (e->kind == EDIT_REPLACE_BODY)
			json_int(b, "bytes", (int64_t)e->bytes.n);
		json_text(b, "by", e->by);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_steps(struct buf *b, const struct record_step *s)
{
	json_open(b, "steps", '[');
	for (; s != NULL; s = s->next) {
		json_open(b, NULL, '{');
		json_text(b, "stage", stage_name(s->stage));
		json_text(b, "instance", s->instance);
		json_text(b, "verdict", verdict_name(s->verdict));
		json_bool(b, "observed", s->observed);
		json_text(b, "detail", s->detail);
		json_int(b, "us", s->us);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_lines(struct buf *b, const char *key, const char *const *lines, size_t n)
{
	json_open(b, key, '[');
	for (size_t i = 0; i < n; i++)
		json_text(b, NULL, lines[i]);
	json_close(b, ']');
}

static void
put_faults(struct buf *b, const struct record_fault *f)
{
	json_open(b, "faults", '[');
	for (; f != NULL; f = f->next) {
		json_open(b, NULL, '{');
		json_text(b, "instance", f->instance);
		json_text(b, "what", f->what);
		json_text(b, "stage", f->stage);
		json_close(b, '}');
	}
	json_close(b, ']');
}

void
record_json(const struct record *r, struct buf *b)
{
	char time[32];

	clock_format(r->time_us, time);
	json_open(b, NULL, '{');
	json_text(b, "id", r->id);
	json_text(b, "queue_id", r->queue_id);
	json_text(b, "time", time);
	json_int(b, "took_us", r->took_us);
	json_text(b, "listener", r->listener);
	put_client(b, r);
	json_text(b, "sender", r->sender);
	put_recipients(b, r->recipients);
	json_text(b, "from", r->header_from);
	json_text(b, "message_id", r->message_id);
	json_int(b, "size", (int64_t)r->size);
	json_text(b, "outcome", r->outcome);
	put_reply(b, "reply", &r->reply);
	json_text(b, "stage", r->stage);
	json_text(b, "by", r->by);
	json_real(b, "score", r->score);
	put_symbols(b, r->symbols);
	put_auth(b, r);
	put_edits(b, r);
	put_lines(b, "observed_edits", r->observed_edits, r->nobserved);
	put_lines(b, "conflicts", r->conflicts, r->nconflicts);
	put_faults(b, r->faults);
	put_steps(b, r->steps);
	json_close(b, '}');
}

/* "REJECT by rule-a" of instances that only observe, for the log line. */
static void
would_have(const struct record_step *s, struct buf *b)
{
	for (; s != NULL; s = s->next) {
		if (!s->observed || s->verdict < MR_ACCEPT)
			continue;
		buf_printf(b, "%s%s:%s", b->n > 0 ? "," : "", s->instance,
		    verdict_name(s->verdict));
	}
}

void
record_log(const struct record *r)
{
	struct log_line line;
	struct buf would = { 0 }, to = { 0 };
	const struct record_recipient *rcpt = r->recipients;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	would_have(r->steps, &would);
	for (int i = 0; rcpt != NULL; rcpt = rcpt->next, i++)
		if (i < 5)
			buf_printf(
			    &to, "%s<%s>", i > 0 ? "," : "", rcpt->address);
		else if (rcpt->next == NULL)
			buf_printf(&to, ",+%d", i - 4);
	log_line_begin(&line, r->queue_id != NULL ? r->queue_id : r->id);
	log_line_text(&line, "id", r->id);
	log_line_text(&line, "listener", r->listener);
	log_line_text(&line, "client", r->client_addr);
	log_line_text(&line, "helo", r->helo);
	log_line_text(&line, "login", r->login);
	log_line_text(&line, "from", r->sender);
	log_line_text(&line, "to", to.n > 0 ? to.p : NULL);
	log_line_text(&line, "message-id", r->message_id);
	log_line_real(&line, "score", r->score);
	log_line_text(&line, "verdict", r->outcome);
	log_line_text(&line, "stage", r->stage);
	log_line_text(&line, "by", r->by);
	log_line_text(
	    &line, "reply", r->reply.code != 0 ? r->reply.text : NULL);
	log_line_text(&line, "observed", would.n > 0 ? would.p : NULL);
	log_line_text(
	    &line, "fault", r->faults != NULL ? r->faults->what : NULL);
	log_line_int(&line, "ms", r->took_us / 1000);
	log_line_end(&line, LOG_LEVEL_INFO);
	buf_finish(&would);
	buf_finish(&to);
}
