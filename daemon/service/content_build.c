/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_build.h"

#include <string.h>

#include "base/clock.h"
#include "service/charset.h"
#include "service/content_url.h"
#include "service/domain.h"

enum { URL_SLOTS = 4096, URLS_MAX = 2048, FINDINGS_MAX = 64, NESTED = 3 };

/* An array in the arena that doubles. */
static void *
grow(struct arena *a, void *items, size_t count, size_t *room, size_t size)
{
	void *grown;

	if (count < *room)
		return items;
	*room = *room > 0 ? *room * 2 : 8;
	grown = arena_alloc(a, *room * size);
	if (count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

void
content_build_finding(
    struct content_build *b, const char *name, const char *detail)
{
	for (uint32_t i = 0; i < b->nfindings; i++)
		if (strcmp(b->findings[i].name, name) == 0)
			return;
	if (b->nfindings == FINDINGS_MAX)
		return;
	b->findings = grow(b->arena, b->findings, b->nfindings,
	    &b->findings_room, sizeof(*b->findings));
	b->findings[b->nfindings++] = (struct mr_finding){ name, detail };
}

bool
content_build_late(struct content_build *b)
{
	if (!b->late && clock_steady_us() > b->limits->until_us) {
		b->late = true;
		content_build_finding(b, "CONTENT_TIME", NULL);
	}
	return b->late;
}

struct mr_part *
content_build_part(struct content_build *b)
{
	if (b->nparts == b->limits->parts) {
		content_build_finding(b, "MIME_PARTS", NULL);
		return NULL;
	}
	b->parts = grow(
	    b->arena, b->parts, b->nparts, &b->parts_room, sizeof(*b->parts));
	return &b->parts[b->nparts++];
}

const char *
content_build_line(struct content_build *b, struct span in)
{
	struct buf out = { 0 };
	const char *line;

	if (in.n == 0)
		return "";
	charset_decode("", in, in.n * 3, &out);
	for (size_t i = 0; i < out.n; i++)
		if ((unsigned char)out.p[i] < ' ' || out.p[i] == 0x7f)
			out.p[i] = ' ';
	line = arena_copy_span(b->arena, (struct span){ out.p, out.n });
	buf_finish(&out);
	return line;
}

static uint32_t
hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

/* Where a URL stands in the index, or the empty place for it. */
static uint32_t *
url_place(struct content_build *b, const char *text)
{
	uint32_t at = hash(text);

	if (b->url_index == NULL)
		b->url_index =
		    arena_alloc(b->arena, URL_SLOTS * sizeof(*b->url_index));
	for (;; at++) {
		uint32_t *place = &b->url_index[at % URL_SLOTS];

		if (*place == 0 || strcmp(b->urls[*place - 1].text, text) == 0)
			return place;
	}
}

/* Names as everybody can compare them; what is none stays as it is. */
static void
name_host(
    struct content_build *b, struct mr_url *u, const struct content_url *url)
{
	const char *name = NULL;

	u->host = u->registered = url->host;
	if (url->address || url->host[0] == '\0')
		return;
	if ((name = domain_to_ascii(b->arena, span_of(url->host))) == NULL)
		return;
	u->host = u->registered = name;
	if ((name = domain_registered(name)) != NULL)
		u->registered = name;
}

/* The same link again may show another text: the first one counts. */
static bool
url_add(struct content_build *b, struct span in, struct span shown,
    struct mr_url *added)
{
	struct content_url url;
	const char *text = content_build_line(b, in);
	uint32_t *place = url_place(b, text);
	struct mr_url *u;

	if (*place != 0) {
		u = &b->urls[*place - 1];
		if (u->shown == NULL && shown.n > 0)
			u->shown = content_build_line(b, shown);
		return false;
	}
	if (!content_url_parse(b->arena, span_of(text), &url))
		return false;
	if (b->nurls == b->limits->urls || b->nurls == URLS_MAX) {
		content_build_finding(b, "CONTENT_URLS", NULL);
		return false;
	}
	b->urls =
	    grow(b->arena, b->urls, b->nurls, &b->urls_room, sizeof(*b->urls));
	u = &b->urls[b->nurls++];
	*place = b->nurls;
	u->text = text;
	u->scheme = url.scheme;
	name_host(b, u, &url);
	u->path = url.path;
	u->shown = shown.n > 0 ? content_build_line(b, shown) : NULL;
	u->obfuscated = url.obfuscated;
	*added = *u;
	return true;
}

void
content_build_url(struct content_build *b, struct span url, struct span shown)
{
	struct mr_url u;

	if (url.n > CONTENT_URL_BYTES)
		url.n = CONTENT_URL_BYTES;
	for (int i = 0; i < NESTED && url.n > 0; i++) {
		if (!url_add(b, url, shown, &u))
			return;
		url = content_url_within(u.path);
		shown = (struct span){ 0 };
	}
}
