/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmilter's callbacks turned into events, and answers into its calls.  The
 * only file that includes libmilter; it decides nothing.
 *
 * libmilter promises little: close may be the only callback, connect may
 * come without negotiation, the client address may be NULL.
 */
#include "front/milter.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "base/log.h"
#include "base/memory.h"
#include "core/reply.h"
#include "front/guard.h"
#include "front/session.h"
#include "front/socket.h"
#include "front/spelling.h"

enum { IDLE_SECONDS = 7210, BACKLOG = 1024, MACROS_MAX = 64 };

/*
 * Of a packet.  Postfix passes header fields of 100 KB (header_size_limit);
 * libmilter alone takes 64 KB, and would end the session.
 */
enum { PACKET_MAX = 256 * 1024 - 1 };

/* One process serves one listener. */
static struct front *front;
static bool over_tcp;

/* What hangs on a libmilter context. */
struct mta {
	struct front_session *session;
	unsigned long protocol; /* SMFIP_* in force */
	bool leading_space;     /* values travel with the blank */
};

static struct mta *
mta_create(const struct plan_listener **needs)
{
	struct mta *m = memory_zalloc(sizeof(*m));

	m->session = front_session_create(front, needs);
	return m;
}

static struct mta *
mta_of(SMFICTX *ctx)
{
	struct mta *m = smfi_getpriv(ctx);
	const struct plan_listener *needs;

	if (m == NULL) {
		m = mta_create(&needs);
		smfi_setpriv(ctx, m);
	}
	return m;
}

/* Which action of ours needs which of the protocol's. */
static const struct {
	uint32_t ours;
	unsigned long theirs;
} actions[] = {
	{ MR_ACTION_ADD_HEADER, SMFIF_ADDHDRS },
	{ MR_ACTION_CHANGE_HEADER, SMFIF_CHGHDRS },
	{ MR_ACTION_CHANGE_SENDER, SMFIF_CHGFROM },
	{ MR_ACTION_ADD_RECIPIENT, SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR },
	{ MR_ACTION_DELETE_RECIPIENT, SMFIF_DELRCPT },
	{ MR_ACTION_REPLACE_BODY, SMFIF_CHGBODY },
	{ MR_ACTION_QUARANTINE, SMFIF_QUARANTINE },
};

/*
 * A stage of the protocol: the flag not to send it (0: it is always wanted,
 * for the record), the flag not to wait for a reply, libmilter's place for
 * its macros (-1: none).
 */
static const struct {
	unsigned long leave_out, no_reply;
	int macros;
} stages[STAGE_COUNT] = {
	[STAGE_CONNECT] = { 0, SMFIP_NR_CONN, SMFIM_CONNECT },
	[STAGE_HELO] = { 0, SMFIP_NR_HELO, SMFIM_HELO },
	[STAGE_MAIL] = { 0, SMFIP_NR_MAIL, SMFIM_ENVFROM },
	[STAGE_RCPT] = { 0, SMFIP_NR_RCPT, SMFIM_ENVRCPT },
	[STAGE_DATA] = { SMFIP_NODATA, SMFIP_NR_DATA, SMFIM_DATA },
	[STAGE_UNKNOWN] = { SMFIP_NOUNKNOWN, SMFIP_NR_UNKN, -1 },
	[STAGE_HEADER] = { SMFIP_NOHDRS, SMFIP_NR_HDR, -1 },
	[STAGE_EOH] = { SMFIP_NOEOH, SMFIP_NR_EOH, SMFIM_EOH },
	[STAGE_BODY] = { SMFIP_NOBODY, SMFIP_NR_BODY, -1 },
	[STAGE_EOM] = { 0, 0, SMFIM_EOM },
	[STAGE_ABORT] = { 0, 0, -1 },
};

static bool
is_wanted(const struct plan_listener *needs, enum stage stage)
{
	if (stage == STAGE_HEADER)
		return needs->wants & MR_WANT_HEADERS;
	if (stage == STAGE_BODY)
		return needs->wants & MR_WANT_BODY;
	return needs->stages & STAGE_BIT(stage);
}

/*
 * Where nothing can decide, the MTA need not wait for us, nor send it at all.
 * Over TCP it must: the MTAs leave Nagle's algorithm on, so two small packets
 * without an answer in between cost a delayed ACK, 44 ms a message; and
 * Postfix sends the macros of a stage even where we want no command.
 */
