/* SPDX-License-Identifier: Apache-2.0 */
#include "service/mailbox.h"

#include <string.h>

#include "base/buf.h"
#include "service/domain.h"
#include "service/encoded_word.h"

enum kind { END, WORD, QUOTED, LITERAL, SPECIAL };

struct token {
	enum kind kind;
	struct span text; /* as written */
	bool spaced;      /* blanks or a comment stand before it */
};

struct parser {
	struct arena *arena;
	struct span in;
	struct token token;  /* the next one */
	struct span comment; /* the last one in this address; p NULL: none */
	/* One did not end, so none that begins later does. */
	bool no_comments, no_quotes, no_literals;
	bool in_group, broken;
	bool separated; /* nothing, or a comma, stands before the token */
	struct buf display, local;
	struct mr_mailbox *items;
	uint32_t count, room;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 5322, 3.2.3, and RFC 6532, 3.2 */
static bool
is_atext(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u > ' ' && u < 0x7f &&
				memchr("()<>[]:;@\\,.\"", c, 13) == NULL);
}

static void
skip(struct parser *p, size_t n)
{
	p->in.p += n;
	p->in.n -= n;
}

/*
 * Bytes from the opening to the closing one; 0: it is not closed.  Comments
 * nest.  A backslash takes the next byte with it, but not in a literal.
 */
static size_t
enclosed(struct span s, char close, bool nests)
{
	size_t depth = 1;

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\' && close != ']')
			i++;
		else if (s.p[i] == close && --depth == 0)
			return i + 1;
		else if (nests && s.p[i] == s.p[0])
			depth++;
	}
	return 0;
}

/* Blanks and comments.  True if there were some. */
static bool
skip_blanks(struct parser *p)
{
	const char *start = p->in.p;

	while (p->in.n > 0) {
		size_t n = 1;

		if (p->in.p[0] == '(' && !p->no_comments) {
			n = enclosed(p->in, ')', true);
			if (n == 0) {
				p->no_comments = true;
				break;
			}
			p->comment = (struct span){ p->in.p + 1, n - 2 };
		} else if (!is_blank(p->in.p[0])) {
			break;
		}
		skip(p, n);
	}
	return p->in.p != start;
}

static size_t
atom_length(struct span s)
{
	/* Many do not keep its text free of special characters. */
	size_t n = encoded_word_length(s);

	while (n < s.n && is_atext(s.p[n]))
		n++;
	return n;
}

static enum kind
measure(struct parser *p, size_t *n)
{
	if (p->in.p[0] == '"' && !p->no_quotes) {
		if ((*n = enclosed(p->in, '"', false)) > 0)
			return QUOTED;
		p->no_quotes = true;
	}
	if (p->in.p[0] == '[' && !p->no_literals) {
		if ((*n = enclosed(p->in, ']', false)) > 0)
			return LITERAL;
		p->no_literals = true;
	}
	if ((*n = atom_length(p->in)) > 0)
		return WORD;
	*n = 1;
	return SPECIAL;
}

static void
next(struct parser *p)
{
	size_t n = 0;

	p->token.spaced = skip_blanks(p);
	p->token.kind = p->in.n > 0 ? measure(p, &n) : END;
	p->token.text = (struct span){ p->in.p, n };
	skip(p, n);
}

static bool
is_special(const struct parser *p, char c)
{
	return p->token.kind == SPECIAL && p->token.text.p[0] == c;
}

/* The inside of a quoted string or comment: folds and backslashes off. */
static void
put_unquoted(struct buf *b, struct span s)
{
	buf_put(b, "", 0);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_char(b, s.p[i]);
	}
}

static struct span
inside(struct span s)
{
	return (struct span){ s.p + 1, s.n - 2 };
}

/* False: no program would send it so without quotes. */
static bool
put_local(struct parser *p)
{
	struct span text = p->token.text;
	bool plain = true;

	if (p->token.kind == QUOTED) {
		put_unquoted(&p->local, inside(text));
		return true;
	}
	for (size_t i = 0; i < text.n; i++)
		plain = plain && (text.p[i] == '.' || is_atext(text.p[i]));
	buf_put(&p->local, text.p, text.n);
	return plain;
}

