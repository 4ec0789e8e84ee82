/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ask each instance in the order of the config.  The first that decides
 * ends the round; one in observe mode is asked, recorded and overruled.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/scope.h"

/* One row a stage: call the plugin with what the event brought. */
struct question {
	const struct event *event;
	const char *address; /* mail, rcpt: without brackets */
};

static mr_verdict
ask_connect(
    const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	(void)q;
	return p->on_connect(c);
}

static mr_verdict
ask_helo(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_helo(c, q->event->text);
}

static mr_verdict
ask_mail(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_mail(c, q->address, q->event->args);
}

static mr_verdict
ask_rcpt(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_rcpt(c, q->address, q->event->args);
}

static mr_verdict
ask_data(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	(void)q;
	return p->on_data(c);
}

static mr_verdict
ask_unknown(
    const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_unknown(c, q->event->text);
}

static mr_verdict
ask_header(
    const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_header(c, q->event->text, q->event->value);
}

static mr_verdict
ask_eoh(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	(void)q;
	return p->on_eoh(c);
}

static mr_verdict
ask_body(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	return p->on_body(c, q->event->bytes.p, q->event->bytes.n);
}

static mr_verdict
ask_eom(const struct mr_plugin *p, struct mr_ctx *c, const struct question *q)
{
	(void)q;
	return p->on_eom(c);
}

typedef mr_verdict ask(
    const struct mr_plugin *, struct mr_ctx *, const struct question *);

/* What may be answered: a refusal makes sense everywhere, the rest not. */
enum {
	ANY_STAGE = 1 << MR_CONTINUE | 1 << MR_SKIP | 1 << MR_ACCEPT |
		    1 << MR_REJECT | 1 << MR_TEMPFAIL | 1 << MR_ERROR,
	IN_MESSAGE = ANY_STAGE | 1 << MR_DISCARD | 1 << MR_QUARANTINE
};

static const struct {
	ask *ask;
	unsigned verdicts;
} stages[STAGE_COUNT] = {
	[STAGE_CONNECT] = { ask_connect, ANY_STAGE },
	[STAGE_HELO] = { ask_helo, ANY_STAGE },
	[STAGE_MAIL] = { ask_mail, IN_MESSAGE },
	[STAGE_RCPT] = { ask_rcpt, IN_MESSAGE },
	[STAGE_DATA] = { ask_data, IN_MESSAGE },
	[STAGE_UNKNOWN] = { ask_unknown, ANY_STAGE },
	[STAGE_HEADER] = { ask_header, IN_MESSAGE },
	[STAGE_EOH] = { ask_eoh, IN_MESSAGE },
	[STAGE_BODY] = { ask_body, IN_MESSAGE },
	[STAGE_EOM] = { ask_eom, IN_MESSAGE },
};

static struct record_step *
add_step(struct call *call, mr_verdict verdict, uint32_t us)
{
	struct session *s = call->session;
	bool lasting = s->message != NULL;
	struct steps *steps = lasting ? &s->message->steps : &s->steps;
	struct record_step *step = arena_alloc(session_scope(s), sizeof(*step));

	step->stage = call->stage;
	step->instance = call->instance->conf->name;
	step->verdict = verdict;
	step->observed = call->observed;
	step->us = us;
	if (call->replied)
		step->detail = arena_printf(session_scope(s), "%u %s %s",
		    call->reply.code, call->reply.dsn, call->reply.text);
	if (steps->end == NULL)
		steps->end = &steps->first;
	*steps->end = step;
	steps->end = &step->next;
	return step;
}

/* The state a plugin has in this scope; the first question makes it. */
static void *
state_of(struct arena *arena, void **slot, size_t size)
{
	if (*slot == NULL)
		*slot = arena_alloc(arena, size > 0 ? size : 1);
	return *slot;
}

void
call_prepare(struct call *call)
{
	struct session *s = call->session;
	struct message *m = s->message;
	const struct instance *i = call->instance;
	struct mr_ctx *ctx = &call->ctx;

	ctx->host = &i->host;
	ctx->client = &s->client;
	ctx->self = i->self;
	ctx->session = state_of(
	    s->arena, &s->states[call->place], i->plugin->session_size);
	ctx->dry_run = s->core->settings.dry_run;
	ctx->listener = s->chain->listener->name;
	if (m == NULL)
		return;
	ctx->message = state_of(
	    m->arena, &m->states[call->place], i->plugin->message_size);
	ctx->message_id = m->id;
	ctx->queue_id = macro_get(&m->macros, "i");
	ctx->sender = m->sender;
	ctx->recipients = m->recipients;
}

static int64_t
deadline_of(const struct instance *i, enum stage stage)
{
	return stage == STAGE_EOM ? i->conf->common.eom_deadline
				  : i->conf->common.deadline;
}