static unsigned long
protocol_for(const struct plan_listener *needs, unsigned long offered)
{
	unsigned long flags = 0;

	for (int s = 0; s < STAGE_COUNT; s++) {
		if (!is_wanted(needs, (enum stage)s) &&
		    !(over_tcp && stages[s].macros >= 0))
			flags |= stages[s].leave_out;
		if ((needs->stages & STAGE_BIT(s)) == 0 && !over_tcp)
			flags |= stages[s].no_reply;
	}
	if (needs->wants & MR_WANT_REJECTED_RCPT)
		flags |= SMFIP_RCPT_REJ;
	if (needs->stages & STAGE_BIT(STAGE_BODY))
		flags |= SMFIP_SKIP;
	if (needs->wants & MR_WANT_HEADERS)
		flags |= SMFIP_HDR_LEADSPC;
	return flags & offered;
}

/* What we ask for and the MTA has; the rest is said once in the log. */
static unsigned long
actions_for(struct plan_listener *needs, unsigned long offered)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if ((needs->actions & actions[i].ours) == 0)
			continue;
		flags |= actions[i].theirs & offered;
		if ((actions[i].theirs & offered) == 0) {
			needs->actions &= ~actions[i].ours;
			log_warn("the MTA offers no action 0x%lx, which the "
				 "chain of %s needs",
			    actions[i].theirs, needs->name);
		}
	}
	return flags | (offered & SMFIF_SETSYMLIST);
}

static void
ask_macros(SMFICTX *ctx, const struct plan_listener *needs)
{
	for (int s = 0; s < STAGE_COUNT; s++)
		if (stages[s].macros >= 0 && needs->macros[s][0] != '\0')
			smfi_setsymlist(ctx, stages[s].macros,
			    (char *)(uintptr_t)needs->macros[s]);
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *pf0, unsigned long *pf1,
    unsigned long *pf2, unsigned long *pf3)
{
	const struct plan_listener *wanted;
	struct plan_listener needs;
	struct mta *m = mta_create(&wanted);

	(void)f2;
	(void)f3;
	smfi_setpriv(ctx, m);
	needs = *wanted;
	*pf0 = actions_for(&needs, f0);
	*pf1 = m->protocol = protocol_for(&needs, f1);
	*pf2 = *pf3 = 0;
	m->leading_space = *pf1 & SMFIP_HDR_LEADSPC;
	if (*pf0 & SMFIF_SETSYMLIST)
		ask_macros(ctx, &needs);
	front_session_negotiated(
	    m->session, needs.stages, needs.actions, needs.wants);
	return SMFIS_CONTINUE;
}

struct macro {
	SMFICTX *ctx;
	const char *name, *value;
};

static void
read_macro(void *arg)
{
	struct macro *m = arg;

	m->value = smfi_getsymval(m->ctx, (char *)(uintptr_t)m->name);
}

/* NULL also if the list that the MTA sent cannot be read. */
static const char *
macro_value(SMFICTX *ctx, const char *name)
{
	struct macro m = { ctx, name, NULL };

	return guard_run(read_macro, &m) ? m.value : NULL;
}

/* The macros of a stage, as name, value, ..., NULL. */
struct macro_list {
	const char *items[2 * MACROS_MAX + 1];
	char names[2048];
};

static void
get_macros(SMFICTX *ctx, const struct front_session *s, enum stage stage,
    struct macro_list *list)
{
	size_t n = 0, used = 0;
	const char *names = front_session_macros(s, stage);

	for (;;) {
		char *name = list->names + used;
		size_t len;
		const char *value;

		names += strspn(names, " ");
		len = strcspn(names, " ");
		if (len == 0 || used + len + 1 > sizeof(list->names) ||
		    n + 2 > 2 * MACROS_MAX)
			break;
		memcpy(name, names, len);
		name[len] = '\0';
		names += len;
		if ((value = macro_value(ctx, name)) == NULL)
			continue;
		list->items[n++] = name;
		list->items[n++] = value;
		used += len + 1;
	}
	list->items[n] = NULL;
}

static void
set_reply(SMFICTX *ctx, const struct answer *a)
{
	char *dsn = (char *)(uintptr_t)a->dsn;
	char *l[REPLY_LINES], *bytes = spelling_reply(a->text, l);
	char code[8];

	snprintf(code, sizeof(code), "%u", a->code);
	if (l[1] == NULL)
		smfi_setreply(ctx, code, dsn, l[0]);
	else
		smfi_setmlreply(ctx, code, dsn, l[0], l[1], l[2], l[3], l[4],
		    l[5], l[6], l[7], l[8], l[9], l[10], l[11], l[12], l[13],
		    l[14], l[15], l[16], l[17], l[18], l[19], l[20], l[21],
		    l[22], l[23], l[24], l[25], l[26], l[27], l[28], l[29],
		    l[30], l[31], NULL);
	free(bytes);
}

