/* SPDX-License-Identifier: Apache-2.0 */
#include "command/drive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/memory.h"
#include "command/message_file.h"
#include "front/ids.h"
#include "millrace/plugin.h"

enum { CHUNK = 65535, HOST_NAME = 256, ARENA = 4096 };

struct drive {
	const struct drive_envelope *envelope;
	const struct chain *chain;
	struct session *session;
	struct arena *arena;
	char host[HOST_NAME];
	/* Of the event that is being told: name, value, ..., NULL. */
	const char **macros;
	size_t nmacros;
};

/* A macro's name with braces or without is the same macro. */
static bool
is_named(const char *pair, const char *name)
{
	struct span a = { pair, strcspn(pair, "=") }, b = span_of(name);

	if (a.n > 1 && a.p[0] == '{' && a.p[a.n - 1] == '}')
		a = (struct span){ a.p + 1, a.n - 2 };
	return span_equal(a, b);
}

static bool
is_given(const struct drive *d, const char *name)
{
	for (size_t i = 0; i < d->envelope->macros.count; i++)
		if (is_named(d->envelope->macros.items[i], name))
			return true;
	return false;
}

static void
put_pair(struct drive *d, const char *name, const char *value)
{
	d->macros[d->nmacros++] = name;
	d->macros[d->nmacros++] = value;
	d->macros[d->nmacros] = NULL;
}

/* What the user gave takes the place of what we would say. */
static void
put_macro(struct drive *d, const char *name, const char *value)
{
	if (value != NULL && !is_given(d, name))
		put_pair(d, name, value);
}

static void
put_given(struct drive *d)
{
	for (size_t i = 0; i < d->envelope->macros.count; i++) {
		const char *pair = d->envelope->macros.items[i];
		size_t n = strcspn(pair, "=");

		put_pair(d, arena_copy_span(d->arena, (struct span){ pair, n }),
		    pair + n + 1);
	}
}

static void
begin_macros(struct drive *d)
{
	enum { OURS = 16 };

	d->macros = arena_alloc(d->arena,
	    (2 * (d->envelope->macros.count + OURS) + 1) * sizeof(char *));
	d->nmacros = 0;
}

static enum answer_kind
tell(struct drive *d, struct event *e)
{
	struct answer answer;

	if (d->macros != NULL && d->nmacros > 0)
		e->macros = d->macros;
	session_event(d->session, e, &answer);
	d->nmacros = 0;
	return answer.kind;
}

static bool
ends_it(enum answer_kind k)
{
	return k == ANSWER_REJECT || k == ANSWER_TEMPFAIL ||
	       k == ANSWER_DISCARD;
}

static const char *
reverse_name(const struct drive *d)
{
	if (d->envelope->rdns != NULL)
		return d->envelope->rdns;
	if (strcmp(d->envelope->ip, "local") == 0)
		return "localhost";
	if (strcmp(d->envelope->ip, "unknown") == 0)
		return "unknown";
	return arena_printf(d->arena, "[%s]", d->envelope->ip);
}

static bool
tell_connect(struct drive *d)
{
	const struct drive_envelope *v = d->envelope;
	struct event e = { .stage = STAGE_CONNECT, .text = reverse_name(d) };

	if (strcmp(v->ip, "local") == 0)
		e.local = true;
	if (strcmp(v->ip, "unknown") != 0)
		e.value = v->ip;
	begin_macros(d);
	put_macro(d, "j", d->host);
	put_macro(d, "daemon_name", d->chain->listener->name);
	put_macro(d, "client_name", e.text);
	put_macro(d, "client_addr", e.value);
	put_macro(d, "client_resolve", v->rdns != NULL ? "OK" : "FAIL");
	put_given(d);
	return !ends_it(tell(d, &e));
}

static bool
tell_helo(struct drive *d)
{
	const char *helo = d->envelope->helo;
	struct event e = { .stage = STAGE_HELO,
		.text = helo != NULL ? helo : reverse_name(d) };

	return !ends_it(tell(d, &e));
}

/* "a@example.com SIZE=100": an address, and its arguments after blanks. */
static void
split_address(struct drive *d, const char *in, struct event *e)
{
	char *copy = arena_copy(d->arena, in), *save = NULL, *word;
	const char **args =
	    arena_alloc(d->arena, (strlen(in) + 2) * sizeof(*args));
	size_t n = 0;

	word = strtok_r(copy, " ", &save);
	if (word == NULL)
		e->text = "<>";
	else
		e->text = word[0] == '<' ? word
					 : arena_printf(d->arena, "<%s>", word);
	while ((word = strtok_r(NULL, " ", &save)) != NULL)
		args[n++] = word;
	e->args = args;
}