/* Call the plugin between enter and leave.  False: the session is lost. */
static bool
call_plugin(struct call *call, const struct question *q, mr_verdict *verdict)
{
	struct session *s = call->session;
	const struct core_watch *w = s->core->settings.watch;
	const struct instance *i = call->instance;
	int64_t began = clock_steady_us();
	int64_t deadline = deadline_of(i, call->stage);
	uint32_t us;
	mr_verdict v;

	call_prepare(call);
	call->until_us = began + deadline * 1000;
	if (w != NULL)
		w->enter(w->arg, i->index, call->stage, s->id,
		    call->ctx.message_id, deadline);
	v = stages[call->stage].ask(i->plugin, &call->ctx, q);
	us = (uint32_t)(clock_steady_us() - began);
	if (w != NULL && !w->leave(w->arg, i->index, v, us)) {
		s->lost = true;
		return false;
	}
	if (v < 0 || v > MR_ERROR ||
	    (stages[call->stage].verdicts & 1u << v) == 0 ||
	    (v == MR_QUARANTINE &&
		(i->needs.actions & MR_ACTION_QUARANTINE) == 0)) {
		log_warn("instance %s misbehaves: verdict %d at %s",
		    i->conf->name, v, stage_name(call->stage));
		v = MR_ERROR;
	}
	add_step(call, v, us);
	*verdict = v;
	return true;
}

/* The instance is not to be asked: what stands for its answer, and why. */
static const char *
out_of_order(const struct session *s, const struct instance *i)
{
	const struct core_watch *w = s->core->settings.watch;

	if (s->faulted >> i->index & 1)
		return "it brought a worker down: on-error";
	if (w != NULL && w->off(w->arg, i->index))
		return "switched off: on-error";
	return NULL;
}

static mr_verdict
on_error(const struct instance *i, struct reply *reply)
{
	static const struct reply later = { 451, "4.3.0",
		"Temporary filter problem, please try again later" };
	static const struct reply never = { 550, "5.3.0",
		"Refused: a mail filter failed" };

	switch (i->conf->common.on_error) {
	case ON_ERROR_TEMPFAIL:
		*reply = later;
		return MR_TEMPFAIL;
	case ON_ERROR_REJECT:
		*reply = never;
		return MR_REJECT;
	default:
		return MR_CONTINUE;
	}
}

static void
default_reply(mr_verdict verdict, struct reply *reply)
{
	static const struct reply refused = { 550, "5.7.1",
		"Refused by policy" };
	static const struct reply later = { 451, "4.7.1",
		"Please try again later" };

	*reply = verdict == MR_REJECT ? refused : later;
}

/* The reply a plugin set counts only if its class fits the verdict. */
static struct reply
reply_for(struct call *call, mr_verdict verdict)
{
	struct reply reply = call->reply;

	if (verdict != MR_REJECT && verdict != MR_TEMPFAIL)
		return (struct reply){ 0 };
	if (!call->replied ||
	    (reply.code / 100 == 5) != (verdict == MR_REJECT)) {
		if (call->replied)
			log_warn("instance %s misbehaves: reply %u with "
				 "verdict %s",
			    call->instance->conf->name, reply.code,
			    verdict_name(verdict));
		default_reply(verdict, &reply);
	}
	return reply;
}

/*
 * Ask one instance.  True: go on with the next; false: *out is decided or
 * the session is lost.
 */
static bool
run_one(struct call *call, const struct question *q, struct decision *out)
{
	const struct instance *i = call->instance;
	const char *why = out_of_order(call->session, i);
	mr_verdict v = MR_ERROR;
	struct reply reply;

	if (why != NULL)
		add_step(call, MR_ERROR, 0)->detail = why;
	else if (!call_plugin(call, q, &v))
		return false;
	if (v == MR_ERROR)
		v = on_error(i, &reply);
	else
		reply = reply_for(call, v);
	if (v == MR_SKIP && call->session->message != NULL)
		call->session->message->skip |= UINT64_C(1) << call->place;
	if (v == MR_CONTINUE || v == MR_SKIP || call->observed)
		return true;
	*out = (struct decision){ v, i, reply };
	return false;
}

static bool
wants_stage(const struct session *s, unsigned place, const struct event *e)
{
	const struct instance *i = s->chain->items[place];

	if ((i->needs.stages & STAGE_BIT(e->stage)) == 0)
		return false;
	if (s->message != NULL && s->message->skip >> place & 1)
		return false;
	return !e->rejected || i->needs.wants & MR_WANT_REJECTED_RCPT;
}

bool
stage_run(struct session *s, const struct event *e, const char *address,
    struct decision *out)
{
	const struct question q = { e, address };
	const char *rcpt = e->stage == STAGE_RCPT ? address : NULL;

	*out = (struct decision){ .verdict = MR_CONTINUE };
	for (unsigned place = 0; place < s->chain->count; place++) {
		const struct instance *i = s->chain->items[place];
		struct call call = {
			.session = s,
			.instance = i,
			.place = place,
			.stage = e->stage,
			.observed = i->conf->common.mode == MODE_OBSERVE,
		};

		if (!wants_stage(s, place, e) || !applies(i, s, e->stage, rcpt))
			continue;
		if (!run_one(&call, &q, out))
			return !s->lost;
	}
	return true;
}
