/* SPDX-License-Identifier: Apache-2.0 */
#include "link/frame.h"

#include <string.h>

enum { NEW_BODY_PART = 256 * 1024, LIST_MAX = 4096, EDITS_MAX = 1 << 20 };

void
frame_open(struct buf *b, const struct link_open *o)
{
	size_t at = wire_begin(b, FRAME_OPEN, 0, 0);

	wire_u64(b, o->session);
	wire_text(b, o->socket);
	wire_u32(b, o->stages);
	wire_u32(b, o->actions);
	wire_u32(b, o->wants);
	wire_u64(b, o->macros);
	wire_u8(b, (uint8_t)o->fault);
	wire_u32(b, (uint32_t)o->pid);
	wire_u32(b, (uint32_t)o->instance);
	wire_end(b, at);
}

bool
frame_get_open(struct span body, struct link_open *o)
{
	struct wire w = { .in = body };

	o->session = wire_get_u64(&w);
	o->socket = wire_get_text(&w);
	o->stages = wire_get_u32(&w);
	o->actions = wire_get_u32(&w);
	o->wants = wire_get_u32(&w);
	o->macros = wire_get_u64(&w);
	o->fault = (enum fault_kind)wire_get_u8(&w);
	o->pid = (int32_t)wire_get_u32(&w);
	o->instance = (int32_t)wire_get_u32(&w);
	return !w.bad && w.in.n == 0 && o->fault <= FAULT_SILENT &&
	       o->socket != NULL;
}

void
frame_hello(struct buf *b, const struct link_hello *h)
{
	size_t at = wire_begin(b, FRAME_HELLO, 0, 0);

	wire_u32(b, (uint32_t)h->pid);
	wire_end(b, at);
}

bool
frame_get_hello(struct span body, struct link_hello *h)
{
	struct wire w = { .in = body };

	h->pid = (int32_t)wire_get_u32(&w);
	return !w.bad;
}

void
frame_overrun(struct buf *b, int32_t instance)
{
	size_t at = wire_begin(b, FRAME_OVERRUN, 0, 0);

	wire_u32(b, (uint32_t)instance);
	wire_end(b, at);
}

bool
frame_get_overrun(struct span body, int32_t *instance)
{
	struct wire w = { .in = body };

	*instance = (int32_t)wire_get_u32(&w);
	return !w.bad;
}

/* A list of texts that ends with NULL; NULL is an empty one. */
static void
put_list(struct buf *b, const char *const *list)
{
	uint32_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	wire_u32(b, n);
	for (uint32_t i = 0; i < n; i++)
		wire_text(b, list[i]);
}

static const char *const *
get_list(struct wire *w, struct arena *arena)
{
	uint32_t n = wire_get_u32(w);
	const char **list;

	if (n > LIST_MAX)
		w->bad = true;
	if (w->bad)
		return NULL;
	list = arena_alloc(arena, ((size_t)n + 1) * sizeof(*list));
	for (uint32_t i = 0; i < n; i++)
		if ((list[i] = wire_get_text(w)) == NULL)
			w->bad = true;
	return list;
}

enum { EVENT_LOCAL = 1, EVENT_REJECTED = 2 };

void
frame_event(struct buf *b, const struct event *e, uint8_t flags,
    const struct body_range *range)
{
	size_t at = wire_begin(b, FRAME_EVENT, flags, (uint16_t)e->stage);

	wire_text(b, e->text);
	wire_text(b, e->value);
	wire_text(b, e->message_id);
	put_list(b, e->args);
	put_list(b, e->macros);
	wire_u32(b, e->port);
	wire_u8(b, (uint8_t)((e->local ? EVENT_LOCAL : 0) |
			     (e->rejected ? EVENT_REJECTED : 0)));
	wire_u64(b, range != NULL ? range->offset : 0);
	wire_u64(b, range != NULL ? range->length : 0);
	wire_end(b, at);
}

/* Stages whose callbacks are promised a text. */
static bool
has_its_text(const struct event *e)
{
	switch (e->stage) {
	case STAGE_HEADER:
		return e->text != NULL && e->value != NULL;
	case STAGE_CONNECT:
	case STAGE_HELO:
	case STAGE_MAIL:
	case STAGE_RCPT:
	case STAGE_UNKNOWN:
		return e->text != NULL;
	default:
		return true;
	}
}

