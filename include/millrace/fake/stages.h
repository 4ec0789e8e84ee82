/* SPDX-License-Identifier: Apache-2.0 */
/* Part of <millrace/fake.h>: what a test calls, in the order of SMTP. */
#ifndef MR_FAKE_STAGES_H
#define MR_FAKE_STAGES_H

static const struct mr_host fake_host = {
	.abi = MR_ABI,
	.size = sizeof(struct mr_host),
	.product = "millrace fake",
	.service = fake_host_service,
	.log = fake_host_log,
	.config_error = fake_host_config_error,
	.reply = fake_host_reply,
	.symbol = fake_host_symbol,
	.score = fake_host_score,
	.add_header = fake_host_add_header,
	.insert_header = fake_host_insert_header,
	.change_header = fake_host_change_header,
	.delete_header = fake_host_delete_header,
	.change_sender = fake_host_change_sender,
	.add_recipient = fake_host_add_recipient,
	.delete_recipient = fake_host_delete_recipient,
	.replace_body = fake_host_replace_body,
	.quarantine = fake_host_quarantine,
	.auth_result = fake_host_auth_result,
	.header = fake_host_header,
	.header_at = fake_host_header_at,
	.body = fake_host_body,
	.macro = fake_host_macro,
	.note_set = fake_host_note_set,
	.note = fake_host_note,
	.alloc = fake_host_alloc,
	.symbol_at = fake_host_symbol_at,
	.time_left = fake_host_time_left,
};

/* A plugin with the defaults of its options, and a client to ask about. */
MR_FAKE void
fake_init(struct fake *f, const struct mr_plugin *plugin)
{
	memset(f, 0, sizeof(*f));
	f->plugin = plugin;
	f->host = fake_host;
	f->conf = fake_alloc(&f->kept, plugin->conf_size);
	fake_set_defaults(f);
	f->client.name = "client.example.com";
	f->client.addr = "192.0.2.1";
	f->client.port = 25000;
	f->time_left = 5000;
	f->ctx.listener = "mx";
	f->ctx.host = &f->host;
	f->ctx.client = &f->client;
}

/* Each stage with a callback is in plan.stages before plan() is asked. */
MR_FAKE uint32_t
fake_callbacks(const struct mr_plugin *p)
{
	return (p->on_connect ? MR_STAGE_CONNECT : 0u) |
	       (p->on_helo ? MR_STAGE_HELO : 0u) |
	       (p->on_mail ? MR_STAGE_MAIL : 0u) |
	       (p->on_rcpt ? MR_STAGE_RCPT : 0u) |
	       (p->on_data ? MR_STAGE_DATA : 0u) |
	       (p->on_unknown ? MR_STAGE_UNKNOWN : 0u) |
	       (p->on_header ? MR_STAGE_HEADER : 0u) |
	       (p->on_eoh ? MR_STAGE_EOH : 0u) |
	       (p->on_body ? MR_STAGE_BODY : 0u) |
	       (p->on_eom ? MR_STAGE_EOM : 0u);
}

MR_FAKE void
fake_plan_macros(struct mr_plan *plan, uint32_t stage, const char *names)
{
	union {
		struct mr_plan *in;
		char *out;
	} at = { .in = plan };
	struct fake *f =
	    (struct fake *)(void *)(at.out - offsetof(struct fake, plan));

	fake_note_down(f, "macros %u %s", stage, names);
}

/* plan() and open(); "macros STAGE NAMES" and "config_error ..." are noted. */
MR_FAKE bool
fake_open(struct fake *f)
{
	const struct mr_plugin *p = f->plugin;

	f->plan = (struct mr_plan){ .stages = fake_callbacks(p),
		.actions = p->actions,
		.wants = p->wants,
		.macros = fake_plan_macros,
		.first = f->first != 0 ? f->first : MR_STAGE_CONNECT };
	if (p->plan != NULL)
		p->plan(f->conf, &f->plan);
	f->plan.stages &= fake_callbacks(p);
	f->ctx.self = f->conf;
	f->opened = p->open == NULL || p->open(&f->host, f->conf, &f->ctx.self);
	f->ctx.session = fake_alloc(&f->session, p->session_size);
	return f->opened;
}

MR_FAKE bool
fake_asks(struct fake *f, uint32_t stage)
{
	if (!f->opened)
		fake_broken("no instance", "fake_open() was not called");
	return (f->plan.stages & stage) != 0 && !(f->in_message && f->skip);
}

MR_FAKE mr_verdict
fake_answered(struct fake *f, mr_verdict v)
{
	if (v == MR_SKIP && f->in_message)
		f->skip = true;
	return v;
}

