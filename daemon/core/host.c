/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions that plugins are handed: struct mr_host. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/scope.h"

#define PRODUCT "millrace " MR_VERSION

struct call *
call_of(struct mr_ctx *ctx)
{
	return (struct call *)(void *)ctx;
}

/* Each instance has its own copy of the table. */
static const struct instance *
instance_of(const struct mr_host *host)
{
	return (const struct instance *)(const void *)((const char *)host -
						       offsetof(struct instance,
							   host));
}

struct arena *
session_scope(struct session *s)
{
	return s->message != NULL ? s->message->arena : s->arena;
}

static bool
misbehaves(const struct call *c, const char *what, const char *why)
{
	log_warn("instance %s misbehaves at %s: %s: %s",
	    c->instance->conf->name, stage_name(c->stage), what, why);
	return false;
}

static const void *
host_service(const struct mr_host *host, const char *id)
{
	const struct core *core = instance_of(host)->core;

	return core->settings.service != NULL ? core->settings.service(id)
					      : NULL;
}

static void
host_log(const struct mr_host *host, const struct mr_ctx *c, int32_t level,
    const char *line)
{
	const char *id = c != NULL ? c->message_id : NULL;

	if (level < MR_LOG_ERROR || level > MR_LOG_DEBUG)
		level = MR_LOG_DEBUG;
	log_at((enum log_level)level, "%s%s%s: %s", id != NULL ? id : "",
	    id != NULL ? " " : "", instance_of(host)->conf->name, line);
}

/* Where config_error leaves its text while an instance opens. */
static _Thread_local char **open_error;

void
host_begin_open(struct instance *i, char **why)
{
	i->host = host_table;
	open_error = why;
}

void
host_end_open(void)
{
	open_error = NULL;
}

static void
host_config_error(
    const struct mr_host *host, const char *option, const char *text)
{
	const struct instance *i = instance_of(host);
	struct config_place place = i->conf->place;
	char *line;

	if (option != NULL)
		place = config_option_place(
		    i->core->settings.config, i->conf, option);
	line = memory_printf("%s:%u: %s \"%s\": %s%s%s", place.file, place.line,
	    i->conf->plugin, i->conf->name, option != NULL ? option : "",
	    option != NULL ? ": " : "", text);
	if (open_error == NULL) {
		log_error("%s", line);
		free(line);
		return;
	}
	if (*open_error != NULL) {
		char *both = memory_printf("%s\n%s", *open_error, line);

		free(*open_error);
		free(line);
		line = both;
	}
	*open_error = line;
}

static bool
host_reply(struct mr_ctx *ctx, int32_t code, const char *dsn, const char *text)
{
	struct call *c = call_of(ctx);
	const char *why;

	if (!reply_set(
		&c->reply, session_scope(c->session), code, dsn, text, &why))
		return misbehaves(c, "reply", why);
	c->replied = true;
	return true;
}

static bool
host_symbol(
    struct mr_ctx *ctx, const char *name, double score, const char *detail)
{
	struct call *c = call_of(ctx);
	struct arena *arena = session_scope(c->session);
	struct record_symbol s = { .score = score,
		.stage = c->stage,
		.by = c->instance->conf->name,
		.observed = c->observed };

	if (name == NULL || name[0] == '\0' || !isfinite(score))
		return misbehaves(c, "symbol", "no name, or not a number");
	s.name = arena_copy(arena, name);
	s.detail = detail != NULL ? arena_copy(arena, detail) : NULL;
	symbols_add(symbols_here(c->session), arena, &s);
	return true;
}

/* An observing instance sees all, one that decides only what counts. */
static double
host_score(struct mr_ctx *ctx)
{
	const struct call *c = call_of(ctx);

	return symbols_score(symbols_here(c->session), c->observed);
}

/* An edit that an instance asks for. */
struct wish {
	enum edit_kind kind;
	const char *name; /* header name or address */
	uint32_t nth;
	const char *value; /* header value, ESMTP arguments, reason */
	struct span bytes;
};

