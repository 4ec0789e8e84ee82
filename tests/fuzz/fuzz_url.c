/* SPDX-License-Identifier: Apache-2.0 */
/* Input: text with links; also as one link, and as a file by its kind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/charset.h"
#include "service/content_type.h"
#include "service/content_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

/* What is parsed once means the same when it is parsed again. */
static void
check_url(struct arena *a, struct span in)
{
	struct content_url u, again;
	const char *p;

	if (!content_url_parse(a, in, &u))
		return;
	must(u.scheme[0] != '\0' && strlen(u.host) <= 255);
	must(strlen(u.path) <= CONTENT_URL_BYTES + 1);
	for (p = u.host; *p != '\0'; p++)
		must((unsigned char)*p > ' ' && !(*p >= 'A' && *p <= 'Z'));
	if (strcmp(u.scheme, "http") == 0 && strchr(u.host, '%') == NULL &&
	    strchr(u.host, '@') == NULL && strchr(u.host, ':') == NULL) {
		p = arena_printf(a, "http://%s/", u.host);
		must(content_url_parse(a, span_of(p), &again));
		must(strcmp(again.host, u.host) == 0);
	}
	content_url_within(u.path);
}

struct seen {
	struct arena *arena;
	const char *last, *end;
};

/* In order, one after another, and within the text. */
static void
on_url(void *arg, struct span url)
{
	struct seen *s = arg;

	must(url.n > 0 && url.n <= CONTENT_URL_BYTES + 300);
	must(url.p >= s->last && url.p + url.n <= s->end);
	s->last = url.p + url.n;
	check_url(s->arena, url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct arena *a = arena_create(512);
	struct buf utf8 = { 0 }, names = { 0 };
	struct content_zip zip;
	struct seen s;

	charset_decode("utf-8", in, size * 3, &utf8);
	if (utf8.n > 0) {
		s = (struct seen){ a, utf8.p, utf8.p + utf8.n };
		content_url_find((struct span){ utf8.p, utf8.n }, on_url, &s);
		check_url(a, (struct span){ utf8.p, utf8.n });
	}
	must(content_type_of(in) != NULL);
	content_zip_list(in, &names, &zip);
	must(names.n <= size + 1000);
	buf_finish(&utf8);
	buf_finish(&names);
	arena_destroy(&a);
	return 0;
}
