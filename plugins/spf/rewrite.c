/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite.h"

#include <string.h>

/* "0.25.0.a": the end looks like a top-level domain, as libspf2 wants it. */
void
tag_print(const struct tag *tag, struct text *out)
{
	text_number(out, tag->record);
	text_char(out, '.');
	text_number(out, tag->offset);
	text_char(out, '.');
	text_number(out, tag->host);
	text_char(out, '.');
	text_char(out, (char)tag->kind);
}

static bool
parse_number(struct span s, uint32_t *number)
{
	uint64_t n = 0;

	if (s.n == 0 || s.n > 9)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!text_is_digit(s.p[i]))
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*number = (uint32_t)n;
	return true;
}

bool
tag_parse(const char *text, struct tag *tag)
{
	struct span s = span_of(text);
	struct tag t = { .kind = TAG_MARK };

	if (!parse_number(span_cut(&s, '.'), &t.record) ||
	    !parse_number(span_cut(&s, '.'), &t.offset) ||
	    !parse_number(span_cut(&s, '.'), &t.host))
		return false;
	if (s.n != 1 || s.p[0] == '\0' || strchr("tamhpeirx", s.p[0]) == NULL)
		return false;
	t.kind = (enum tag_kind)s.p[0];
	*tag = t;
	return true;
}

void
rewrite_term(struct span record, uint32_t offset, struct term *t)
{
	struct span rest = { record.p + offset, record.n - offset };
	const char *why;

	if (!record_next(&rest, t, &why))
		*t = (struct term){ .kind = TERM_OTHER };
}

/* What is written, and what it is written from. */
struct rewrite {
	struct text *out;
	struct tag tag; /* of the term at hand */
	const struct address *client;
	uint32_t asks;
};

static void
put_tagged(struct rewrite *w, const char *name, enum tag_kind kind)
{
	text_string(w->out, name);
	w->tag.kind = kind;
	tag_print(&w->tag, w->out);
}

/* Of a host's addresses 0 bits are told by the answer: see eval_addresses(). */
static void
put_length(struct rewrite *w, const struct term *t)
{
	uint8_t bits = w->client->bits == 32 ? t->bits4 : t->bits6;

	if (bits == 0 || bits == w->client->bits)
		return;
	text_string(w->out, w->client->bits == 32 ? "/" : "//");
	text_number(w->out, bits);
}

static void
put_network(struct rewrite *w, const struct term *t)
{
	uint8_t bits = t->kind == TERM_IP4 ? t->bits4 : t->bits6;

	if (bits == 0) {
		text_string(w->out, "all");
		return;
	}
	text_string(w->out, t->kind == TERM_IP4 ? "ip4:" : "ip6:");
	address_print(&t->network, w->out);
	text_char(w->out, '/');
	text_number(w->out, bits);
}

/* True: it matches in any case, so that nothing behind it is reached. */
static bool
put_sure(struct rewrite *w, const struct term *t)
{
	uint8_t bits = t->kind == TERM_IP4 ? t->bits4 : t->bits6;

	if (t->kind != TERM_ALL && !address_in(w->client, &t->network, bits))
		return false;
	put_tagged(w, " ?exists:", TAG_MARK);
	text_char(w->out, ' ');
	text_char(w->out, t->qualifier);
	if (t->kind == TERM_ALL)
		text_string(w->out, "all");
	else
		put_network(w, t);
	return true;
}

static void
put_asking(struct rewrite *w, const struct term *t)
{
	static const struct {
		const char *name;
		enum tag_kind kind;
	} names[] = {
		[TERM_INCLUDE] = { "include:", TAG_INCLUDE },
		[TERM_A] = { "a:", TAG_ADDRESS },
		[TERM_MX] = { "mx:", TAG_MX },
		[TERM_PTR] = { "exists:", TAG_PTR },
		[TERM_EXISTS] = { "exists:", TAG_EXISTS },
	};

	text_char(w->out, ' ');
	text_char(w->out, t->qualifier);
	put_tagged(w, names[t->kind].name, names[t->kind].kind);
	if (t->kind == TERM_A || t->kind == TERM_MX)
		put_length(w, t);
}

/* True: nothing that stands behind it is ever reached. */
static bool
put_term(struct rewrite *w, const struct term *t)
{
	switch (t->kind) {
	case TERM_ALL:
	case TERM_IP4:
	case TERM_IP6:
		return put_sure(w, t);
	case TERM_INCLUDE:
	case TERM_A:
	case TERM_MX:
	case TERM_PTR:
	case TERM_EXISTS:
		put_asking(w, t);
		return w->asks-- == 0;
	default:
		return false;
	}
}

void
rewrite_record(struct span record, uint32_t number,
    const struct address *client, uint32_t asks, struct text *out)
{
	struct rewrite w = { .out = out,
		.tag = { .record = number },
		.client = client,
		.asks = asks };
	struct span rest = record_terms(record);
	uint32_t redirect = 0;
	const char *why;
	struct term t;

	text_string(out, "v=spf1");
	while (record_next(&rest, &t, &why)) {
		w.tag.offset = (uint32_t)(t.text.p - record.p);
		if (t.kind == TERM_REDIRECT)
			redirect = w.tag.offset;
		else if (put_term(&w, &t))
			return;
	}
	if (redirect == 0)
		return;
	w.tag.offset = redirect;
	put_tagged(&w, " redirect=", TAG_REDIRECT);
}
