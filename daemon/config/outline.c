/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "config/outline.h"
#include "config/scan.h"

enum state {
	WANT_NAME,
	WANT_SIGN,    /* after a name */
	WANT_VALUE,   /* after = */
	WANT_ITEM,    /* in a list */
	WANT_BRACE,   /* after a section's title */
	WANT_FILE,    /* after include( */
	WANT_CLOSING, /* after include("file" */
	LOST          /* libconfuse will say what is wrong */
};

struct reader {
	struct outline *outline;
	struct scan scan;
	struct scan_token token;
	struct buf word; /* the token's, decoded */
	enum state state;
	struct tree_section *section; /* NULL: outside */
	unsigned written;             /* newlines in outline->text */
	char *name, *title;           /* the last ones; arena */
	unsigned name_line;
	size_t items; /* of the list */
	bool failed;
};

static struct config_place
at(const struct reader *r, unsigned line)
{
	return (struct config_place){ r->outline->file, line };
}

static void
fail(struct reader *r, unsigned line, const char *why)
{
	errors_add(r->outline->errors, at(r, line), "%s", why);
	r->failed = true;
}

static void
write_line(struct reader *r, unsigned line)
{
	for (; r->written + 1 < line; r->written++)
		buf_char(&r->outline->text, '\n');
	buf_char(&r->outline->text, ' ');
}

static void
write_word(struct reader *r, unsigned line, const char *text)
{
	write_line(r, line);
	scan_encode(text, &r->outline->text);
}

static void
write_mark(struct reader *r)
{
	write_line(r, r->token.line);
	buf_char(&r->outline->text, r->token.mark);
}

static char *
keep(struct reader *r)
{
	return arena_copy(r->outline->tree->arena, r->word.p);
}

static struct tree_section *
here(struct reader *r)
{
	return r->section != NULL ? r->section : &r->outline->tree->root;
}

static void
take_name(struct reader *r)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_";

	/* libconfuse takes | and = in a name for a path to other sections */
	if (r->word.p[0] == '\0' ||
	    r->word.p[strspn(r->word.p, good)] != '\0') {
		errors_add(r->outline->errors, at(r, r->token.line),
		    "\"%s\" is not a name of an option, section or plugin",
		    r->word.p);
		r->failed = true;
		return;
	}
	r->name = keep(r);
	r->name_line = r->token.line;
	r->state = WANT_SIGN;
}

static void
add_option(struct reader *r)
{
	struct tree_section *s = here(r);
	struct tree_setting *old = tree_setting(s, r->name);
	struct config_place place = at(r, r->name_line);

	if (old != NULL) {
		old->twice = true;
		errors_add(r->outline->errors, place,
		    "%s is said twice%s: it stands in %s:%u already", r->name,
		    r->section != NULL ? " in one section" : "",
		    old->place.file, old->place.line);
	} else if (s->count >= OUTLINE_OPTIONS) {
		fail(r, r->name_line, "too many options in one section");
	} else {
		tree_add_setting(r->outline->tree, s, r->name, place);
	}
}

static void
add_section(struct reader *r)
{
	struct tree *tree = r->outline->tree;
	char number[24];

	if (tree->count >= OUTLINE_SECTIONS) {
		fail(r, r->name_line, "too many sections");
		return;
	}
	r->section =
	    tree_add_section(tree, r->name, r->title, at(r, r->name_line));
	snprintf(number, sizeof(number), "%zu", r->section->number);
	write_word(r, r->name_line, r->name);
	write_word(r, r->name_line, number);
}

static void
add_include(struct reader *r)
{
	struct outline *o = r->outline;

	if (o->nincludes == OUTLINE_INCLUDES) {
		fail(r, r->name_line, "too many includes in one file");
		return;
	}
	o->includes[o->nincludes].path = keep(r);
	o->includes[o->nincludes++].line = r->token.line;
}

/* Hand on what was held back, and libconfuse finds the error. */
static void
lose(struct reader *r)
{
	if (r->state == WANT_SIGN || r->state == WANT_BRACE) {
		if (tree_setting(here(r), r->name) == NULL)
			add_option(r);
		write_word(r, r->name_line, r->name);
		r->outline->blame = r->name_line;
	}
	if (r->state == WANT_BRACE)
		write_word(r, r->name_line, r->title);
	r->state = LOST;
}