/* The function of the contract, and what must be declared to call it. */
static const struct {
	const char *function;
	uint32_t action;
	const char *verb; /* for "what it would have done" */
} edits[EDIT_KINDS] = {
	[EDIT_ADD_HEADER] = { "add_header", MR_ACTION_ADD_HEADER, "add" },
	[EDIT_INSERT_HEADER] = { "insert_header", MR_ACTION_ADD_HEADER,
	    "insert" },
	[EDIT_CHANGE_HEADER] = { "change_header", MR_ACTION_CHANGE_HEADER,
	    "change" },
	[EDIT_DELETE_HEADER] = { "delete_header", MR_ACTION_CHANGE_HEADER,
	    "delete" },
	[EDIT_CHANGE_SENDER] = { "change_sender", MR_ACTION_CHANGE_SENDER,
	    "change sender to" },
	[EDIT_ADD_RECIPIENT] = { "add_recipient", MR_ACTION_ADD_RECIPIENT,
	    "add recipient" },
	[EDIT_DELETE_RECIPIENT] = { "delete_recipient",
	    MR_ACTION_DELETE_RECIPIENT, "delete recipient" },
	[EDIT_REPLACE_BODY] = { "replace_body", MR_ACTION_REPLACE_BODY,
	    "replace the body" },
	[EDIT_QUARANTINE] = { "quarantine", MR_ACTION_QUARANTINE,
	    "quarantine" },
};

/* What an observing instance would have done is only written down. */
static bool
note_observed(struct call *c, const char *what)
{
	struct message *m = c->session->message;

	/* Full at every power of two. */
	if ((m->nobserved & (m->nobserved - 1)) == 0) {
		const char **grown = arena_alloc(m->arena,
		    (m->nobserved > 0 ? 2 * m->nobserved : 1) * sizeof(*grown));

		if (m->nobserved > 0)
			memcpy(grown, m->observed_edits,
			    m->nobserved * sizeof(*grown));
		m->observed_edits = grown;
	}
	m->observed_edits[m->nobserved++] =
	    arena_printf(m->arena, "%s: %s", c->instance->conf->name, what);
	return true;
}

static bool
observe(struct call *c, const struct wish *w)
{
	return note_observed(
	    c, arena_printf(c->session->message->arena, "%s%s%s%s%s",
		   edits[w->kind].verb, w->name != NULL ? " " : "",
		   w->name != NULL ? w->name : "", w->value != NULL ? ": " : "",
		   w->value != NULL ? w->value : ""));
}

static bool
apply(struct message *m, const char *by, const struct wish *w, const char **why)
{
	struct edit_plan *p = m->edits;

	switch (w->kind) {
	case EDIT_ADD_HEADER:
		return edit_add(p, by, w->name, w->value, why);
	case EDIT_INSERT_HEADER:
		return edit_insert(p, by, w->name, w->value, why);
	case EDIT_CHANGE_HEADER:
		return edit_change(p, by, w->name, w->nth, w->value, why);
	case EDIT_DELETE_HEADER:
		return edit_delete(p, by, w->name, w->nth, why);
	case EDIT_CHANGE_SENDER:
		return edit_sender(p, by, w->name, w->value, why);
	case EDIT_ADD_RECIPIENT:
		return edit_add_recipient(p, by, w->name, w->value, why);
	case EDIT_DELETE_RECIPIENT:
		return edit_delete_recipient(p, by, w->name, why);
	case EDIT_REPLACE_BODY:
		return edit_body(p, by, w->bytes.p, w->bytes.n, why);
	case EDIT_QUARANTINE:
		if (!edit_quarantine(p, by, w->value, why))
			return false;
		m->held = arena_copy(m->arena, w->value);
		return true;
	default:
		abort();
	}
}

/*
 * What an MTA takes: Postfix cuts a field at 60,000 bytes, and an answer must
 * stay of a size that can be held whole.
 */
enum { VALUE_BYTES = 60000, EDIT_BYTES = 4 << 20, EDIT_COUNT = 10000 };

static const char *
too_much(struct message *m, const struct wish *w)
{
	size_t n = w->value != NULL ? strlen(w->value) : 0;

	if (n > VALUE_BYTES)
		return "a value of more than 60,000 bytes";
	m->edit_bytes += n;
	if (m->edit_bytes > EDIT_BYTES || ++m->edit_count > EDIT_COUNT)
		return "more than 10,000 edits or 4 MB of them";
	return NULL;
}

