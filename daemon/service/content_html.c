/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_html.h"

#include <string.h>
#include <strings.h>

#include "service/charset.h"

enum { URL_BYTES = 4096, SHOWN_BYTES = 256 };

/* What a tag means to a reader. */
enum tag_kind {
	INLINE,     /* nothing: it may stand within a word */
	BLOCK,      /* what follows is apart from what is before */
	RAW,        /* what it holds is no text */
	VOID_BLOCK, /* has no end tag, and stands apart */
	VOID,       /* has no end tag */
};

static const struct tag {
	const char *name;
	enum tag_kind kind;
	const char *link; /* the attribute that leads somewhere */
	bool closes;      /* another one of it ends it, at the same level */
} tags[] = {
	{ "a", INLINE, "href", true },
	{ "p", BLOCK, NULL, true },
	{ "br", VOID_BLOCK, NULL, false },
	{ "div", BLOCK, NULL, false },
	{ "span", INLINE, NULL, false },
	{ "td", BLOCK, NULL, true },
	{ "th", BLOCK, NULL, true },
	{ "tr", BLOCK, NULL, true },
	{ "table", BLOCK, NULL, false },
	{ "tbody", BLOCK, NULL, false },
	{ "li", BLOCK, NULL, true },
	{ "ul", BLOCK, NULL, false },
	{ "ol", BLOCK, NULL, false },
	{ "h1", BLOCK, NULL, true },
	{ "h2", BLOCK, NULL, true },
	{ "h3", BLOCK, NULL, true },
	{ "h4", BLOCK, NULL, true },
	{ "h5", BLOCK, NULL, true },
	{ "h6", BLOCK, NULL, true },
	{ "hr", VOID_BLOCK, NULL, false },
	{ "center", BLOCK, NULL, false },
	{ "blockquote", BLOCK, NULL, false },
	{ "pre", BLOCK, NULL, false },
	{ "body", BLOCK, NULL, false },
	{ "title", RAW, NULL, false },
	{ "option", BLOCK, NULL, true },
	{ "button", BLOCK, "formaction", false },
	{ "script", RAW, "src", false },
	{ "style", RAW, NULL, false },
	{ "svg", INLINE, NULL, false },
	{ "noframes", RAW, NULL, false },
	{ "template", RAW, NULL, false },
	{ "textarea", BLOCK, NULL, false },
	{ "form", BLOCK, "action", false },
	{ "area", VOID, "href", false },
	{ "img", VOID, "src", false },
	{ "input", VOID, "formaction", false },
	{ "link", VOID, "href", false },
	{ "base", VOID, "href", false },
	{ "meta", VOID, NULL, false },
	{ "embed", VOID, "src", false },
	{ "wbr", VOID, NULL, false },
	{ "col", VOID, NULL, false },
	{ "source", VOID, "src", false },
	{ "iframe", BLOCK, "src", false },
	{ "object", BLOCK, "data", false },
};

static const struct tag unknown = { "", INLINE, NULL, false };

struct state {
	struct content_html *html;
	struct span in;
	/* The anchor that is open. */
	bool in_link;
	char url[URL_BYTES], shown[SHOWN_BYTES];
	size_t url_n, shown_n;
	bool shown_blank;
	/* The element that is hidden, and how often it is open in itself. */
	const struct tag *hidden;
	unsigned hidden_depth;
};

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static struct span
take(struct span *in, size_t n)
{
	struct span s = { in->p, n < in->n ? n : in->n };

	in->p += s.n;
	in->n -= s.n;
	return s;
}

static bool
contains(struct span s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, word, n) == 0)
			return true;
	return false;
}

/* --- what is seen --- */

static void
show(struct state *s, uint32_t code)
{
	struct buf one = { s->shown, s->shown_n, sizeof(s->shown) };

	if (s->hidden != NULL) {
		s->html->hidden += code > ' ';
		return;
	}
	content_text_put(s->html->text, code);
	if (!s->in_link || s->shown_n + 5 >= sizeof(s->shown))
		return;
	if (code <= ' ' || code == 0xa0) {
		s->shown_blank = s->shown_n > 0;
		return;
	}
	if (s->shown_blank)
		s->shown[s->shown_n++] = ' ';
	s->shown_blank = false;
	one.n = s->shown_n;
	utf8_put(&one, code); /* there is room: it does not grow */
	s->shown_n = one.n;
}

static void
show_text(struct state *s, struct span text)
{
	uint32_t code;
	size_t n;

	while (text.n > 0) {
		n = content_html_entity(text, &code);
		if (n == 0)
			n = utf8_next(text, &code);
		if (n == 0) {
			n = 1;
			code = 0xfffd;
		}
		show(s, code);
		take(&text, n);
	}
}