/* The end of a message: fake_mail() and fake_finish() call it as aborted. */
MR_FAKE void
fake_end(struct fake *f, mr_outcome outcome)
{
	if (!f->in_message)
		return;
	if (f->plugin->message_end != NULL)
		f->plugin->message_end(&f->ctx, outcome);
	f->in_message = f->skip = false;
	f->nfields = f->nrecipients = f->nnotes = 0;
	f->score = f->session_score;
	f->ctx.message = NULL;
	f->ctx.message_id = f->ctx.sender = NULL;
	f->ctx.recipients = NULL;
	free(f->body);
	f->body = NULL;
	f->body_size = 0;
	f->content = NULL;
	fake_free(&f->message);
}

MR_FAKE mr_verdict
fake_connect(struct fake *f)
{
	if (!fake_asks(f, MR_STAGE_CONNECT))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_connect(&f->ctx));
}

MR_FAKE mr_verdict
fake_helo(struct fake *f, const char *name)
{
	fake_end(f, MR_OUTCOME_ABORTED);
	f->client.helo = fake_copy(&f->session, name);
	if (!fake_asks(f, MR_STAGE_HELO))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_helo(&f->ctx, name));
}

MR_FAKE mr_verdict
fake_mail(struct fake *f, const char *from)
{
	static const char *const args[] = { NULL };

	fake_end(f, MR_OUTCOME_ABORTED);
	f->in_message = true;
	f->recipients[0] = NULL;
	f->ctx.message = fake_alloc(&f->message, f->plugin->message_size);
	f->ctx.message_id = "fake-1";
	f->ctx.sender = fake_copy(&f->message, from);
	f->ctx.recipients = f->recipients;
	if (!fake_asks(f, MR_STAGE_MAIL))
		return MR_CONTINUE;
	return fake_answered(
	    f, f->plugin->on_mail(&f->ctx, f->ctx.sender, args));
}

MR_FAKE mr_verdict
fake_rcpt(struct fake *f, const char *to)
{
	static const char *const args[] = { NULL };
	mr_verdict v = MR_CONTINUE;

	to = fake_copy(&f->message, to);
	if (fake_asks(f, MR_STAGE_RCPT))
		v = fake_answered(f, f->plugin->on_rcpt(&f->ctx, to, args));
	if (v == MR_REJECT || v == MR_TEMPFAIL)
		return v;
	if (f->nrecipients == FAKE_RECIPIENTS)
		fake_broken("too many recipients", to);
	f->recipients[f->nrecipients++] = to;
	f->recipients[f->nrecipients] = NULL;
	return v;
}

MR_FAKE mr_verdict
fake_data(struct fake *f)
{
	if (!fake_asks(f, MR_STAGE_DATA))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_data(&f->ctx));
}

MR_FAKE mr_verdict
fake_unknown(struct fake *f, const char *command)
{
	if (!fake_asks(f, MR_STAGE_UNKNOWN))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_unknown(&f->ctx, command));
}

/* value: without the blank after the colon; folds as LF and a blank */
MR_FAKE mr_verdict
fake_header(struct fake *f, const char *name, const char *value)
{
	fake_field_put(f, f->nfields, name, value);
	if (!fake_asks(f, MR_STAGE_HEADER))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_header(&f->ctx, name,
				    f->fields[f->nfields - 1].value));
}

MR_FAKE mr_verdict
fake_eoh(struct fake *f)
{
	if (!fake_asks(f, MR_STAGE_EOH))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_eoh(&f->ctx));
}

MR_FAKE mr_verdict
fake_body(struct fake *f, const void *bytes, size_t len)
{
	f->body = realloc(f->body, f->body_size + len + 1);
	if (f->body == NULL)
		fake_broken("memory", "there is none");
	memcpy(f->body + f->body_size, bytes, len);
	f->body_size += len;
	if (!fake_asks(f, MR_STAGE_BODY))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_body(&f->ctx, bytes, len));
}

/* Follow it with fake_end() and the outcome that the test is about. */
MR_FAKE mr_verdict
fake_eom(struct fake *f)
{
	if (!fake_asks(f, MR_STAGE_EOM))
		return MR_CONTINUE;
	return fake_answered(f, f->plugin->on_eom(&f->ctx));
}

/* The end of message, session and instance. */
MR_FAKE void
fake_finish(struct fake *f)
{
	fake_end(f, MR_OUTCOME_ABORTED);
	if (f->opened && f->plugin->session_end != NULL)
		f->plugin->session_end(&f->ctx);
	fake_free(&f->session);
	if (f->opened && f->plugin->close != NULL)
		f->plugin->close(f->ctx.self);
	fake_free(&f->kept);
	fake_forget(f);
}

#endif
