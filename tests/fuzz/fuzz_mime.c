/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a message; the whole way from its bytes to struct mr_content. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "service/charset.h"
#include "service/content_message.h"

enum { FIELDS = 64 };

static const struct content_limits limits = { .depth = 8,
	.parts = 20,
	.urls = 20,
	.bytes = 100000,
	.text = 5000,
	.keep = 1000,
	.header = 10000,
	.ratio = 10,
	.until_us = INT64_MAX };

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	content_message_start();
	return 0;
}

static void
must(bool so)
{
	if (!so)
		abort();
}

/* As the core hands them over: a name, and a value with folds as LF. */
static size_t
cut_fields(char **at, struct content_field *fields)
{
	size_t n = 0;
	char *p = *at;

	while (*p != '\0' && *p != '\n' && n < FIELDS) {
		char *end = p, *colon;

		while ((end = strchr(end, '\n')) != NULL &&
		       (end[1] == ' ' || end[1] == '\t'))
			end++;
		if (end == NULL)
			break;
		*end = '\0';
		if ((colon = strchr(p, ':')) != NULL) {
			*colon = '\0';
			fields[n++] = (struct content_field){ p, colon + 1 };
		}
		p = end + 1;
	}
	*at = *p == '\n' ? p + 1 : p;
	return n;
}

static void
must_be_utf8(const char *text, size_t n)
{
	struct span s = { text, n };
	uint32_t code;

	must(strlen(text) == n);
	while (s.n > 0) {
		size_t one = utf8_next(s, &code);

		must(one > 0);
		s = (struct span){ s.p + one, s.n - one };
	}
}

static void
check(const struct mr_content *c)
{
	must_be_utf8(c->text, c->text_len);
	must_be_utf8(c->raw, c->raw_len);
	must_be_utf8(c->subject, strlen(c->subject));
	must(c->text_len <= limits.text && c->raw_len <= limits.text);
	must(c->nparts <= limits.parts && c->nurls <= limits.urls);
	for (uint32_t i = 0; i < c->nparts; i++) {
		const struct mr_part *p = &c->parts[i];

		must(p->depth <= limits.depth && p->size <= limits.bytes);
		must(p->kept <= limits.keep && p->kept <= p->size);
		must(strlen(p->sha256) == 64);
		must_be_utf8(p->filename, strlen(p->filename));
		must_be_utf8(p->members, strlen(p->members));
	}
	for (uint32_t i = 0; i < c->nurls; i++) {
		must_be_utf8(c->urls[i].text, strlen(c->urls[i].text));
		must(c->urls[i].host != NULL && c->urls[i].path != NULL &&
		     c->urls[i].registered != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_field fields[FIELDS];
	struct arena *a = arena_create(512);
	char *text = malloc(size + 1), *body = text, *exact;
	size_t nfields, n;

	memcpy(text, data, size);
	text[size] = '\0';
	nfields = cut_fields(&body, fields);
	n = size - (size_t)(body - text);
	/* Of its own size, for the sanitizer to watch. */
	exact = malloc(n > 0 ? n : 1);
	memcpy(exact, body, n);
	check(content_message_read(
	    a, &limits, fields, nfields, (struct span){ exact, n }));
	free(exact);
	free(text);
	arena_destroy(&a);
	return 0;
}