/* The address as macros have it. */
static const char *
without_brackets(struct drive *d, const char *text)
{
	return arena_copy_span(
	    d->arena, (struct span){ text + 1, strcspn(text + 1, ">") });
}

static bool
tell_mail(struct drive *d, const char *id)
{
	const struct drive_envelope *v = d->envelope;
	struct event e = { .stage = STAGE_MAIL, .message_id = id };

	split_address(d, v->from, &e);
	begin_macros(d);
	put_macro(d, "i", "CHECK");
	put_macro(d, "mail_addr", without_brackets(d, e.text));
	put_macro(d, "auth_authen", v->auth);
	put_macro(d, "auth_type", v->auth != NULL ? "PLAIN" : NULL);
	put_given(d);
	return !ends_it(tell(d, &e));
}

/* True if at least one recipient is left. */
static bool
tell_recipients(struct drive *d)
{
	size_t left = 0;

	for (size_t i = 0; i < d->envelope->rcpt.count; i++) {
		struct event e = { .stage = STAGE_RCPT };
		enum answer_kind k;

		split_address(d, d->envelope->rcpt.items[i], &e);
		begin_macros(d);
		put_macro(d, "rcpt_addr", without_brackets(d, e.text));
		k = tell(d, &e);
		if (k == ANSWER_DISCARD)
			return false;
		left += !ends_it(k);
	}
	return left > 0;
}

static bool
tell_headers(struct drive *d, struct span *message)
{
	struct span name, raw;
	bool go_on = true;

	while (message_file_field(message, &name, &raw)) {
		struct buf value = { 0 };
		char *n = arena_copy_span(d->arena, name);

		message_file_value(&value, raw);
		/* Like an MTA, only if somebody wants to have them. */
		if (go_on && d->chain->needs.wants & MR_WANT_HEADERS)
			go_on = !ends_it(
			    tell(d, &(struct event){ .stage = STAGE_HEADER,
					.text = n,
					.value = value.p }));
		buf_finish(&value);
	}
	return go_on &&
	       !ends_it(tell(d, &(struct event){ .stage = STAGE_EOH }));
}

static void
tell_body(struct drive *d, struct span whole)
{
	struct span rest = whole;
	enum answer_kind k = ANSWER_CONTINUE;

	if ((d->chain->needs.wants & MR_WANT_BODY) == 0)
		rest = whole = (struct span){ NULL, 0 };
	while (rest.n > 0 && k == ANSWER_CONTINUE) {
		struct span chunk = { rest.p, rest.n < CHUNK ? rest.n : CHUNK };

		k = tell(
		    d, &(struct event){ .stage = STAGE_BODY, .bytes = chunk });
		rest.p += chunk.n;
		rest.n -= chunk.n;
	}
	if (!ends_it(k))
		tell(d, &(struct event){ .stage = STAGE_EOM, .bytes = whole });
}

static void
tell_data(struct drive *d, struct span message)
{
	struct buf body = { 0 };

	if (ends_it(tell(d, &(struct event){ .stage = STAGE_DATA })))
		return;
	message_file_begin(&message);
	if (!tell_headers(d, &message))
		return;
	message_file_body(&body, message);
	tell_body(d, (struct span){ body.p, body.n });
	session_rest(d->session); /* its strings may lie in the body */
	buf_finish(&body);
}

void
drive_message(struct core *core, const struct chain *chain,
    const struct drive_envelope *envelope, struct span message)
{
	struct drive d = { .envelope = envelope, .chain = chain };
	char id[IDS_MESSAGE];

	ids_message(id);
	if (gethostname(d.host, sizeof(d.host) - 1) == -1)
		strcpy(d.host, "localhost");
	d.arena = arena_create(ARENA);
	d.session = session_create(core, chain, ids_session());
	if (tell_connect(&d) && tell_helo(&d) && tell_mail(&d, id) &&
	    tell_recipients(&d))
		tell_data(&d, message);
	session_rest(d.session);
	session_destroy(&d.session, false);
	arena_destroy(&d.arena);
}