static void
put_display(struct parser *p)
{
	struct buf *b = &p->display;

	if (p->token.spaced && b->n > 0)
		buf_char(b, ' ');
	if (p->token.kind == QUOTED)
		put_unquoted(b, inside(p->token.text));
	else
		buf_put(b, p->token.text.p, p->token.text.n);
}

/* What stands before one of "<@:,;", read as a name and as a local part. */
struct phrase {
	unsigned words;
	bool valid; /* as a local part: words with single dots between */
};

/* display: whether to read it as a name too. */
static struct phrase
read_phrase(struct parser *p, bool display)
{
	struct phrase ph = { 0, true };
	bool dot = true;

	buf_cut(&p->local, 0);
	if (display)
		buf_cut(&p->display, 0);
	for (;; next(p)) {
		bool is_dot = is_special(p, '.');

		if (!is_dot &&
		    (p->token.kind == END || p->token.kind == SPECIAL))
			break;
		if (is_dot && dot)
			ph.valid = false;
		if (!is_dot && !dot) {
			/* Of "a b@example.com" b is the address. */
			buf_cut(&p->local, 0);
			ph.valid = false;
		}
		p->broken = p->broken || p->token.kind == LITERAL;
		ph.words += !is_dot;
		dot = is_dot;
		if (display)
			put_display(p);
		ph.valid = put_local(p) && ph.valid;
	}
	ph.valid = ph.valid && !dot;
	return ph;
}

/* Without its blanks, in lower case. */
static const char *
literal(struct parser *p)
{
	struct span s = p->token.text;
	char *text = arena_copy_span(p->arena, s), *to = text;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_blank(c))
			continue;
		if (c < ' ' || c > '~')
			return NULL;
		*to++ = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	*to = '\0';
	return to > text + 2 ? text : NULL;
}

/* After the "@".  NULL: there is no domain that is one. */
static const char *
read_domain(struct parser *p)
{
	struct buf name = { 0 };
	const char *domain = NULL;

	if (p->token.kind == LITERAL) {
		domain = literal(p);
		next(p);
		return domain;
	}
	while (p->token.kind == WORD) {
		buf_put(&name, p->token.text.p, p->token.text.n);
		next(p);
		if (!is_special(p, '.'))
			break;
		buf_char(&name, '.');
		next(p);
	}
	if (name.n > 0) {
		p->broken = p->broken || name.p[name.n - 1] == '.';
		domain =
		    domain_to_ascii(p->arena, (struct span){ name.p, name.n });
	}
	buf_finish(&name);
	return domain;
}

static bool
is_dot_atom(struct span s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !is_atext(s.p[i]))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

static void
put_address(struct buf *b, struct span local, const char *domain)
{
	bool bare = is_dot_atom(local);

	if (!bare)
		buf_char(b, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (!bare && (local.p[i] == '"' || local.p[i] == '\\'))
			buf_char(b, '\\');
		buf_char(b, local.p[i]);
	}
	buf_printf(b, "%s@%s", bare ? "" : "\"", domain);
}

static const char *
keep(struct parser *p, struct buf *b)
{
	const char *text =
	    arena_copy_span(p->arena, (struct span){ b->p, b->n });

	buf_finish(b);
	return text;
}

/* Its local part is in p->local, its name in p->display. */
static void
add_mailbox(struct parser *p, const char *domain)
{
	struct buf display = { 0 }, address = { 0 };
	struct mr_mailbox *m;

	if (p->count == p->room) {
		p->broken = true;
		return;
	}
	for (size_t i = 0; i < p->local.n; i++) {
		unsigned char c = (unsigned char)p->local.p[i];

		if (c >= ' ' && c != 0x7f)
			continue;
		p->local.p[i] = '?';
		p->broken = true;
	}
	m = &p->items[p->count++];
	encoded_word_decode(
	    &display, (struct span){ p->display.p, p->display.n });
	put_address(&address, (struct span){ p->local.p, p->local.n }, domain);
	m->display = keep(p, &display);
	m->address = keep(p, &address);
	m->local =
	    arena_copy_span(p->arena, (struct span){ p->local.p, p->local.n });
	m->domain = domain;
}