/* --- attributes --- */

struct attribute {
	struct span name, value;
};

/* The next one of a tag that in stands in; false at its ">". */
static bool
next_attribute(struct span *in, struct attribute *a)
{
	size_t n = 0;

	while (in->n > 0 && (is_blank(*in->p) || *in->p == '/'))
		take(in, 1);
	if (in->n == 0 || *in->p == '>')
		return false;
	n = 1; /* whatever it is, a "=" included */
	while (n < in->n && !is_blank(in->p[n]) &&
	       memchr("/>=", in->p[n], 3) == NULL)
		n++;
	a->name = take(in, n);
	a->value = (struct span){ in->p, 0 };
	for (n = 0; n < in->n && is_blank(in->p[n]); n++)
		;
	if (n == in->n || in->p[n] != '=')
		return true;
	take(in, n + 1);
	while (in->n > 0 && is_blank(*in->p))
		take(in, 1);
	if (in->n > 0 && (*in->p == '"' || *in->p == '\'')) {
		char quote = *take(in, 1).p;
		const char *end = memchr(in->p, quote, in->n);

		a->value =
		    take(in, end != NULL ? (size_t)(end - in->p) : in->n);
		take(in, 1);
		return true;
	}
	for (n = 0; n < in->n && !is_blank(in->p[n]) && in->p[n] != '>'; n++)
		;
	a->value = take(in, n);
	return true;
}

/* As browsers read it: entities undone, line ends and tabs left out. */
static size_t
undo(struct span value, char *out, size_t size)
{
	struct buf b = { out, 0, size };
	uint32_t code;
	size_t n;

	while (value.n > 0 && is_blank(*value.p))
		take(&value, 1);
	while (value.n > 0 && b.n + 5 < size) {
		n = content_html_entity(value, &code);
		if (n == 0)
			n = utf8_next(value, &code);
		if (n == 0) {
			n = 1;
			code = 0xfffd;
		}
		if (code >= ' ' && code != 0x7f)
			utf8_put(&b, code);
		take(&value, n);
	}
	while (b.n > 0 && out[b.n - 1] == ' ')
		b.n--;
	return b.n;
}

static void
tell(struct state *s, struct span url, struct span shown)
{
	if (url.n > 0)
		s->html->link(s->html->arg, url, shown);
}

static void
end_link(struct state *s)
{
	if (!s->in_link)
		return;
	s->in_link = false;
	tell(s, (struct span){ s->url, s->url_n },
	    (struct span){ s->shown, s->shown_n });
}

static void
begin_link(struct state *s, struct span value)
{
	end_link(s);
	s->url_n = undo(value, s->url, sizeof(s->url));
	s->shown_n = 0;
	s->shown_blank = false;
	s->in_link = true;
}

/* "display:none" and its like, blanks in it or not. */
static bool
hides(struct span style)
{
	static const char *const ways[] = { "display:none", "visibility:hidden",
		"font-size:0;", "font-size:0px", "font-size:0pt",
		"font-size:0em", "opacity:0;", "mso-hide:all" };
	char text[1024];
	size_t n = 0;

	for (size_t i = 0; i < style.n && n + 1 < sizeof(text); i++)
		if (!is_blank(style.p[i]))
			text[n++] = style.p[i];
	text[n++] = ';';
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (contains((struct span){ text, n }, ways[i]))
			return true;
	return false;
}

/* <meta http-equiv=refresh content="0; url=http://..."> */
static void
tell_refresh(struct state *s, struct span content)
{
	char url[URL_BYTES];

	for (; content.n > 4; take(&content, 1))
		if (strncasecmp(content.p, "url=", 4) == 0) {
			take(&content, 4);
			tell(s,
			    (struct span){
				url, undo(content, url, sizeof(url)) },
			    (struct span){ 0 });
			return;
		}
}

struct seen {
	bool hides, password;
};

static void
use_attribute(struct state *s, const struct tag *t, const struct attribute *a,
    struct seen *seen)
{
	char url[URL_BYTES];

	if (is(a->name, "style"))
		seen->hides = seen->hides || hides(a->value);
	else if (is(a->name, "hidden"))
		seen->hides = true;
	else if (is(a->name, "type") && is(a->value, "password"))
		seen->password = true;
	else if (strcmp(t->name, "meta") == 0 && is(a->name, "content"))
		tell_refresh(s, a->value);
	if ((a->name.n > 2 && strncasecmp(a->name.p, "on", 2) == 0) &&
	    a->value.n > 0)
		s->html->scripts++;
	if (t->link == NULL || !is(a->name, t->link))
		return;
	if (strcmp(t->name, "a") == 0)
		begin_link(s, a->value);
	else
		tell(s, (struct span){ url, undo(a->value, url, sizeof(url)) },
		    (struct span){ 0 });
}