static sfsistat
status_of(SMFICTX *ctx, const struct mta *m, const struct answer *a)
{
	static const sfsistat statuses[ANSWER_COUNT] = {
		[ANSWER_CONTINUE] = SMFIS_CONTINUE,
		[ANSWER_ACCEPT] = SMFIS_ACCEPT,
		[ANSWER_REJECT] = SMFIS_REJECT,
		[ANSWER_TEMPFAIL] = SMFIS_TEMPFAIL,
		[ANSWER_DISCARD] = SMFIS_DISCARD,
		[ANSWER_SKIP] = SMFIS_SKIP,
	};

	if (a->kind == ANSWER_SKIP && (m->protocol & SMFIP_SKIP) == 0)
		return SMFIS_CONTINUE;
	if (a->code != 0 &&
	    (a->kind == ANSWER_REJECT || a->kind == ANSWER_TEMPFAIL))
		set_reply(ctx, a);
	return statuses[a->kind];
}

static int
edit_header(SMFICTX *ctx, const struct mta *m, const struct edit *e)
{
	char *name = (char *)(uintptr_t)e->name;
	char *value;
	int status;

	if (e->kind == EDIT_DELETE_HEADER)
		return smfi_chgheader(ctx, name, (int)e->index, NULL);
	value =
	    spelling_value(e->value != NULL ? e->value : "", m->leading_space);
	if (e->kind == EDIT_ADD_HEADER)
		status = smfi_addheader(ctx, name, value);
	else if (e->kind == EDIT_INSERT_HEADER)
		status = smfi_insheader(ctx, (int)e->index, name, value);
	else
		status = smfi_chgheader(ctx, name, (int)e->index, value);
	free(value);
	return status;
}

static int
edit_envelope(SMFICTX *ctx, const struct mta *m, const struct edit *e)
{
	char *address = memory_printf("<%s>", e->name);
	char *args = (char *)(uintptr_t)e->value;
	int status;

	(void)m;
	if (e->kind == EDIT_CHANGE_SENDER)
		status = smfi_chgfrom(ctx, address, args);
	else if (e->kind == EDIT_DELETE_RECIPIENT)
		status = smfi_delrcpt(ctx, address);
	else if (args != NULL)
		status = smfi_addrcpt_par(ctx, address, args);
	else
		status = smfi_addrcpt(ctx, address);
	free(address);
	return status;
}

static int
edit_body(SMFICTX *ctx, const struct mta *m, const struct edit *e)
{
	struct span left = e->bytes;
	int status = MI_SUCCESS;

	(void)m;
	do {
		size_t n = left.n < INT_MAX ? left.n : INT_MAX;

		status = smfi_replacebody(ctx,
		    (unsigned char *)(uintptr_t)(n > 0 ? left.p : ""), (int)n);
		left.p += n;
		left.n -= n;
	} while (left.n > 0 && status == MI_SUCCESS);
	return status;
}

static int
edit_hold(SMFICTX *ctx, const struct mta *m, const struct edit *e)
{
	(void)m;
	return smfi_quarantine(ctx, (char *)(uintptr_t)e->value);
}

static int (*const editors[EDIT_KINDS])(
    SMFICTX *, const struct mta *, const struct edit *) = {
	[EDIT_ADD_HEADER] = edit_header,
	[EDIT_INSERT_HEADER] = edit_header,
	[EDIT_CHANGE_HEADER] = edit_header,
	[EDIT_DELETE_HEADER] = edit_header,
	[EDIT_CHANGE_SENDER] = edit_envelope,
	[EDIT_ADD_RECIPIENT] = edit_envelope,
	[EDIT_DELETE_RECIPIENT] = edit_envelope,
	[EDIT_REPLACE_BODY] = edit_body,
	[EDIT_QUARANTINE] = edit_hold,
};

/* All or nothing: an edit that fails puts the message off. */
static bool
send_edits(SMFICTX *ctx, const struct mta *m, const struct answer *a)
{
	for (size_t i = 0; i < a->nedits; i++) {
		const struct edit *e = &a->edits[i];

		if (editors[e->kind](ctx, m, e) != MI_SUCCESS) {
			log_error("the MTA took no edit %d (%s)", e->kind,
			    e->name != NULL ? e->name : "");
			return false;
		}
	}
	return true;
}

static void
send_progress(void *ctx)
{
	smfi_progress(ctx);
}

