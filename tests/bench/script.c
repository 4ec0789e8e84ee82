/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <err.h>
#include <libmilter/mfapi.h>
#include <stdlib.h>
#include <string.h>

#define AT(stage)   (1u << (stage))
#define ENVELOPE    (AT(SMFIM_ENVFROM) | AT(SMFIM_ENVRCPT))
#define ANY_STAGE   (~0u)
#define WITH_QUEUED (AT(SMFIM_DATA) | AT(SMFIM_EOH) | AT(SMFIM_EOM))

/* What the options replace. */
#define CLIENT    "192.0.2.7"
#define SENDER    "sender@example.com"
#define RECIPIENT "recipient@example.org"
#define LOGIN     "user"

/* The macros that Postfix has a value for, and where it still has it. */
static const struct macro {
	const char *name, *value;
	unsigned stages, by_default;
} macros[] = {
	{ "j", "mx.example.org", ANY_STAGE, AT(SMFIM_CONNECT) },
	{ "daemon_name", "mx.example.org", ANY_STAGE, AT(SMFIM_CONNECT) },
	{ "daemon_addr", "198.51.100.25", ANY_STAGE, AT(SMFIM_CONNECT) },
	{ "daemon_port", "25", ANY_STAGE, 0 },
	{ "v", "Postfix 3.7.11", ANY_STAGE, AT(SMFIM_CONNECT) },
	{ "_", "client.example.com [192.0.2.7]", ANY_STAGE, AT(SMFIM_CONNECT) },
	{ "client_addr", CLIENT, ANY_STAGE, 0 },
	{ "client_name", "client.example.com", ANY_STAGE, 0 },
	{ "client_ptr", "client.example.com", ANY_STAGE, 0 },
	{ "client_port", "49152", ANY_STAGE, 0 },
	{ "client_resolve", "OK", ANY_STAGE, 0 },
	{ "client_connections", "1", AT(SMFIM_CONNECT), 0 },
	{ "auth_authen", LOGIN "0000000", AT(SMFIM_ENVFROM) | WITH_QUEUED,
	    AT(SMFIM_ENVFROM) },
	{ "auth_type", "PLAIN", AT(SMFIM_ENVFROM), AT(SMFIM_ENVFROM) },
	{ "mail_addr", SENDER, ENVELOPE, AT(SMFIM_ENVFROM) },
	{ "mail_host", "example.com", ENVELOPE, AT(SMFIM_ENVFROM) },
	{ "mail_mailer", "smtp", ENVELOPE, AT(SMFIM_ENVFROM) },
	{ "rcpt_addr", RECIPIENT, AT(SMFIM_ENVRCPT), AT(SMFIM_ENVRCPT) },
	{ "rcpt_host", "example.org", AT(SMFIM_ENVRCPT), AT(SMFIM_ENVRCPT) },
	{ "rcpt_mailer", "smtp", AT(SMFIM_ENVRCPT), AT(SMFIM_ENVRCPT) },
	{ "i", "000000000000", WITH_QUEUED, WITH_QUEUED },
};

static const char *const headers[][2] = {
	{ "Received",
	    "from client.example.com (client.example.com [192.0.2.7])\n"
	    "\tby relay.example.com (Postfix) with ESMTPS id 000000000000\n"
	    "\tfor <recipient@example.org>; Mon, 6 Jan 2025 10:00:00 +0000" },
	{ "From", "A Sender <sender@example.com>" },
	{ "To", "A Recipient <recipient@example.org>" },
	{ "Subject", "Minutes of Monday's meeting" },
	{ "Date", "Mon, 6 Jan 2025 10:00:00 +0000" },
	{ "Message-ID", "<20250106100000.1234@client.example.com>" },
	{ "MIME-Version", "1.0" },
	{ "Content-Type", "text/plain; charset=utf-8" },
	{ "Content-Transfer-Encoding", "8bit" },
	{ "User-Agent", "Mailer/1.0" },
};
enum { NHEADERS = sizeof(headers) / sizeof(headers[0]) };

struct build {
	struct script *script;
	const struct negotiated *n;
	const struct script_options *o;
};

