/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXTS_MOST = 2000 };

static const char *
text_or(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

void
view_of_message(struct view *v, struct mr_ctx *c,
    const struct mr_address_service *address, const struct mr_content *content,
    struct pool *pool)
{
	const char *name, *value;

	v->ctx = c;
	v->address = address;
	v->pool = pool;
	v->content = content;
	v->sender = text_or(c->sender, "");
	v->recipients = c->recipients;
	v->client_addr = text_or(c->client->addr, "");
	v->client_name = text_or(c->client->name, "");
	v->helo = text_or(c->client->helo, "");
	v->login = c->client->login;
	v->tls = c->client->tls;
	v->now = time(NULL);
	while (c->host->header_at(c, (uint32_t)v->nfields, &name, &value)) {
		v->fields =
		    pool_grow(pool, v->fields, v->nfields, sizeof(*v->fields));
		v->fields[v->nfields++] = (struct view_field){ .name = name,
			.value = value + strspn(value, " \t") };
	}
}

/* --- what is known of it --- */

static const char *
decoded(struct view *v, struct view_field *f)
{
	if (f->decoded == NULL)
		f->decoded = v->address->decode(v->ctx, f->value);
	return f->decoded;
}

const char *
view_field(struct view *v, const char *name)
{
	for (size_t i = 0; i < v->nfields; i++)
		if (strcasecmp(v->fields[i].name, name) == 0)
			return decoded(v, &v->fields[i]);
	return NULL;
}

static const struct mr_mailboxes *
mailboxes(struct view *v, struct view_field *f)
{
	if (f->mailboxes == NULL)
		f->mailboxes = v->address->mailboxes(v->ctx, f->value);
	return f->mailboxes;
}

/* Most messages have one From, so that nothing has to be joined. */
static const struct mr_mailboxes *
join_mailboxes(struct view *v, const char *name)
{
	const struct mr_mailboxes *all = NULL;
	struct mr_mailbox *items;
	struct mr_mailboxes *joined;

	for (size_t i = 0; i < v->nfields; i++) {
		const struct mr_mailboxes *one;

		if (strcasecmp(v->fields[i].name, name) != 0)
			continue;
		one = mailboxes(v, &v->fields[i]);
		if (all == NULL || all->count == 0) {
			all = one;
			continue;
		}
		items = pool_alloc(
		    v->pool, (all->count + one->count) * sizeof(*items));
		memcpy(items, all->items, all->count * sizeof(*items));
		if (one->count > 0)
			memcpy(items + all->count, one->items,
			    one->count * sizeof(*items));
		joined = pool_alloc(v->pool, sizeof(*joined));
		joined->items = items;
		joined->count = all->count + one->count;
		all = joined;
		if (all->count > TEXTS_MOST)
			break;
	}
	return all;
}

const struct mr_mailboxes *
view_mailboxes(struct view *v, const char *name)
{
	struct view_mailbox_list *l;

	for (size_t i = 0; i < v->nlists; i++)
		if (strcmp(v->lists[i].name, name) == 0)
			return v->lists[i].all;
	v->lists = pool_grow(v->pool, v->lists, v->nlists, sizeof(*l));
	l = &v->lists[v->nlists++];
	*l = (struct view_mailbox_list){ name, join_mailboxes(v, name) };
	return l->all;
}

const char *
view_registered(struct view *v, const char *domain)
{
	const char *name = v->address->registered(v->ctx, domain);

	return name != NULL ? name : domain;
}

const char *
view_note(struct view *v, const char *key)
{
	if (!v->test)
		return v->ctx->host->note(v->ctx, key);
	for (size_t i = 0; i < v->nnotes; i++)
		if (strcmp(v->notes[i].name, key) == 0)
			return v->notes[i].value;
	return NULL;
}

bool
view_has_symbol(struct view *v, const char *name)
{
	struct mr_symbol s;

	for (size_t i = 0; i < v->nsymbols; i++)
		if (strcmp(v->symbols[i].name, name) == 0)
			return true;
	for (uint32_t i = 0; !v->test && v->ctx->host->symbol_at(v->ctx, i, &s);
	     i++)
		if (!s.observed && strcmp(s.name, name) == 0)
			return true;
	return false;
}

/* --- texts --- */

static void
add(struct view *v, struct texts *t, const char *text, size_t n)
{
	if (t->count == TEXTS_MOST)
		return;
	t->items = pool_grow(v->pool, t->items, t->count, sizeof(*t->items));
	t->items[t->count++] = (struct text){ text, n };
}

static void
add_text(struct view *v, struct texts *t, const char *text)
{
	if (text != NULL)
		add(v, t, text, strlen(text));
}

static size_t
cut(const struct view *v, size_t n)
{
	return n < v->text_limit ? n : v->text_limit;
}

static void
mailbox_texts(struct view *v, struct texts *t, struct view_field *f,
    enum source_part part)
{
	const struct mr_mailboxes *all = mailboxes(v, f);

	for (uint32_t i = 0; i < all->count; i++) {
		const struct mr_mailbox *m = &all->items[i];

		add_text(v, t,
		    part == PART_NAME      ? m->display
		    : part == PART_ADDRESS ? m->address
					   : m->domain);
	}
}

static void
header_texts(struct view *v, const struct source *s, struct texts *t)
{
	bool all = strcasecmp(s->name, "ALL") == 0;

	for (size_t i = 0; i < v->nfields; i++) {
		struct view_field *f = &v->fields[i];

		if (all)
			add_text(v, t,
			    pool_printf(v->pool, "%s: %s", f->name,
				s->part == PART_RAW ? f->value
						    : decoded(v, f)));
		else if (strcasecmp(f->name, s->name) != 0)
			continue;
		else if (s->part == PART_WHOLE)
			add_text(v, t, decoded(v, f));
		else if (s->part == PART_RAW)
			add_text(v, t, f->value);
		else
			mailbox_texts(v, t, f, s->part);
	}
}

static void
body_texts(struct view *v, const struct source *s, struct texts *t)
{
	(void)s;
	add_text(v, t, v->content->subject);
	add(v, t, v->content->text, cut(v, v->content->text_len));
}

static void
rawbody_texts(struct view *v, const struct source *s, struct texts *t)
{
	(void)s;
	add(v, t, v->content->raw, cut(v, v->content->raw_len));
}

static const char *
whole_url(struct view *v, const struct mr_url *u)
{
	if (u->host[0] == '\0' || strcmp(u->scheme, "mailto") == 0)
		return pool_printf(v->pool, "%s:%s", u->scheme, u->path);
	return pool_printf(v->pool, "%s://%s%s", u->scheme, u->host, u->path);
}

static void
url_texts(struct view *v, const struct source *s, struct texts *t)
{
	for (uint32_t i = 0; i < v->content->nurls; i++) {
		const struct mr_url *u = &v->content->urls[i];

		switch (s->part) {
		case PART_RAW:
			add_text(v, t, u->text);
			break;
		case PART_HOST:
			add_text(v, t, u->host);
			break;
		case PART_DOMAIN:
			add_text(v, t, u->registered);
			break;
		case PART_PATH:
			add_text(v, t, u->path);
			break;
		case PART_SHOWN:
			add_text(v, t, u->shown);
			break;
		default:
			add_text(v, t, whole_url(v, u));
		}
	}
}

static void
member_texts(struct view *v, struct texts *t, const char *names)
{
	while (*names != '\0') {
		size_t n = strcspn(names, "\n");

		add(v, t, names, n);
		names += n + (names[n] == '\n');
	}
}

static void
attachment_texts(struct view *v, const struct source *s, struct texts *t)
{
	for (uint32_t i = 0; i < v->content->nparts; i++) {
		const struct mr_part *p = &v->content->parts[i];

		switch (s->part) {
		case PART_TYPE:
			add_text(v, t, p->type);
			break;
		case PART_DETECTED:
			add_text(v, t, p->detected);
			break;
		case PART_MEMBER:
			member_texts(v, t, p->members);
			break;
		case PART_SHA256:
			add_text(v, t, p->sha256);
			break;
		default:
			if (p->filename[0] != '\0')
				add_text(v, t, p->filename);
		}
	}
}

static void
envelope_texts(struct view *v, const struct source *s, struct texts *t)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "from", v->sender },
		{ "helo", v->helo },
		{ "client", v->client_addr },
		{ "client-name", v->client_name },
		{ "login", v->login },
		{ "tls", v->tls },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, s->name) == 0)
			add_text(v, t, rows[i].value);
	if (strcmp(s->name, "to") == 0 && v->recipients != NULL)
		for (size_t i = 0; v->recipients[i] != NULL; i++)
			add_text(v, t, v->recipients[i]);
}

static void
note_texts(struct view *v, const struct source *s, struct texts *t)
{
	add_text(v, t, view_note(v, s->name));
}

static void
finding_texts(struct view *v, const struct source *s, struct texts *t)
{
	(void)s;
	for (uint32_t i = 0; i < v->content->nfindings; i++)
		add_text(v, t, v->content->findings[i].name);
}

struct texts
view_texts(struct view *v, const struct source *s)
{
	static void (*const gather[])(
	    struct view *, const struct source *, struct texts *) = {
		[SOURCE_HEADER] = header_texts,
		[SOURCE_BODY] = body_texts,
		[SOURCE_RAWBODY] = rawbody_texts,
		[SOURCE_URL] = url_texts,
		[SOURCE_ATTACHMENT] = attachment_texts,
		[SOURCE_ENVELOPE] = envelope_texts,
		[SOURCE_NOTE] = note_texts,
		[SOURCE_FINDING] = finding_texts,
	};
	struct texts t = { NULL, 0 };

	gather[s->kind](v, s, &t);
	return t;
}
