/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "content/1", as a test fills it.
 * Nothing is taken apart: what get() answers is what these calls have set,
 * until the message ends.
 *
 *	fake_mail(&f, "a@example.com");
 *	fake_content_text(&f, "Cheap pills");
 *	fake_content_url(&f, "http", "pills.example", "/buy", NULL);
 */
#ifndef MR_FAKE_CONTENT_H
#define MR_FAKE_CONTENT_H

#include <millrace/content.h>

enum { FAKE_PARTS = 16, FAKE_URLS = 16, FAKE_FINDINGS = 16 };

struct fake_content {
	struct mr_content content;
	struct mr_part parts[FAKE_PARTS];
	struct mr_url urls[FAKE_URLS];
	struct mr_finding findings[FAKE_FINDINGS];
};

/* For what has no call of its own. */
MR_FAKE struct mr_content *
fake_content(struct fake *f)
{
	struct fake_content *c = f->content;

	if (!f->in_message)
		fake_broken("content", "fake_mail() was not called");
	if (c == NULL) {
		c = fake_alloc(&f->message, sizeof(*c));
		c->content.subject = c->content.text = c->content.raw = "";
		c->content.parts = c->parts;
		c->content.urls = c->urls;
		c->content.findings = c->findings;
		f->content = c;
	}
	return &c->content;
}

MR_FAKE void
fake_content_subject(struct fake *f, const char *subject)
{
	fake_content(f)->subject = fake_copy(&f->message, subject);
}

/* Both the text that is seen and the raw one. */
MR_FAKE void
fake_content_text(struct fake *f, const char *text)
{
	struct mr_content *c = fake_content(f);

	c->text = c->raw = fake_copy(&f->message, text);
	c->text_len = c->raw_len = strlen(text);
}

MR_FAKE void
fake_content_raw(struct fake *f, const char *raw)
{
	struct mr_content *c = fake_content(f);

	c->raw = fake_copy(&f->message, raw);
	c->raw_len = strlen(raw);
}

/* shown may be NULL.  The host is its own registered domain. */
MR_FAKE struct mr_url *
fake_content_url(struct fake *f, const char *scheme, const char *host,
    const char *path, const char *shown)
{
	struct mr_content *c = fake_content(f);
	struct mr_url *u = &f->content->urls[c->nurls];
	char text[1024];

	if (c->nurls++ == FAKE_URLS)
		fake_broken("too many links", host);
	snprintf(text, sizeof(text), "%s://%s%s", scheme, host, path);
	u->text = fake_copy(&f->message, text);
	u->scheme = fake_copy(&f->message, scheme);
	u->host = u->registered = fake_copy(&f->message, host);
	u->path = fake_copy(&f->message, path);
	u->shown = shown != NULL ? fake_copy(&f->message, shown) : NULL;
	return u;
}

/* An attachment, if it has a name. */
MR_FAKE struct mr_part *
fake_content_part(struct fake *f, const char *type, const char *detected,
    const char *filename, const char *bytes)
{
	struct mr_content *c = fake_content(f);
	struct mr_part *p = &f->content->parts[c->nparts];

	if (c->nparts++ == FAKE_PARTS)
		fake_broken("too many parts", type);
	p->type = fake_copy(&f->message, type);
	p->detected = fake_copy(&f->message, detected);
	p->filename = fake_copy(&f->message, filename);
	p->charset = p->members = "";
	p->attachment = filename[0] != '\0';
	p->bytes = fake_copy(&f->message, bytes);
	p->size = p->kept = (uint32_t)strlen(bytes);
	return p;
}

MR_FAKE void
fake_content_finding(struct fake *f, const char *name, const char *detail)
{
	struct mr_content *c = fake_content(f);
	struct mr_finding *found = &f->content->findings[c->nfindings];

	if (c->nfindings++ == FAKE_FINDINGS)
		fake_broken("too many findings", name);
	found->name = fake_copy(&f->message, name);
	found->detail = detail != NULL ? fake_copy(&f->message, detail) : NULL;
}

MR_FAKE const struct mr_content *
fake_content_get(struct mr_ctx *c)
{
	struct fake *f = fake_of(c);

	if ((f->plan.wants & MR_WANT_BODY) == 0 ||
	    (f->plan.wants & MR_WANT_HEADERS) == 0)
		fake_misbehaves(f, "content", "it wants no body or header");
	return fake_content(f);
}

static const struct mr_content_service fake_content_service = {
	.size = sizeof(struct mr_content_service),
	.get = fake_content_get,
};

#endif