static const char *
given(const char *value, const char *otherwise)
{
	return value != NULL ? value : otherwise;
}

static void
put_brackets(struct buffer *out, const char *address)
{
	buffer_put(out, "<", 1);
	buffer_put(out, address, strlen(address));
	buffer_put_string(out, ">");
}

/*
 * A payload writer appends the i-th packet's payload of its event; false
 * when there is no such packet.
 */
typedef bool payload(struct build *, struct buffer *, size_t i);

static bool
put_nothing(struct build *b, struct buffer *out, size_t i)
{
	(void)b;
	(void)out;
	return i == 0;
}

static bool
put_connect(struct build *b, struct buffer *out, size_t i)
{
	static const char rest[] = { SMFIA_INET, '\xc0', '\x00' };

	if (i > 0)
		return false;
	buffer_put_string(out, "client.example.com");
	buffer_put(out, rest, sizeof(rest));
	buffer_put_string(out, given(b->o->client, CLIENT));
	return true;
}

static bool
put_helo(struct build *b, struct buffer *out, size_t i)
{
	(void)b;
	if (i > 0)
		return false;
	buffer_put_string(out, "client.example.com");
	return true;
}

static bool
put_mail(struct build *b, struct buffer *out, size_t i)
{
	if (i > 0)
		return false;
	put_brackets(out,
	    b->o->marked ? "slow@example.com" : given(b->o->sender, SENDER));
	buffer_put_string(out, "SIZE=5000");
	return true;
}

static bool
put_rcpt(struct build *b, struct buffer *out, size_t i)
{
	if (i > 0)
		return false;
	put_brackets(out, given(b->o->recipient, RECIPIENT));
	return true;
}

static bool
field(const struct build *b, size_t i, const char **name, const char **value)
{
	const struct letter *l = b->o->letter;

	if (l == NULL) {
		if (i >= NHEADERS)
			return false;
		*name = headers[i][0];
		*value = headers[i][1];
		return true;
	}
	if (l->fields[2 * i] == NULL)
		return false;
	*name = l->fields[2 * i];
	*value = l->fields[2 * i + 1];
	return true;
}

static bool
put_header(struct build *b, struct buffer *out, size_t i)
{
	const char *name, *value;

	if (!field(b, i, &name, &value))
		return false;
	buffer_put_string(out, name);
	if (b->n->protocol & SMFIP_HDR_LEADSPC)
		buffer_put(out, " ", 1);
	buffer_put_string(out, value);
	return true;
}

static bool
put_body(struct build *b, struct buffer *out, size_t i)
{
	static const char line[] =
	    "The quick brown fox jumps over the lazy dog, once more.\r\n";
	const struct letter *l = b->o->letter;
	size_t from = i * MILTER_CHUNK_SIZE;
	size_t size = l != NULL ? l->body.n : b->o->body;
	size_t left = from < size ? size - from : 0;

	if (left == 0)
		return false;
	if (left > MILTER_CHUNK_SIZE)
		left = MILTER_CHUNK_SIZE;
	if (l != NULL) {
		buffer_put(out, l->body.p + from, left);
		return true;
	}
	while (left > 0) {
		size_t n = left < sizeof(line) - 1 ? left : sizeof(line) - 1;

		buffer_put(out, line, n);
		left -= n;
	}
	return true;
}

static const struct event {
	char command;
	int macros;         /* SMFIM_* */
	uint32_t no, quiet; /* the filter's SMFIP_NO* and SMFIP_NR_* */
	payload *put;
} session_events[] = {
	{ SMFIC_CONNECT, SMFIM_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN,
	    put_connect },
	{ SMFIC_HELO, SMFIM_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, put_helo },
}, message_events[] = {
	{ SMFIC_MAIL, SMFIM_ENVFROM, SMFIP_NOMAIL, SMFIP_NR_MAIL, put_mail },
	{ SMFIC_RCPT, SMFIM_ENVRCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, put_rcpt },
	{ SMFIC_DATA, SMFIM_DATA, SMFIP_NODATA, SMFIP_NR_DATA, put_nothing },
	{ SMFIC_HEADER, SMFIM_EOH, SMFIP_NOHDRS, SMFIP_NR_HDR, put_header },
	{ SMFIC_EOH, SMFIM_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, put_nothing },
	{ SMFIC_BODY, SMFIM_EOM, SMFIP_NOBODY, SMFIP_NR_BODY, put_body },
	{ SMFIC_BODYEOB, SMFIM_EOM, 0, 0, put_nothing },
};