static bool
queue_edit(struct mr_ctx *ctx, const struct wish *w)
{
	struct call *c = call_of(ctx);
	struct message *m = c->session->message;
	const char *function = edits[w->kind].function, *why;

	if (m == NULL)
		return misbehaves(c, function, "no message is open");
	if ((c->instance->needs.actions & edits[w->kind].action) == 0)
		return misbehaves(c, function, "the action was not declared");
	if ((why = too_much(m, w)) != NULL)
		return misbehaves(c, function, why);
	if (c->observed)
		return observe(c, w);
	why = "bad value";
	if (!apply(m, c->instance->conf->name, w, &why))
		return misbehaves(c, function, why);
	return true;
}

static bool
host_add_header(struct mr_ctx *ctx, const char *name, const char *value)
{
	return queue_edit(
	    ctx, &(struct wish){
		     .kind = EDIT_ADD_HEADER, .name = name, .value = value });
}

static bool
host_insert_header(struct mr_ctx *ctx, const char *name, const char *value)
{
	return queue_edit(ctx,
	    &(struct wish){
		.kind = EDIT_INSERT_HEADER, .name = name, .value = value });
}

static bool
host_change_header(
    struct mr_ctx *ctx, const char *name, uint32_t nth, const char *value)
{
	return queue_edit(ctx, &(struct wish){ .kind = EDIT_CHANGE_HEADER,
				   .name = name,
				   .nth = nth,
				   .value = value });
}

static bool
host_delete_header(struct mr_ctx *ctx, const char *name, uint32_t nth)
{
	return queue_edit(
	    ctx, &(struct wish){
		     .kind = EDIT_DELETE_HEADER, .name = name, .nth = nth });
}

static bool
host_change_sender(struct mr_ctx *ctx, const char *from, const char *args)
{
	return queue_edit(
	    ctx, &(struct wish){
		     .kind = EDIT_CHANGE_SENDER, .name = from, .value = args });
}

static bool
host_add_recipient(struct mr_ctx *ctx, const char *to, const char *args)
{
	return queue_edit(
	    ctx, &(struct wish){
		     .kind = EDIT_ADD_RECIPIENT, .name = to, .value = args });
}

/* As the envelope spells it: Postfix compares letter by letter. */
static const char *
as_in_envelope(const struct message *m, const char *to)
{
	for (size_t i = 0; m != NULL && to != NULL && i < m->nrecipients; i++)
		if (strcasecmp(m->recipients[i], to) == 0)
			return m->recipients[i];
	return to;
}

static bool
host_delete_recipient(struct mr_ctx *ctx, const char *to)
{
	const struct message *m = call_of(ctx)->session->message;

	return queue_edit(ctx, &(struct wish){ .kind = EDIT_DELETE_RECIPIENT,
				   .name = as_in_envelope(m, to) });
}

static bool
host_replace_body(struct mr_ctx *ctx, const void *bytes, size_t len)
{
	return queue_edit(ctx, &(struct wish){ .kind = EDIT_REPLACE_BODY,
				   .bytes = { bytes, len } });
}

static bool
host_quarantine(struct mr_ctx *ctx, const char *reason)
{
	return queue_edit(
	    ctx, &(struct wish){ .kind = EDIT_QUARANTINE, .value = reason });
}

static bool
host_auth_result(struct mr_ctx *ctx, const char *method, const char *result,
    const char *reason, const struct mr_auth_property *props, uint32_t count)
{
	struct call *c = call_of(ctx);
	struct message *m = c->session->message;
	struct authres_result *grown, one;
	const char *why;

	if (m == NULL)
		return misbehaves(c, "auth_result", "no message is open");
	if (!authres_check(
		m->arena, method, result, reason, props, count, &one, &why))
		return misbehaves(c, "auth_result", why);
	/* A message that is only observed bears no word of it. */
	if (c->observed)
		return note_observed(
		    c, arena_printf(m->arena, "result %s=%s", method, result));
	one.by = c->instance->conf->name;
	grown = arena_alloc(m->arena, (m->nauth + 1) * sizeof(*grown));
	if (m->nauth > 0)
		memcpy(grown, m->auth, m->nauth * sizeof(*grown));
	grown[m->nauth++] = one;
	m->auth = grown;
	return true;
}