/* obs-route: "@a,@b:" */
static void
skip_route(struct parser *p)
{
	while (is_special(p, '@') || is_special(p, ',')) {
		bool at = is_special(p, '@');

		next(p);
		if (at && read_domain(p) == NULL)
			p->broken = true;
	}
	if (is_special(p, ':'))
		next(p);
	else
		p->broken = true;
}

/* The token is "<". */
static void
read_angle(struct parser *p)
{
	const char *domain = NULL;
	struct phrase ph;

	next(p);
	if (is_special(p, '@'))
		skip_route(p);
	ph = read_phrase(p, false);
	if (is_special(p, '@') && ph.words > 0) {
		next(p);
		domain = read_domain(p);
	}
	p->broken = p->broken || !ph.valid || domain == NULL;
	if (domain != NULL)
		add_mailbox(p, domain);
	if (is_special(p, '>'))
		next(p);
	else
		p->broken = true;
}

/* The token is the "@" after a local part. */
static void
read_bare(struct parser *p, const char *start, bool valid)
{
	const char *domain;

	next(p);
	domain = read_domain(p);
	p->broken = p->broken || !valid || domain == NULL;
	if (is_special(p, '<')) {
		/* "a@example.com <a@example.com>": it is meant as a name. */
		p->broken = true;
		buf_cut(&p->display, 0);
		put_unquoted(&p->display,
		    (struct span){ start, (size_t)(p->token.text.p - start) });
		read_angle(p);
		return;
	}
	if (domain == NULL)
		return;
	/* Before RFC 2822: "a@example.com (Name)". */
	buf_cut(&p->display, 0);
	if (p->comment.p != NULL)
		put_unquoted(&p->display, p->comment);
	add_mailbox(p, domain);
}

static void
read_address(struct parser *p)
{
	const char *start = p->token.text.p;
	struct phrase ph;

	p->broken = p->broken || !p->separated;
	p->separated = false;
	ph = read_phrase(p, true);
	if (is_special(p, '<')) {
		read_angle(p);
	} else if (is_special(p, '@') && ph.words > 0) {
		read_bare(p, start, ph.valid);
	} else if (is_special(p, ':') && ph.words > 0 && !p->in_group) {
		p->in_group = p->separated = true;
		next(p);
	} else {
		p->broken = true;
		if (p->token.kind == SPECIAL && !is_special(p, ',') &&
		    !is_special(p, ';'))
			next(p);
	}
}

static void
read_list(struct parser *p)
{
	p->separated = true;
	for (next(p); p->token.kind != END;) {
		bool end = is_special(p, ';');

		if (!end && !is_special(p, ',')) {
			read_address(p);
			continue;
		}
		p->broken = p->broken || (end && !p->in_group);
		p->in_group = p->in_group && !end;
		/* After a group comes a comma; empty elements are old. */
		p->separated = true;
		p->comment = (struct span){ NULL, 0 };
		next(p);
	}
	p->broken = p->broken || p->in_group || p->no_comments ||
		    p->no_quotes || p->no_literals;
}

const struct mr_mailboxes *
mailbox_parse(struct arena *arena, struct span value)
{
	struct parser p = { .arena = arena, .in = value };
	struct mr_mailboxes *found = arena_alloc(arena, sizeof(*found));

	for (size_t i = 0; i < value.n && p.room < MAILBOX_COUNT; i++)
		p.room += value.p[i] == '@';
	p.items = arena_alloc(arena, p.room * sizeof(*p.items));
	read_list(&p);
	buf_finish(&p.display);
	buf_finish(&p.local);
	*found = (struct mr_mailboxes){ p.count, p.items, p.broken };
	return found;
}