static void
missing_title(struct reader *r)
{
	errors_add(r->outline->errors, at(r, r->name_line),
	    "a section needs a name: %s \"name\" { ... }", r->name);
	r->failed = true;
}

/* A mark after an option's or section's name. */
static bool
mark_after_name(struct reader *r, char mark)
{
	if (mark == '=') {
		add_option(r);
		write_word(r, r->name_line, r->name);
		r->state = WANT_VALUE;
		return true;
	}
	if (mark == '(' && strcmp(r->name, "include") == 0) {
		if (r->section != NULL)
			fail(r, r->name_line,
			    "include stands outside of sections: close this "
			    "one first");
		r->state = WANT_FILE;
		return true;
	}
	if (mark == '{' && r->section == NULL)
		missing_title(r);
	return false;
}

/* False: it does not belong here. */
static bool
take_mark(struct reader *r, char mark)
{
	switch (r->state) {
	case WANT_NAME:
		if (mark != '}' || r->section == NULL)
			return false;
		r->section = NULL;
		return true;
	case WANT_SIGN:
		return mark_after_name(r, mark);
	case WANT_VALUE:
		if (mark != '{')
			return false;
		r->state = WANT_ITEM;
		r->items = 0;
		return true;
	case WANT_ITEM:
		if (mark == '}')
			r->state = WANT_NAME;
		return mark == '}' || mark == ',';
	case WANT_BRACE:
		if (mark != '{')
			return false;
		add_section(r);
		r->state = WANT_NAME;
		return true;
	case WANT_CLOSING:
		if (mark == ')')
			r->state = WANT_NAME;
		return mark == ')';
	default:
		return false;
	}
}

static bool
take_word(struct reader *r)
{
	switch (r->state) {
	case WANT_NAME:
		take_name(r);
		return true;
	case WANT_SIGN:
		if (r->section != NULL)
			return false;
		r->title = keep(r);
		r->state = WANT_BRACE;
		return true;
	case WANT_VALUE:
		r->state = WANT_NAME;
		write_word(r, r->token.line, r->word.p);
		return true;
	case WANT_ITEM:
		if (r->items++ == OUTLINE_VALUES)
			fail(r, r->token.line,
			    "list is too long: keep it in a file, and write "
			    "map:file:/path here");
		write_word(r, r->token.line, r->word.p);
		return true;
	case WANT_FILE:
		add_include(r);
		r->state = WANT_CLOSING;
		return true;
	default:
		return false;
	}
}

static void
take(struct reader *r)
{
	bool word = r->token.type == SCAN_WORD;
	bool included = r->state == WANT_FILE || r->state == WANT_CLOSING;
	bool fits = word ? take_word(r) : take_mark(r, r->token.mark);

	if (!fits && included)
		fail(r, r->name_line, "write include(\"file\")");
	if (r->failed)
		return;
	if (!fits) {
		lose(r);
		if (word)
			write_word(r, r->token.line, r->word.p);
	}
	if (!word && !included && r->state != WANT_FILE)
		write_mark(r);
}

static void
at_end(struct reader *r)
{
	if (r->failed || r->state == LOST)
		return;
	if (r->state == WANT_NAME && r->section == NULL)
		return;
	if (r->state == WANT_NAME) {
		errors_add(r->outline->errors, r->section->place,
		    "%s \"%s\" is not closed: } is missing", r->section->kind,
		    r->section->title);
		r->failed = true;
	} else if (r->state == WANT_ITEM) {
		fail(r, r->name_line, "list is not closed: } is missing");
	} else {
		fail(r, r->name_line, "the file ends in the middle of this");
	}
}

bool
outline_read(struct outline *o, struct span text)
{
	struct reader r = { .outline = o, .scan = { text, 1 } };

	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
		r.scan.in.p += 3; /* a byte order mark */
		r.scan.in.n -= 3;
	}
	for (;;) {
		scan_next(&r.scan, &r.token);
		if (r.token.type == SCAN_END)
			break;
		if (r.token.type == SCAN_BAD) {
			fail(&r, r.token.line, r.token.why);
			break;
		}
		if (r.token.type == SCAN_WORD) {
			buf_cut(&r.word, 0);
			scan_decode(r.token.raw, &r.word);
		}
		take(&r);
		if (r.failed)
			break;
	}
	at_end(&r);
	buf_finish(&r.word);
	return !r.failed;
}

void
outline_finish(struct outline *o)
{
	buf_finish(&o->text);
}