/* --- tags --- */

static const struct tag *
tag_named(struct span name)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (is(name, tags[i].name))
			return &tags[i];
	return &unknown;
}

static bool
is_void(const struct tag *t)
{
	return t->kind == VOID || t->kind == VOID_BLOCK;
}

/* What a hidden element holds is not seen until it ends. */
static void
hide(struct state *s, const struct tag *t, bool hides_itself)
{
	if (s->hidden == NULL) {
		if (hides_itself && !is_void(t) && t != &unknown) {
			s->hidden = t;
			s->hidden_depth = 1;
		}
	} else if (s->hidden == t) {
		if (t->closes && s->hidden_depth == 1)
			s->hidden = hides_itself ? t : NULL;
		else
			s->hidden_depth++;
	}
}

/* To the end tag of an element whose content is no text. */
static void
skip_raw(struct state *s, const struct tag *t)
{
	size_t n = strlen(t->name);

	while (s->in.n > 0) {
		const char *end = memchr(s->in.p, '<', s->in.n);

		if (end == NULL) {
			take(&s->in, s->in.n);
			return;
		}
		take(&s->in, (size_t)(end - s->in.p));
		if (s->in.n >= n + 2 && s->in.p[1] == '/' &&
		    strncasecmp(s->in.p + 2, t->name, n) == 0)
			return;
		take(&s->in, 1);
	}
}

static void
start_tag(struct state *s, const struct tag *t)
{
	struct seen seen = { false, false };
	struct attribute a;

	/* An "a" within another ends it, even if it leads nowhere. */
	if (strcmp(t->name, "a") == 0)
		end_link(s);
	while (next_attribute(&s->in, &a))
		use_attribute(s, t, &a, &seen);
	take(&s->in, 1);
	s->html->forms += seen.password;
	if (t->kind == BLOCK || t->kind == VOID_BLOCK)
		show(s, ' ');
	hide(s, t, seen.hides);
	if (t->kind != RAW)
		return;
	s->html->scripts += strcmp(t->name, "script") == 0;
	skip_raw(s, t);
}

static void
end_tag(struct state *s, const struct tag *t)
{
	const char *end = memchr(s->in.p, '>', s->in.n);

	take(&s->in, end != NULL ? (size_t)(end - s->in.p) + 1 : s->in.n);
	if (strcmp(t->name, "a") == 0)
		end_link(s);
	if (s->hidden != NULL && s->hidden == t && --s->hidden_depth == 0)
		s->hidden = NULL;
	if (t->kind == BLOCK)
		show(s, ' ');
}

/* "<!-- -->", "<!doctype>", "<?xml ?>" */
static void
skip_declaration(struct state *s)
{
	const char *end;

	if (s->in.n >= 4 && memcmp(s->in.p, "<!--", 4) == 0) {
		/* "<!-->" is a whole one. */
		end = memmem(s->in.p + 2, s->in.n - 2, "-->", 3);
		take(&s->in,
		    end != NULL ? (size_t)(end - s->in.p) + 3 : s->in.n);
		return;
	}
	end = memchr(s->in.p, '>', s->in.n);
	take(&s->in, end != NULL ? (size_t)(end - s->in.p) + 1 : s->in.n);
}

static struct span
tag_name(struct span *in)
{
	size_t n = 0;

	while (n < in->n && n < 32 && !is_blank(in->p[n]) && in->p[n] != '>' &&
	       in->p[n] != '/')
		n++;
	return take(in, n);
}

/* in begins with "<". */
static void
markup(struct state *s)
{
	char next = s->in.n > 1 ? s->in.p[1] : '\0';

	if (next == '!' || next == '?') {
		skip_declaration(s);
	} else if (is_letter(next)) {
		take(&s->in, 1);
		start_tag(s, tag_named(tag_name(&s->in)));
	} else if (next == '/' && s->in.n > 2 && is_letter(s->in.p[2])) {
		take(&s->in, 2);
		end_tag(s, tag_named(tag_name(&s->in)));
	} else {
		take(&s->in, 1);
		show(s, '<');
	}
}

void
content_html_strip(struct content_html *html, struct span in)
{
	struct state s = { .html = html, .in = in };

	while (s.in.n > 0) {
		const char *tag = memchr(s.in.p, '<', s.in.n);

		show_text(&s,
		    take(&s.in, tag != NULL ? (size_t)(tag - s.in.p) : s.in.n));
		if (tag != NULL)
			markup(&s);
	}
	end_link(&s);
}
