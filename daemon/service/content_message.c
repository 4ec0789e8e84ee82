/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_message.h"

#include <string.h>
#include <strings.h>

#include "service/content_build.h"
#include "service/encoded_word.h"

/* Invisible characters in words: soft hyphens alone are no trick. */
enum { INVISIBLE = 20, STYLED = 10, SUBJECT_BYTES = 16384 };

void
content_message_start(void)
{
	content_mime_start();
}

static const char *
keep(struct arena *a, struct buf *b)
{
	const char *text =
	    arena_copy_span(a, (struct span){ b->n > 0 ? b->p : "", b->n });

	buf_finish(b);
	return text;
}

static const char *
decode_subject(struct content_build *b, const char *value)
{
	struct span in = span_of(value);
	struct buf out = { 0 };

	if (in.n > SUBJECT_BYTES) {
		in.n = SUBJECT_BYTES;
		content_build_finding(b, "HEADER_LARGE", "Subject");
	}
	encoded_word_decode(&out, in);
	return keep(b->arena, &out);
}

static const char *
subject_of(
    struct content_build *b, const struct content_field *fields, size_t nfields)
{
	for (size_t i = 0; i < nfields; i++)
		if (strcasecmp(fields[i].name, "Subject") == 0)
			return decode_subject(b, fields[i].value);
	return "";
}

const struct mr_content *
content_message_read(struct arena *a, const struct content_limits *limits,
    const struct content_field *fields, size_t nfields, struct span body)
{
	struct content_build b = { .arena = a, .limits = limits };
	struct mr_content *c = arena_alloc(a, sizeof(*c));

	b.seen.out = &b.text;
	b.seen.limit = (size_t)limits->text;
	c->subject = subject_of(&b, fields, nfields);
	content_mime_read(&b, fields, nfields, body);
	if (b.seen.styled >= STYLED)
		content_build_finding(&b, "TEXT_STYLED", NULL);
	if (b.seen.hidden >= INVISIBLE)
		content_build_finding(&b, "TEXT_INVISIBLE", NULL);
	c->text_len = b.text.n;
	c->text = keep(a, &b.text);
	c->raw_len = b.raw.n;
	c->raw = keep(a, &b.raw);
	c->nparts = b.nparts;
	c->parts = b.parts;
	c->nurls = b.nurls;
	c->urls = b.urls;
	c->nfindings = b.nfindings;
	c->findings = b.findings;
	return c;
}