/* Is the name, braces or not, among those of a filter's list? */
static bool
listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	while (*list != '\0') {
		size_t skip = strspn(list, " ,\t{}");
		size_t len = strcspn(list + skip, " ,\t{}");

		if (len == n && strncmp(list + skip, name, n) == 0)
			return true;
		list += skip + len;
	}
	return false;
}

static bool
wanted(const struct build *b, const struct macro *m, int stage)
{
	const struct negotiated *n = b->n;

	if (!b->o->logins && strncmp(m->name, "auth_", 5) == 0)
		return false;
	if (n->macros[stage] != NULL)
		return (m->stages & AT(stage)) &&
		       listed(n->macros[stage], m->name);
	return (m->by_default & AT(stage)) != 0;
}

static void
put_name(struct buffer *out, const char *name)
{
	if (name[1] == '\0') {
		buffer_put_string(out, name);
		return;
	}
	buffer_put(out, "{", 1);
	buffer_put(out, name, strlen(name));
	buffer_put_string(out, "}");
}

static const char *
value_of(const struct build *b, const struct macro *m)
{
	if (strcmp(m->name, "client_addr") == 0)
		return given(b->o->client, m->value);
	if (strcmp(m->name, "mail_addr") == 0)
		return given(b->o->sender, m->value);
	if (strcmp(m->name, "rcpt_addr") == 0)
		return given(b->o->recipient, m->value);
	return m->value;
}

static void
add_macros(struct build *b, const struct event *e, struct step *step)
{
	struct buffer *out = &b->script->bytes;
	size_t begun = packet_begin(out, SMFIC_MACRO);
	size_t empty;

	buffer_put(out, &e->command, 1);
	empty = out->n;
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		const struct macro *m = &macros[i];

		if (!wanted(b, m, e->macros))
			continue;
		put_name(out, m->name);
		if (strcmp(m->name, "i") == 0)
			step->queue_id = out->n;
		if (strcmp(m->name, "auth_authen") == 0)
			step->login = out->n + strlen(LOGIN);
		buffer_put_string(out, value_of(b, m));
	}
	packet_end(out, begun);
	if (out->n == empty && !b->o->empty_macros)
		out->n = begun;
	step->macros_n = out->n - begun;
}

static void
add_event(struct build *b, const struct event *e)
{
	struct script *s = b->script;
	struct buffer *out = &s->bytes;

	if (b->n->protocol & e->no)
		return;
	for (size_t i = 0;; i++) {
		struct step step = { .command = e->command, .at = out->n };
		size_t begun;

		step.answered = (b->n->protocol & e->quiet) == 0;
		add_macros(b, e, &step);
		begun = packet_begin(out, e->command);
		if (!e->put(b, out, i)) {
			out->n = step.at;
			return;
		}
		packet_end(out, begun);
		step.n = out->n - step.at;
		s->steps = reallocarray(s->steps, s->n + 1, sizeof(*s->steps));
		if (s->steps == NULL)
			err(1, "out of memory");
		s->steps[s->n++] = step;
	}
}

void
script_init(struct script *s, const struct negotiated *n,
    const struct script_options *o)
{
	struct build b = { s, n, o };

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < 2; i++)
		add_event(&b, &session_events[i]);
	s->session_n = s->n;
	for (size_t i = 0;; i++) {
		add_event(&b, &message_events[i]);
		if (message_events[i].command == SMFIC_BODYEOB)
			break;
	}
}

void
script_finish(struct script *s)
{
	buffer_finish(&s->bytes);
	free(s->steps);
	*s = (struct script){ 0 };
}
