/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in force, as a config file and as JSON. */
#include <pwd.h>
#include <string.h>

#include "base/json.h"
#include "config/private.h"
#include "config/scan.h"
#include "config/value.h"

enum { WIDTH = 78 };

/* One section, and where its values are. */
struct part {
	struct arena *arena; /* for this printing */
	const struct tree_section *section;
	struct schema_section schema;
	const void *base[2];
	const char *indent;
};

struct printer {
	struct buf *out;
	bool help;
};

static const void *
member(const struct mr_option *o, const void *base)
{
	return (const char *)base + o->offset;
}

/* A map does not know its own entries: they are what was said. */
static struct mr_list
map_entries(const struct part *p, const struct mr_option *o)
{
	const struct tree_setting *set = tree_setting(p->section, o->name);
	struct mr_list texts = { 0, NULL };

	if (set != NULL)
		return tree_texts(p->arena, set);
	store_fallback(p->arena, o, &texts);
	return texts;
}

static struct mr_list
entries(const struct part *p, const struct mr_option *o, const void *base)
{
	if (o->type == MR_MAP)
		return map_entries(p, o);
	return **(const struct mr_list *const *)member(o, base);
}

static bool
is_many(const struct mr_option *o)
{
	return o->type == MR_LIST || o->type == MR_MAP;
}

static bool
is_set(const struct part *p, const struct mr_option *o, const void *base)
{
	if (o->type == MR_STRING)
		return *(const char *const *)member(o, base) != NULL;
	if (o->type == MR_MAP)
		return entries(p, o, base).count > 0;
	return true;
}

static void
print_entries(struct mr_list list, struct buf *out)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < list.count; i++) {
		buf_text(out, i > 0 ? ", " : " ");
		scan_encode(list.items[i], out);
	}
	buf_text(out, " }");
}

/* The value in config syntax; not set is "" or an empty list. */
static void
print_value(const struct part *p, const struct mr_option *o, const void *base,
    struct buf *out)
{
	const void *m = member(o, base);
	const char *text;

	switch (o->type) {
	case MR_BOOL:
		value_print_bool(*(const bool *)m, out);
		break;
	case MR_REAL:
		value_print_real(*(const double *)m, out);
		break;
	case MR_STRING:
		text = *(const char *const *)m;
		scan_encode(text != NULL ? text : "", out);
		break;
	case MR_LIST:
	case MR_MAP:
		print_entries(entries(p, o, base), out);
		break;
	default:
		value_print_number(o, *(const int64_t *)m, out);
	}
}

/* Text as comment lines of a bearable width. */
static void
print_comment(const struct printer *pr, const char *indent, const char *text)
{
	size_t width = WIDTH - strlen(indent) - 2;

	while (text != NULL && *text != '\0') {
		size_t n = strlen(text), cut;

		for (cut = n > width ? width : n; cut < n && cut > 0; cut--)
			if (text[cut] == ' ')
				break;
		if (cut == 0)
			cut = n;
		buf_printf(pr->out, "%s# %.*s\n", indent, (int)cut, text);
		text += cut;
		text += strspn(text, " ");
	}
}

static const char *
type_name(mr_type type)
{
	static const char *const names[] = { [MR_BOOL] = "true or false",
		[MR_INT] = "number",
		[MR_DURATION] = "duration",
		[MR_SIZE] = "size",
		[MR_REAL] = "number",
		[MR_STRING] = "text",
		[MR_LIST] = "list",
		[MR_MAP] = "list or map:file:/path" };

	return type == CONFIG_OCTAL ? "octal digits" : names[type];
}

/* "duration, 10ms to 8s, default 3s" */
static void
print_type(
    const struct printer *pr, const char *indent, const struct mr_option *o)
{
	struct mr_option whole = *o;
	struct buf b = { 0 };

	whole.type = o->type == MR_REAL ? MR_INT : o->type;
	buf_text(&b, o->type == MR_CHOICE ? o->choices : type_name(o->type));
	if ((o->min != 0 || o->max != 0) && o->type != MR_CHOICE &&
	    o->type != MR_STRING && !is_many(o)) {
		buf_text(&b, o->max == INT64_MAX ? ", at least " : ", ");
		value_print_number(&whole, o->min, &b);
		if (o->max != INT64_MAX) {
			buf_text(&b, " to ");
			value_print_number(&whole, o->max, &b);
		}
	}
	if (o->fallback != NULL)
		buf_printf(&b, "; default %s", o->fallback);
	print_comment(pr, indent, b.p);
	buf_finish(&b);
}

/*
 * A default that would be an error if it were said: a user whom the package
 * has not created yet.
 */
static bool
must_not_be_said(const struct part *p, const struct mr_option *o)
{
	const struct config_globals *g = p->base[0];

	return p->section->kind == NULL && strcmp(o->name, "user") == 0 &&
	       tree_setting(p->section, o->name) == NULL && g->user != NULL &&
	       getpwnam(g->user) == NULL;
}

static void
print_option(const struct printer *pr, const struct part *p,
    const struct mr_option *o, const void *base)
{
	bool set = is_set(p, o, base);
	bool said = tree_setting(p->section, o->name) != NULL;

	if (pr->help) {
		print_comment(pr, p->indent, o->text);
		print_type(pr, p->indent, o);
	}
	buf_text(pr->out, p->indent);
	/* what was said to be empty must stay so if its default is not */
	if ((!set && !said) || must_not_be_said(p, o))
		buf_text(pr->out, "# ");
	buf_printf(pr->out, "%s = ", o->name);
	print_value(p, o, base, pr->out);
	if (!set && !said)
		buf_text(pr->out, " # not set");
	else if (!said)
		buf_text(pr->out, " # default");
	buf_text(pr->out, pr->help ? "\n\n" : "\n");
}

