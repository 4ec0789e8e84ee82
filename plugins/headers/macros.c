/* SPDX-License-Identifier: Apache-2.0 */
#include "macros.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "template.h"

static const char *
client_addr(struct mr_ctx *c)
{
	return c->client->addr;
}

static const char *
client_name(struct mr_ctx *c)
{
	return c->client->name;
}

static const char *
helo(struct mr_ctx *c)
{
	return c->client->helo;
}

static const char *
sender(struct mr_ctx *c)
{
	return c->sender;
}

static const char *
login(struct mr_ctx *c)
{
	return c->client->login;
}

/* Whole addresses only; "..." stands for those that found no room. */
static const char *
recipients(struct mr_ctx *c)
{
	static const char more[] = ", ...";
	const size_t room = TEMPLATE_VALUE_BYTES - sizeof(more);
	char *list = c->host->alloc(c, TEMPLATE_VALUE_BYTES + 1);
	size_t n = 0;

	for (const char *const *r = c->recipients; r != NULL && *r; r++) {
		size_t len = strlen(*r);

		if (n + 2 + len > room) {
			memcpy(list + n, n > 0 ? more : more + 2,
			    n > 0 ? sizeof(more) : sizeof(more) - 2);
			break;
		}
		if (n > 0) {
			memcpy(list + n, ", ", 2);
			n += 2;
		}
		memcpy(list + n, *r, len);
		n += len;
	}
	return list;
}

static const char *
queue_id(struct mr_ctx *c)
{
	return c->queue_id;
}

static const char *
message_id(struct mr_ctx *c)
{
	return c->message_id;
}

static const char *
score(struct mr_ctx *c)
{
	char *text = c->host->alloc(c, 32);

	snprintf(text, 32, "%.2f", c->host->score(c));
	return text;
}

/* RFC 5322, section 3.3; by hand, for strftime() speaks the locale. */
static const char *
date(struct mr_ctx *c)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char *text = c->host->alloc(c, 64);
	time_t now = time(NULL);
	struct tm tm;
	long zone;

	if (localtime_r(&now, &tm) == NULL)
		return NULL;
	zone = tm.tm_gmtoff / 60;
	snprintf(text, 64, "%.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    zone < 0 ? '-' : '+', (zone < 0 ? -zone : zone) / 60,
	    (zone < 0 ? -zone : zone) % 60);
	return text;
}

/* Names of our own, and the MTA's macros that some of them come from. */
static const struct {
	const char *name;
	const char *(*value)(struct mr_ctx *);
	uint32_t stage;
	const char *macro;
} own[] = {
	{ "client_addr", client_addr, 0, NULL },
	{ "client_name", client_name, 0, NULL },
	{ "helo", helo, 0, NULL },
	{ "sender", sender, 0, NULL },
	{ "login", login, MR_STAGE_MAIL, "{auth_authen}" },
	{ "recipients", recipients, 0, NULL },
	{ "queue_id", queue_id, MR_STAGE_EOM, "i" },
	{ "message_id", message_id, 0, NULL },
	{ "score", score, 0, NULL },
	{ "date", date, 0, NULL },
};

/* When the MTA knows a macro; a name ending in * stands for many. */
static const struct {
	const char *name;
	uint32_t stage;
} known[] = {
	{ "j", MR_STAGE_CONNECT },
	{ "_", MR_STAGE_CONNECT },
	{ "v", MR_STAGE_CONNECT },
	{ "daemon_*", MR_STAGE_CONNECT },
	{ "if_*", MR_STAGE_CONNECT },
	{ "client_*", MR_STAGE_CONNECT },
	{ "tls_*", MR_STAGE_HELO },
	{ "cipher*", MR_STAGE_HELO },
	{ "cert_*", MR_STAGE_HELO },
	{ "auth_*", MR_STAGE_MAIL },
	{ "mail_*", MR_STAGE_MAIL },
	{ "rcpt_*", MR_STAGE_RCPT },
};

static uint32_t
stage_of(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strcspn(known[i].name, "*");

		if (strncmp(name, known[i].name, n) == 0 &&
		    (known[i].name[n] == '*' || name[n] == '\0'))
			return known[i].stage;
	}
	return MR_STAGE_EOM;
}

/* The MTA's way to write it: i, but {daemon_name}. */
static const char *
braced(const char *name, char text[TEMPLATE_NAME_BYTES + 3])
{
	bool letter = name[0] != '\0' && name[1] == '\0';

	snprintf(text, TEMPLATE_NAME_BYTES + 3, letter ? "%s" : "{%s}", name);
	return text;
}

const char *
macros_value(void *ctx, const char *name)
{
	struct mr_ctx *c = ctx;
	char text[TEMPLATE_NAME_BYTES + 3];

	if (strncmp(name, "note:", 5) == 0)
		return c->host->note(c, name + 5);
	if (strncmp(name, "header:", 7) == 0)
		return c->host->header(c, name + 7, 1);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i].name) == 0)
			return own[i].value(c);
	return c->host->macro(c, braced(name, text));
}

static void
plan_name(struct mr_plan *plan, const char *name)
{
	char text[TEMPLATE_NAME_BYTES + 3];

	if (strncmp(name, "note:", 5) == 0)
		return;
	if (strncmp(name, "header:", 7) == 0) {
		plan->wants |= MR_WANT_HEADERS;
		return;
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i].name) == 0) {
			if (own[i].macro != NULL)
				plan->macros(plan, own[i].stage, own[i].macro);
			return;
		}
	plan->macros(plan, stage_of(name), braced(name, text));
}

void
macros_plan(struct mr_plan *plan, const char *text)
{
	struct template_piece p;

	/* A fault is for open() to report. */
	while (template_next(&text, &p) == NULL && p.kind != TEMPLATE_END)
		if (p.kind == TEMPLATE_MACRO)
			plan_name(plan, p.name);
}
