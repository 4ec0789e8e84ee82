/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { WORD = 256, HEAD = 1024 };

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Other bytes than those of names and addresses become "?". */
static const char *
word(char out[WORD], const char *text, const char *more)
{
	size_t n = 0;

	for (; text != NULL && *text != '\0' && n < WORD - 1; text++)
		out[n++] =
		    strchr(LETTERS, *text) || strchr(more, *text) ? *text : '?';
	out[n] = '\0';
	return n > 0 ? out : "unknown";
}

/* RFC 5322 dates, whatever the locale. */
static void
date(time_t now, char out[40])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm t;

	gmtime_r(&now, &t);
	snprintf(out, 40, "%s, %d %s %d %02d:%02d:%02d +0000",
	    days[t.tm_wday % 7], t.tm_mday, months[t.tm_mon % 12],
	    t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* As RFC 3848 has it. */
static const char *
protocol(const struct mr_client *client)
{
	if (client->login != NULL)
		return client->tls != NULL ? "ESMTPSA" : "ESMTPA";
	return client->tls != NULL ? "ESMTPS" : "ESMTP";
}

size_t
question_trace(struct mr_ctx *c, time_t now, char out[QUESTION_TRACE])
{
	char helo[WORD], name[WORD], by[WORD], id[WORD], from[WORD], when[40];
	unsigned char bytes[16];
	const char *addr = c->client->addr != NULL ? c->client->addr : "";
	bool six = inet_pton(AF_INET6, addr, bytes) == 1;
	size_t n;

	n = (size_t)snprintf(out, QUESTION_TRACE, "Return-Path: <%s>\r\n",
	    c->sender[0] != '\0' ? word(from, c->sender, ".@+-_=#%*/!$&'^`{|}~")
				 : "");
	if (!six && inet_pton(AF_INET, addr, bytes) != 1)
		return n;
	date(now, when);
	n += (size_t)snprintf(out + n, QUESTION_TRACE - n,
	    "Received: from %s (%s [%s%s])\r\n"
	    "\tby %s (millrace) with %s id %s;\r\n\t%s\r\n",
	    word(helo, c->client->helo, ".-_:[]"),
	    c->client->name != NULL && c->client->name[0] != '['
		? word(name, c->client->name, ".-_")
		: "unknown",
	    six ? "IPv6:" : "", addr, word(by, c->host->macro(c, "j"), ".-_"),
	    protocol(c->client),
	    word(id, c->queue_id != NULL ? c->queue_id : c->message_id, ".-_"),
	    when);
	return n;
}

/* NULL: it asks for nobody's preferences. */
static const char *
user_of(struct mr_ctx *c, const char *user)
{
	if (user == NULL || strcmp(user, "{recipient}") != 0)
		return user;
	if (c->recipients == NULL || c->recipients[0] == NULL ||
	    c->recipients[1] != NULL)
		return NULL;
	return c->recipients[0];
}

const char *
question_head(struct mr_ctx *c, const char *user, size_t size, size_t *n)
{
	char *out = c->host->alloc(c, HEAD);
	const char *who = user_of(c, user);
	size_t len;

	len = (size_t)snprintf(
	    out, HEAD, "SYMBOLS SPAMC/1.5\r\nContent-length: %zu\r\n", size);
	/* Somebody else's preferences would be worse than none. */
	if (who != NULL && who[0] != '\0' && strlen(who) < WORD &&
	    strspn(who, LETTERS ".@+-_=") == strlen(who))
		len += (size_t)snprintf(
		    out + len, HEAD - len, "User: %s\r\n", who);
	len += (size_t)snprintf(out + len, HEAD - len, "\r\n");
	*n = len;
	return out;
}