static void
print_options(const struct printer *pr, const struct part *p)
{
	for (size_t i = 0; i < 2; i++) {
		const struct schema_table *t = &p->schema.tables[i];
		const struct mr_option *o = NULL;

		while ((o = schema_next(t, o)) != NULL)
			print_option(pr, p, o, p->base[i]);
	}
}

static struct part
globals_part(struct arena *a, const struct config *c)
{
	struct part p = { a, &c->private->tree.root, .base = { &c->globals },
		.indent = "" };

	schema_find(&c->private->schema, NULL, &p.schema);
	return p;
}

static struct part
listener_part(struct arena *a, const struct config *c, size_t i)
{
	struct part p = { a, c->private->listeners[i],
		.base = { &c->listeners[i] }, .indent = "\t" };

	schema_find(&c->private->schema, "listener", &p.schema);
	return p;
}

static struct part
instance_part(struct arena *a, const struct config *c, size_t i)
{
	struct part p = { a, c->private->instances[i],
		.base = { &c->instances[i].common, c->instances[i].conf },
		.indent = "\t" };

	schema_find(&c->private->schema, c->instances[i].plugin, &p.schema);
	return p;
}

static void
print_section(const struct printer *pr, const struct part *p)
{
	const struct tree_section *s = p->section;

	buf_printf(pr->out, "\n%s \"%s\" {\n", s->kind, s->title);
	print_options(pr, p);
	buf_text(pr->out, "}\n");
}

void
config_print(const struct config *c, struct buf *out, bool help)
{
	struct printer pr = { out, help };
	struct arena *a = arena_create(4096);
	struct part p = globals_part(a, c);

	print_options(&pr, &p);
	for (size_t i = 0; i < c->nlisteners; i++) {
		p = listener_part(a, c, i);
		print_section(&pr, &p);
	}
	for (size_t i = 0; i < c->ninstances; i++) {
		p = instance_part(a, c, i);
		print_section(&pr, &p);
	}
	arena_destroy(&a);
}

static void
json_entries(struct mr_list list, struct buf *out)
{
	json_open(out, "value", '[');
	for (uint32_t i = 0; i < list.count; i++)
		json_text(out, NULL, list.items[i]);
	json_close(out, ']');
}

/* Choices and modes as text, times in milliseconds, sizes in bytes. */
static void
json_value(const struct part *p, const struct mr_option *o, const void *base,
    struct buf *out)
{
	const void *m = member(o, base);
	struct buf text = { 0 };

	switch (o->type) {
	case MR_BOOL:
		json_bool(out, "value", *(const bool *)m);
		break;
	case MR_REAL:
		json_real(out, "value", *(const double *)m);
		break;
	case MR_STRING:
		json_text(out, "value", *(const char *const *)m);
		break;
	case MR_LIST:
	case MR_MAP:
		json_entries(entries(p, o, base), out);
		break;
	case MR_INT:
	case MR_DURATION:
	case MR_SIZE:
		json_int(out, "value", *(const int64_t *)m);
		break;
	default:
		print_value(p, o, base, &text);
		json_text(out, "value", text.p);
		buf_finish(&text);
	}
}

static void
json_option(const struct part *p, const struct mr_option *o, const void *base,
    struct buf *out)
{
	struct buf text = { 0 };

	json_open(out, o->name, '{');
	json_value(p, o, base, out);
	print_value(p, o, base, &text);
	json_text(out, "text", text.p);
	buf_finish(&text);
	json_bool(out, "default", tree_setting(p->section, o->name) == NULL);
	json_text(out, "help", o->text);
	json_close(out, '}');
}

static void
json_options(const struct part *p, struct buf *out)
{
	json_open(out, "options", '{');
	for (size_t i = 0; i < 2; i++) {
		const struct mr_option *o = NULL;

		while ((o = schema_next(&p->schema.tables[i], o)) != NULL)
			json_option(p, o, p->base[i], out);
	}
	json_close(out, '}');
}

static void
json_section(const struct part *p, struct buf *out)
{
	const struct tree_section *s = p->section;

	json_open(out, NULL, '{');
	if (p->schema.kind == SCHEMA_PLUGIN)
		json_text(out, "plugin", s->kind);
	json_text(out, "name", s->title);
	json_text(out, "file", s->place.file);
	json_int(out, "line", s->place.line);
	json_options(p, out);
	json_close(out, '}');
}

void
config_print_json(const struct config *c, struct buf *out)
{
	struct arena *a = arena_create(4096);
	struct part p = globals_part(a, c);

	json_open(out, NULL, '{');
	json_text(out, "file", c->private->file);
	json_options(&p, out);
	json_open(out, "listeners", '[');
	for (size_t i = 0; i < c->nlisteners; i++) {
		p = listener_part(a, c, i);
		json_section(&p, out);
	}
	json_close(out, ']');
	json_open(out, "instances", '[');
	for (size_t i = 0; i < c->ninstances; i++) {
		p = instance_part(a, c, i);
		json_section(&p, out);
	}
	json_close(out, ']');
	json_close(out, '}');
	arena_destroy(&a);
}
