/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom an instance applies to.  It is asked at a stage only when every list
 * that it has can be judged there: one with `senders` is not asked at
 * connect or helo, one with `recipients` not before rcpt; after rcpt it is
 * asked if the lists hold for at least one accepted recipient.
 */
#include <string.h>

#include "base/map.h"
#include "core/scope.h"

static const struct map *
as_map(const struct mr_map *m)
{
	return (const struct map *)m;
}

static bool
in_client_list(const struct mr_map *list, const struct session *s)
{
	struct arena *arena = s->message != NULL ? s->message->arena : s->arena;
	const char *resolve = macro_get(&s->macros, "client_resolve");

	if (map_client(as_map(list), arena, s->client.addr) != NULL)
		return true;
	/* A name that does not resolve back is only a claim. */
	if (resolve != NULL && strcasecmp(resolve, "OK") != 0)
		return false;
	return map_name(as_map(list), arena, s->client.name) != NULL;
}

static bool
client_applies(const struct config_common *c, const struct session *s)
{
	if (c->clients != NULL && !in_client_list(c->clients, s))
		return false;
	return c->except_clients == NULL ||
	       !in_client_list(c->except_clients, s);
}

static bool
sender_applies(const struct config_common *c, const struct message *m)
{
	if (c->senders != NULL &&
	    map_address(as_map(c->senders), m->arena, m->sender) == NULL)
		return false;
	return c->except_senders == NULL ||
	       map_address(as_map(c->except_senders), m->arena, m->sender) ==
		   NULL;
}

static bool
recipient_applies(
    const struct config_common *c, struct arena *arena, const char *rcpt)
{
	if (c->recipients != NULL &&
	    map_address(as_map(c->recipients), arena, rcpt) == NULL)
		return false;
	return c->except_recipients == NULL ||
	       map_address(as_map(c->except_recipients), arena, rcpt) == NULL;
}

static bool
some_recipient_applies(
    const struct config_common *c, const struct message *m, const char *rcpt)
{
	if (rcpt != NULL)
		return recipient_applies(c, m->arena, rcpt);
	for (size_t i = 0; i < m->nrecipients; i++)
		if (recipient_applies(c, m->arena, m->recipients[i]))
			return true;
	return false;
}

bool
applies(const struct instance *i, const struct session *s, enum stage stage,
    const char *rcpt)
{
	const struct config_common *c = &i->conf->common;
	const struct message *m = s->message;

	if ((c->clients != NULL || c->except_clients != NULL) &&
	    !client_applies(c, s))
		return false;
	if (c->authenticated != AUTHENTICATED_ANY &&
	    (m == NULL || (s->client.login != NULL) !=
			      (c->authenticated == AUTHENTICATED_YES)))
		return false;
	if ((c->senders != NULL || c->except_senders != NULL) &&
	    (m == NULL || !sender_applies(c, m)))
		return false;
	if (c->recipients != NULL || c->except_recipients != NULL)
		return m != NULL && stage >= STAGE_RCPT &&
		       some_recipient_applies(c, m, rcpt);
	return true;
}