static const char *
host_header(struct mr_ctx *ctx, const char *name, uint32_t nth)
{
	const struct message *m = call_of(ctx)->session->message;

	return m != NULL ? edit_header(m->edits, name, nth) : NULL;
}

static bool
host_header_at(
    struct mr_ctx *ctx, uint32_t index, const char **name, const char **value)
{
	const struct message *m = call_of(ctx)->session->message;

	return m != NULL && edit_header_at(m->edits, index, name, value);
}

static const void *
host_body(struct mr_ctx *ctx, size_t *len)
{
	const struct call *c = call_of(ctx);
	const struct message *m = c->session->message;

	if (m == NULL || c->stage != STAGE_EOM ||
	    (c->instance->needs.wants & MR_WANT_BODY) == 0)
		return NULL;
	*len = m->body.n;
	return m->body.p != NULL ? m->body.p : ""; /* given, and empty */
}

static const char *
host_macro(struct mr_ctx *ctx, const char *name)
{
	const struct session *s = call_of(ctx)->session;
	const char *value = NULL;

	if (s->message != NULL)
		value = macro_get(&s->message->macros, name);
	return value != NULL ? value : macro_get(&s->macros, name);
}

static bool
host_note_set(struct mr_ctx *ctx, const char *key, const char *value)
{
	struct call *c = call_of(ctx);
	struct message *m = c->session->message;
	struct note *n;

	if (m == NULL || key == NULL || value == NULL)
		return misbehaves(c, "note_set", "no message is open");
	n = arena_alloc(m->arena, sizeof(*n));
	n->key = arena_copy(m->arena, key);
	n->value = arena_copy(m->arena, value);
	n->next = m->notes; /* the newest is found first */
	m->notes = n;
	return true;
}

static const char *
host_note(struct mr_ctx *ctx, const char *key)
{
	const struct message *m = call_of(ctx)->session->message;

	if (m == NULL)
		return NULL;
	for (const struct note *n = m->notes; n != NULL; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n->value;
	return NULL;
}

static void *
host_alloc(struct mr_ctx *ctx, size_t n)
{
	return arena_alloc(session_scope(call_of(ctx)->session), n);
}

static bool
host_symbol_at(struct mr_ctx *ctx, uint32_t index, struct mr_symbol *out)
{
	const struct record_symbol *s =
	    symbols_here(call_of(ctx)->session)->first;

	while (s != NULL && index-- > 0)
		s = s->next;
	if (s == NULL)
		return false;
	*out = (struct mr_symbol){ .name = s->name,
		.detail = s->detail,
		.by = s->by,
		.score = s->score,
		.observed = s->observed };
	return true;
}

static int64_t
host_time_left(struct mr_ctx *ctx)
{
	int64_t left = call_of(ctx)->until_us - clock_steady_us();

	return left > 0 ? left / 1000 : 0;
}

const struct mr_host host_table = {
	.abi = MR_ABI,
	.size = sizeof(struct mr_host),
	.product = PRODUCT,
	.service = host_service,
	.log = host_log,
	.config_error = host_config_error,
	.reply = host_reply,
	.symbol = host_symbol,
	.score = host_score,
	.add_header = host_add_header,
	.insert_header = host_insert_header,
	.change_header = host_change_header,
	.delete_header = host_delete_header,
	.change_sender = host_change_sender,
	.add_recipient = host_add_recipient,
	.delete_recipient = host_delete_recipient,
	.replace_body = host_replace_body,
	.quarantine = host_quarantine,
	.auth_result = host_auth_result,
	.header = host_header,
	.header_at = host_header_at,
	.body = host_body,
	.macro = host_macro,
	.note_set = host_note_set,
	.note = host_note,
	.alloc = host_alloc,
	.symbol_at = host_symbol_at,
	.time_left = host_time_left,
};
