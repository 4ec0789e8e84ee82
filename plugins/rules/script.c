/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "date.h"

/* What is written to while a script is read. */
struct stage {
	struct view *view;
	const char *note; /* whose value a line without a keyword is */
	struct mr_content *content;
	struct mr_part *parts;
	struct mr_url *urls;
	struct mr_finding *findings;
	const char **recipients;
	size_t nrecipients;
};

static const char *
keep(struct stage *s, const char *text)
{
	return pool_copy(s->view->pool, text, strlen(text));
}

static const char *
cut_word(struct stage *s, const char **at)
{
	size_t n = strcspn(*at, " \t");
	const char *one = pool_copy(s->view->pool, *at, n);

	*at += n;
	*at += strspn(*at, " \t");
	return one;
}

/* --- what a line may add --- */

static void
add_body(struct stage *s, const char *text)
{
	struct mr_content *c = s->content;

	c->text = pool_printf(s->view->pool, "%s%s\n", c->text, text);
	c->text_len = strlen(c->text);
	if (c->raw_len > 0)
		return;
	c->raw = keep(s, text);
	c->raw_len = strlen(text);
}

static void
add_raw(struct stage *s, const char *text)
{
	s->content->raw = keep(s, text);
	s->content->raw_len = strlen(text);
}

/* "URL", or "URL text that is shown" */
static void
add_url(struct stage *s, const char *text)
{
	struct mr_content *c = s->content;
	const char *whole = cut_word(s, &text), *p;
	struct mr_url *u;
	size_t n;

	s->urls = pool_grow(s->view->pool, s->urls, c->nurls, sizeof(*s->urls));
	u = &s->urls[c->nurls++];
	c->urls = s->urls;
	u->text = whole;
	u->shown = *text != '\0' ? keep(s, text) : NULL;
	p = strstr(whole, "://");
	n = strcspn(whole, ":");
	u->scheme =
	    whole[n] == '\0' ? "http" : pool_copy(s->view->pool, whole, n);
	p = p != NULL ? p + 3 : whole;
	n = strcspn(p, "/?#");
	u->host = pool_copy(s->view->pool, p, n);
	u->path = p[n] != '\0' ? p + n : "/";
	u->registered = view_registered(s->view, u->host);
}

static void
add_hidden_url(struct stage *s, const char *text)
{
	add_url(s, text);
	s->urls[s->content->nurls - 1].obfuscated = true;
}

/* "NAME", or "NAME type/declared type/detected" */
static void
add_attachment(struct stage *s, const char *text)
{
	struct mr_content *c = s->content;
	struct mr_part *p;

	s->parts =
	    pool_grow(s->view->pool, s->parts, c->nparts, sizeof(*s->parts));
	p = &s->parts[c->nparts++];
	c->parts = s->parts;
	p->filename = cut_word(s, &text);
	p->type = cut_word(s, &text);
	p->detected = cut_word(s, &text);
	p->charset = p->members = "";
	p->bytes = "";
	p->attachment = true;
}

/* A member of the attachment before. */
static void
add_member(struct stage *s, const char *text)
{
	struct mr_part *p;

	if (s->content->nparts == 0)
		add_attachment(s, "a.zip");
	p = &s->parts[s->content->nparts - 1];
	p->members = pool_printf(s->view->pool, "%s%s\n", p->members, text);
}

static void
set_encrypted(struct stage *s, const char *text)
{
	(void)text;
	if (s->content->nparts == 0)
		add_attachment(s, "a.zip");
	s->parts[s->content->nparts - 1].encrypted = true;
}

static void
add_finding(struct stage *s, const char *text)
{
	struct mr_content *c = s->content;

	s->findings = pool_grow(
	    s->view->pool, s->findings, c->nfindings, sizeof(*s->findings));
	s->findings[c->nfindings++] =
	    (struct mr_finding){ keep(s, text), NULL };
	c->findings = s->findings;
}

static void
set_from(struct stage *s, const char *text)
{
	s->view->sender = keep(s, text);
}

static void
add_to(struct stage *s, const char *text)
{
	const char **grown =
	    pool_alloc(s->view->pool, (s->nrecipients + 2) * sizeof(*grown));

	if (s->nrecipients > 0)
		memcpy(grown, s->recipients, s->nrecipients * sizeof(*grown));
	grown[s->nrecipients++] = keep(s, text);
	s->view->recipients = s->recipients = grown;
}

static void
set_helo(struct stage *s, const char *text)
{
	s->view->helo = keep(s, text);
}

static void
set_client(struct stage *s, const char *text)
{
	s->view->client_addr = keep(s, text);
}

static void
set_client_name(struct stage *s, const char *text)
{
	s->view->client_name = keep(s, text);
}

static void
set_login(struct stage *s, const char *text)
{
	s->view->login = keep(s, text);
}

static void
set_tls(struct stage *s, const char *text)
{
	s->view->tls = keep(s, text);
}

static void
set_now(struct stage *s, const char *text)
{
	date_parse(text, &s->view->now);
}

