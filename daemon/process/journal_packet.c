/* SPDX-License-Identifier: Apache-2.0 */
/* Records to packets and back.  No socket and no database here. */
#include "process/journal_packet.h"

#include <string.h>

#include "base/json.h"
#include "base/wire.h"
#include "millrace/plugin.h"
#include "process/journal_shorten.h"

enum { COLUMN_MAX = 512, OBSERVED_MAX = 4096 };

/* A column serves to find the row: what is longer is cut. */
static void
put_column(struct buf *b, const char *text)
{
	size_t n = text != NULL ? strnlen(text, COLUMN_MAX) : 0;

	if (text == NULL) {
		wire_text(b, NULL);
		return;
	}
	wire_u32(b, (uint32_t)n + 1);
	buf_put(b, text, n);
	buf_char(b, '\0');
}

static void
put_observed(struct buf *b, const struct record_step *s)
{
	struct buf list = { 0 };

	for (; s != NULL && list.n < OBSERVED_MAX; s = s->next)
		if (s->observed && s->verdict >= MR_ACCEPT)
			buf_printf(&list, "\n%s:%s\n", s->instance,
			    verdict_name(s->verdict));
	wire_text(b, list.p);
	buf_finish(&list);
}

static void
put_columns(struct buf *b, const struct record *r)
{
	wire_u8(b, JOURNAL_RECORD);
	wire_u64(b, (uint64_t)r->time_us);
	put_column(b, r->id != NULL ? r->id : "-");
	put_column(b, r->queue_id);
	put_column(b, r->sender);
	put_column(b, r->login);
	put_column(b, r->client_addr);
	put_column(b, r->listener);
	put_column(b, r->outcome != NULL ? r->outcome : "-");
	put_column(b, r->by);
	put_observed(b, r->steps);
}

static void
put_shortened(struct buf *b, const struct record *r, unsigned strength)
{
	struct arena *arena = arena_create(16384);

	record_json(journal_shorten(arena, r, strength), b);
	buf_cut(b, b->n - 1); /* its brace */
	json_bool(b, "shortened", true);
	json_close(b, '}');
	arena_destroy(&arena);
}

void
journal_packet_put(struct buf *b, const struct record *r)
{
	struct buf json = { 0 };
	size_t room;

	put_columns(b, r);
	room = JOURNAL_PACKET_MAX - b->n - sizeof(uint32_t);
	record_json(r, &json);
	for (unsigned i = 0; json.n > room && i < JOURNAL_SHORTEN_STEPS; i++) {
		buf_cut(&json, 0);
		put_shortened(&json, r, i);
	}
	wire_bytes(b, (struct span){ json.p, json.n });
	buf_finish(&json);
}

void
journal_packet_put_flush(struct buf *b)
{
	wire_u8(b, JOURNAL_FLUSH);
}

bool
journal_packet_get(
    struct span packet, enum journal_packet *kind, struct journal_row *row)
{
	struct wire w = { .in = packet };
	struct journal_row r;

	*kind = wire_get_u8(&w);
	if (*kind == JOURNAL_FLUSH)
		return !w.bad && w.in.n == 0;
	if (*kind != JOURNAL_RECORD)
		return false;
	r.time_us = (int64_t)wire_get_u64(&w);
	r.id = wire_get_text(&w);
	r.queue_id = wire_get_text(&w);
	r.sender = wire_get_text(&w);
	r.login = wire_get_text(&w);
	r.client = wire_get_text(&w);
	r.listener = wire_get_text(&w);
	r.verdict = wire_get_text(&w);
	r.by = wire_get_text(&w);
	r.observed = wire_get_text(&w);
	r.json = wire_get_bytes(&w);
	if (w.bad || w.in.n != 0 || r.id == NULL || r.verdict == NULL ||
	    r.json.n < 2 || r.json.p[0] != '{' || r.json.p[r.json.n - 1] != '}')
		return false;
	*row = r;
	return true;
}