bool
frame_get_event(const struct wire_frame *f, struct span body,
    struct arena *arena, struct event *e, struct body_range *range)
{
	struct wire w = { .in = body };
	unsigned stage = f->extra & 0xff, given = f->extra >> 8;
	uint8_t flags;

	memset(e, 0, sizeof(*e));
	if (stage >= STAGE_COUNT || given >= ANSWER_COUNT)
		return false;
	e->stage = (enum stage)stage;
	e->told = f->flags & EVENT_TOLD;
	e->given = (enum answer_kind)given;
	e->text = wire_get_text(&w);
	e->value = wire_get_text(&w);
	e->message_id = wire_get_text(&w);
	e->args = get_list(&w, arena);
	e->macros = get_list(&w, arena);
	e->port = (uint16_t)wire_get_u32(&w);
	flags = wire_get_u8(&w);
	e->local = flags & EVENT_LOCAL;
	e->rejected = flags & EVENT_REJECTED;
	range->offset = wire_get_u64(&w);
	range->length = wire_get_u64(&w);
	return !w.bad && w.in.n == 0 && has_its_text(e);
}

void
frame_mark_told(char *p, enum answer_kind given)
{
	struct wire_frame f;

	memcpy(&f, p, sizeof(f));
	f.flags = EVENT_TOLD;
	f.extra = (uint16_t)((f.extra & 0xff) | (unsigned)given << 8);
	memcpy(p, &f, sizeof(f));
}

static void
put_new_body(struct buf *b, struct span bytes)
{
	while (bytes.n > 0) {
		size_t n = bytes.n < NEW_BODY_PART ? bytes.n : NEW_BODY_PART;
		size_t at = wire_begin(b, FRAME_NEW_BODY, 0, 0);

		buf_put(b, bytes.p, n);
		wire_end(b, at);
		bytes.p += n;
		bytes.n -= n;
	}
}

void
frame_answer(struct buf *b, const struct answer *a)
{
	size_t at;

	for (size_t i = 0; i < a->nedits; i++)
		if (a->edits[i].kind == EDIT_REPLACE_BODY)
			put_new_body(b, a->edits[i].bytes);
	at = wire_begin(b, FRAME_ANSWER, 0, (uint16_t)a->kind);
	wire_u8(b, (uint8_t)a->kind);
	wire_u32(b, a->code);
	wire_text(b, a->dsn);
	wire_text(b, a->text);
	wire_u32(b, (uint32_t)a->nedits);
	for (size_t i = 0; i < a->nedits; i++) {
		wire_u8(b, (uint8_t)a->edits[i].kind);
		wire_u32(b, a->edits[i].index);
		wire_text(b, a->edits[i].name);
		wire_text(b, a->edits[i].value);
	}
	wire_end(b, at);
}

static bool
get_edit(struct wire *w, struct span new_body, struct edit *e)
{
	uint8_t kind = wire_get_u8(w);

	e->kind = (enum edit_kind)kind;
	e->index = wire_get_u32(w);
	e->name = wire_get_text(w);
	e->value = wire_get_text(w);
	if (kind == EDIT_REPLACE_BODY)
		e->bytes = new_body;
	return !w->bad && kind < EDIT_KINDS &&
	       (e->name != NULL || kind >= EDIT_REPLACE_BODY);
}

bool
frame_get_answer(struct span body, struct arena *arena, struct span new_body,
    struct answer *a)
{
	struct wire w = { .in = body };
	struct edit *edits;
	uint8_t kind = wire_get_u8(&w);

	a->kind = (enum answer_kind)kind;
	a->code = (uint16_t)wire_get_u32(&w);
	a->dsn = wire_get_text(&w);
	a->text = wire_get_text(&w);
	a->nedits = wire_get_u32(&w);
	a->edits = NULL;
	if (w.bad || kind >= ANSWER_COUNT || a->nedits > EDITS_MAX ||
	    (a->code != 0 && (a->dsn == NULL || a->text == NULL)))
		return false;
	edits = arena_alloc(arena, (a->nedits + 1) * sizeof(*edits));
	for (size_t i = 0; i < a->nedits; i++)
		if (!get_edit(&w, new_body, &edits[i]))
			return false;
	a->edits = edits;
	return w.in.n == 0;
}