static void
add_pair(struct stage *s, struct view_pair **pairs, size_t *n, const char *name,
    const char *value)
{
	*pairs = pool_grow(s->view->pool, *pairs, *n, sizeof(**pairs));
	(*pairs)[(*n)++] = (struct view_pair){ name, value };
}

/* "key value" */
static void
add_note(struct stage *s, const char *text)
{
	const char *key = cut_word(s, &text);

	add_pair(s, &s->view->notes, &s->view->nnotes, key, keep(s, text));
}

static void
add_own_note(struct stage *s, const char *text)
{
	add_pair(s, &s->view->notes, &s->view->nnotes, s->note, keep(s, text));
}

static void
add_symbols(struct stage *s, const char *text)
{
	while (*text != '\0')
		add_pair(s, &s->view->symbols, &s->view->nsymbols,
		    cut_word(s, &text), "");
}

static void
add_header(struct stage *s, const char *text)
{
	struct view *v = s->view;
	size_t n = strcspn(text, ":");
	const char *value = text[n] == ':' ? text + n + 1 : text + n;

	v->fields =
	    pool_grow(v->pool, v->fields, v->nfields, sizeof(*v->fields));
	value = keep(s, value + strspn(value, " \t"));
	v->fields[v->nfields++] =
	    (struct view_field){ .name = pool_copy(v->pool, text, n),
		    .value = value };
	if (strcasecmp(v->fields[v->nfields - 1].name, "Subject") == 0)
		s->content->subject = v->address->decode(v->ctx, value);
}

static const struct keyword {
	const char *name;
	void (*add)(struct stage *, const char *);
	enum source_kind own; /* of rules for which it need not be written */
} keywords[] = {
	{ ":header", add_header, SOURCE_HEADER },
	{ ":body", add_body, SOURCE_BODY },
	{ ":rawbody", add_raw, SOURCE_RAWBODY },
	{ ":url", add_url, SOURCE_URL },
	{ ":attachment", add_attachment, SOURCE_ATTACHMENT },
	{ ":note", add_note, SOURCE_NOTE },
	{ ":finding", add_finding, SOURCE_FINDING },
	{ ":hidden-url", add_hidden_url, SOURCE_URL },
	{ ":member", add_member, SOURCE_ATTACHMENT },
	{ ":encrypted", set_encrypted, SOURCE_ATTACHMENT },
	{ ":from", set_from, SOURCE_ENVELOPE },
	{ ":to", add_to, SOURCE_ENVELOPE },
	{ ":helo", set_helo, SOURCE_ENVELOPE },
	{ ":client", set_client, SOURCE_ENVELOPE },
	{ ":client-name", set_client_name, SOURCE_ENVELOPE },
	{ ":login", set_login, SOURCE_ENVELOPE },
	{ ":tls", set_tls, SOURCE_ENVELOPE },
	{ ":now", set_now, SOURCE_ENVELOPE },
	{ ":symbol", add_symbols, SOURCE_NOTE },
};

enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

/* What a line without a keyword means in a test of this rule. */
static void (*own_add(const struct rules *rules, const struct rule *r))(
    struct stage *, const char *)
{
	const struct source *s;
	const char *name;

	if (r->kind == RULE_META)
		return add_symbols;
	if (r->kind == RULE_CHECK)
		return add_header;
	s = &rules->sources[r->source];
	if (s->kind == SOURCE_ATTACHMENT && s->part == PART_MEMBER)
		return add_member;
	if (s->kind == SOURCE_NOTE)
		return add_own_note;
	for (size_t i = 0; i < KEYWORDS; i++) {
		name = keywords[i].name + 1;
		if (s->kind == keywords[i].own &&
		    (s->kind != SOURCE_ENVELOPE || strcmp(name, s->name) == 0))
			return keywords[i].add;
	}
	return add_header;
}

static const struct keyword *
keyword_at(const char *line)
{
	size_t n = strcspn(line, " \t");

	for (size_t i = 0; i < KEYWORDS; i++)
		if (strlen(keywords[i].name) == n &&
		    memcmp(keywords[i].name, line, n) == 0)
			return &keywords[i];
	return NULL;
}

bool
script_read(struct view *v, const struct rules *rules, const struct rule *rule,
    const char *text, const char **why)
{
	struct mr_content *c = pool_alloc(v->pool, sizeof(*c));
	struct stage s = { .view = v, .content = c };
	char *next = pool_copy(v->pool, text, strlen(text)), *line;

	s.note = rules->nsources > 0 ? rules->sources[rule->source].name : "";
	c->subject = c->text = c->raw = "";
	v->content = c;
	v->test = true;
	v->sender = v->helo = v->client_addr = v->client_name = "";
	while ((line = strsep(&next, "\n")) != NULL) {
		const struct keyword *k = keyword_at(line);

		if (line[0] == ':' && k == NULL) {
			*why = pool_printf(v->pool,
			    "a test has no \"%.20s\"; millrace-rules(5) "
			    "lists what it has",
			    line);
			return false;
		}
		if (k != NULL) {
			line += strlen(k->name);
			k->add(&s, line + strspn(line, " \t"));
		} else if (*line != '\0') {
			own_add(rules, rule)(&s, line);
		}
	}
	return true;
}