/* Where the MTA does not wait, libmilter must not be given an answer. */
static sfsistat
tell(SMFICTX *ctx, struct event *e)
{
	struct mta *m = mta_of(ctx);
	struct macro_list macros;
	struct answer answer;
	sfsistat status;

	get_macros(ctx, m->session, e->stage, &macros);
	e->macros = macros.items;
	front_tell(m->session, e, &answer,
	    e->stage == STAGE_EOM ? send_progress : NULL, ctx);
	if (answer.kind == ANSWER_ACCEPT && !send_edits(ctx, m, &answer))
		status = SMFIS_TEMPFAIL;
	else
		status = status_of(ctx, m, &answer);
	front_session_rest(m->session);
	return m->protocol & stages[e->stage].no_reply ? SMFIS_NOREPLY : status;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	char text[SOCKET_TEXT];
	struct event e = { .stage = STAGE_CONNECT,
		.text = name != NULL ? name : "unknown" };

	socket_peer(address, &e, text, sizeof(text));
	return tell(ctx, &e);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	return tell(ctx, &(struct event){ .stage = STAGE_HELO,
			     .text = name != NULL ? name : "" });
}

/* argv[0] is the address, the rest its ESMTP arguments. */
static struct event
envelope(enum stage stage, char **argv)
{
	static const char *const none[] = { NULL };

	if (argv == NULL || argv[0] == NULL)
		return (
		    struct event){ .stage = stage, .text = "", .args = none };
	return (struct event){ .stage = stage,
		.text = argv[0],
		.args = (const char *const *)(argv + 1) };
}

static sfsistat
on_envfrom(SMFICTX *ctx, char **argv)
{
	struct event e = envelope(STAGE_MAIL, argv);

	return tell(ctx, &e);
}

/* A recipient that the MTA refuses comes with the mailer "error". */
static sfsistat
on_envrcpt(SMFICTX *ctx, char **argv)
{
	struct event e = envelope(STAGE_RCPT, argv);
	const char *mailer = macro_value(ctx, "{rcpt_mailer}");

	e.rejected = mailer != NULL && strcmp(mailer, "error") == 0;
	return tell(ctx, &e);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	return tell(ctx, &(struct event){ .stage = STAGE_DATA });
}

/*
 * libmilter hands over the packet as it came.  From an MTA it ends with a
 * NUL; from anybody else perhaps not, and then only the heap knows its size.
 */
static sfsistat
on_unknown(SMFICTX *ctx, const char *command)
{
	size_t n = malloc_usable_size((void *)(uintptr_t)command);
	char *text = strndup(command != NULL ? command : "", n);
	sfsistat status;

	if (text == NULL)
		return SMFIS_TEMPFAIL;
	status =
	    tell(ctx, &(struct event){ .stage = STAGE_UNKNOWN, .text = text });
	free(text);
	return status;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	return tell(ctx, &(struct event){ .stage = STAGE_HEADER,
			     .text = name,
			     .value = value != NULL ? value : "" });
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	return tell(ctx, &(struct event){ .stage = STAGE_EOH });
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *bytes, size_t n)
{
	return tell(ctx, &(struct event){ .stage = STAGE_BODY,
			     .bytes = { (const char *)bytes, n } });
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	return tell(ctx, &(struct event){ .stage = STAGE_EOM });
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct mta *m = smfi_getpriv(ctx);
	struct answer answer;

	if (m == NULL)
		return SMFIS_CONTINUE;
	front_tell(m->session, &(struct event){ .stage = STAGE_ABORT }, &answer,
	    NULL, NULL);
	front_session_rest(m->session);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct mta *m = smfi_getpriv(ctx);

	if (m == NULL)
		return SMFIS_CONTINUE;
	front_session_destroy(&m->session);
	free(m);
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

/*
 * libmilter opens its listening socket itself and cannot be handed one, so
 * it is let open one of the same family that nobody knows, and ours takes
 * its place.
 */
static bool
take_over_socket(int listening, const char *scratch)
{
	char *spec = socket_scratch(listening, scratch);
	bool ok = smfi_setconn(spec) == MI_SUCCESS &&
		  smfi_opensocket(true) == MI_SUCCESS &&
		  socket_replace(listening, scratch);

	free(spec);
	return ok;
}

void
milter_serve(
    struct front *f, int listening, const char *name, const char *scratch)
{
	char *title = memory_printf("millrace-%s", name);
	struct smfiDesc desc = {
		.xxfi_name = title,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY |
			      SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR |
			      SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_CHGFROM |
			      SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_envfrom,
		.xxfi_envrcpt = on_envrcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	front = f;
	guard_start();
	over_tcp = !socket_is_local(listening);
	smfi_setbacklog(BACKLOG);
	smfi_settimeout(IDLE_SECONDS);
	smfi_setmaxdatasize(PACKET_MAX);
	if (smfi_register(desc) != MI_SUCCESS)
		log_error("libmilter refuses our callbacks");
	else if (!take_over_socket(listening, scratch))
		log_error("libmilter cannot be given the socket: %s",
		    strerror(errno));
	else if (smfi_main() != MI_SUCCESS)
		log_error("libmilter gave up");
	free(title);
}
