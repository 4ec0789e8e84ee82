/* SPDX-License-Identifier: Apache-2.0 */
#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "config/outline.h"
#include "config/parse.h"

extern const char config_default_text[]; /* conf/millrace.conf */

enum { FILE_MAX = 1024 * 1024, FILES_MAX = 256, DEPTH_MAX = 10 };

/* What libconfuse is told of one kind of section. */
struct option_list {
	cfg_opt_t *opts; /* ends with an empty one */
	size_t count;
};

/*
 * libconfuse hands its callbacks no pointer of ours, and its lexer is one
 * for the whole process anyway: configurations are read one at a time, by
 * the main thread.
 */
static struct {
	struct parse *parse;
	const struct outline *outline;
	struct tree_section *section;
	struct tree_setting *setting;
	bool complained;
} running;

static bool
option_is_known(const struct option_list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->opts[i].name, name) == 0)
			return true;
	return false;
}

static cfg_opt_t *
option_add(struct option_list *l, const char *name, cfg_type_t type)
{
	cfg_opt_t *opt;

	l->opts = memory_resize(l->opts, (l->count + 2) * sizeof(l->opts[0]));
	opt = &l->opts[l->count++];
	memset(opt, 0, 2 * sizeof(*opt));
	opt->name = name;
	opt->type = type;
	return opt;
}

static struct tree_section *
running_section(const cfg_t *cfg)
{
	struct tree *t = running.parse->tree;

	if (cfg->title == NULL)
		return &t->root;
	if (running.section != NULL &&
	    running.section->number == strtoul(cfg->title, NULL, 10))
		return running.section;
	return tree_section(t, strtoul(cfg->title, NULL, 10));
}

/* libconfuse has read a value. */
static int
take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct tree_section *section = running_section(cfg);

	*(const char **)result = value;
	if (section == NULL)
		return -1;
	if (running.section != section || running.setting == NULL ||
	    strcmp(running.setting->name, opt->name) != 0)
		running.setting = tree_setting(section, opt->name);
	running.section = section;
	if (running.setting == NULL)
		return -1;
	tree_add_value(
	    running.parse->tree, running.setting, value, (unsigned)cfg->line);
	return 0;
}

/* One value is a list of one: how many an option takes is checked later. */
static void
add_option(struct option_list *l, const char *name)
{
	cfg_opt_t *opt;

	if (option_is_known(l, name))
		return;
	opt = option_add(l, name, CFGT_STR);
	opt->flags = CFGF_LIST | CFGF_NODEFAULT;
	opt->parsecb = take_value;
}

static void
add_settings(struct option_list *l, const struct tree_section *s)
{
	for (const struct tree_setting *i = s->settings; i != NULL; i = i->next)
		add_option(l, i->name);
}

static void
add_tables(struct option_list *l, const struct schema_section *s)
{
	for (size_t i = 0; i < 2; i++) {
		const struct mr_option *o = NULL;

		while ((o = schema_next(&s->tables[i], o)) != NULL)
			add_option(l, o->name);
	}
}

/*
 * The options of a kind of section: those of its table, and the unknown ones
 * that sections of this file have.  libconfuse would stop at the first
 * unknown name; so it knows them all, and they are told of later together.
 */
static cfg_opt_t *
kind_options(const struct parse *p, const char *kind)
{
	struct option_list l = { 0 };
	struct schema_section s;

	option_add(&l, "", CFGT_NONE)->name = NULL;
	l.count = 0;
	if (schema_find(p->schema, kind, &s))
		add_tables(&l, &s);
	for (const struct tree_section *i = p->tree->sections; i != NULL;
	     i = i->next)
		if (strcmp(i->kind, kind) == 0)
			add_settings(&l, i);
	return l.opts;
}

static void
add_kind(const struct parse *p, struct option_list *l, const char *kind)
{
	cfg_opt_t *opt;

	if (option_is_known(l, kind))
		return;
	opt = option_add(l, kind, CFGT_SEC);
	opt->flags = CFGF_MULTI | CFGF_TITLE;
	opt->subopts = kind_options(p, kind);
}

static struct option_list
root_options(const struct parse *p)
{
	struct option_list l = { 0 };
	struct schema_section s;

	schema_find(p->schema, NULL, &s);
	add_tables(&l, &s);
	add_kind(p, &l, "listener");
	for (size_t i = 0; i < p->schema->nplugins; i++)
		add_kind(p, &l, p->schema->plugins[i].name);
	add_settings(&l, &p->tree->root);
	for (const struct tree_section *i = p->tree->sections; i != NULL;
	     i = i->next)
		add_kind(p, &l, i->kind);
	return l;
}

static void
free_options(struct option_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->opts[i].subopts);
	free(l->opts);
}

static void __attribute__((format(printf, 2, 0)))
complain(cfg_t *cfg, const char *fmt, va_list ap)
{
	const struct outline *o = running.outline;
	struct config_place place = { o->file, (unsigned)cfg->line };
	char *text;

	if (o->blame != 0)
		place.line = o->blame;
	if (running.complained)
		return; /* what follows from the first only misleads */
	running.complained = true;
	text = memory_vprintf(fmt, ap);
	if (strncmp(text, "unexpected token", 16) == 0)
		errors_add(running.parse->errors, place,
		    "%s: is a comma, a quote or a brace missing before it?",
		    text);
	else
		errors_add(running.parse->errors, place, "%s", text);
	free(text);
}

static bool
run_confuse(struct parse *p, const struct outline *o)
{
	struct option_list l = root_options(p);
	cfg_t *cfg = cfg_init(l.opts, CFGF_NONE);
	FILE *f = fmemopen(o->text.p, o->text.n, "r");
	bool ok = false;

	if (cfg == NULL || f == NULL)
		goto out;
	cfg_set_error_function(cfg, complain);
	cfg->filename = memory_copy(o->file);
	memset(&running, 0, sizeof(running));
	running.parse = p;
	running.outline = o;
	ok = cfg_parse_fp(cfg, f) == CFG_SUCCESS;
	if (!ok && !running.complained)
		errors_add(p->errors,
		    (struct config_place){ o->file, (unsigned)cfg->line },
		    "syntax error");
out:
	if (cfg == NULL || f == NULL)
		errors_add(p->errors, (struct config_place){ o->file, 0 },
		    "cannot be parsed: %s", strerror(errno));
	if (f != NULL)
		fclose(f);
	if (cfg != NULL)
		cfg_free(cfg);
	free_options(&l);
	return ok;
}

/* A path in a config file is relative to the folder of that file. */
static char *
include_path(const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');

	if (path[0] == '/' || slash == NULL)
		return memory_copy(path);
	return memory_printf("%.*s/%s", (int)(slash - from), from, path);
}

static bool
already_read(struct parse *p, const char *path)
{
	char *real = realpath(path, NULL);

	if (real == NULL)
		return false; /* reading it will say why */
	for (size_t i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i], real) == 0) {
			free(real);
			return true;
		}
	p->files =
	    memory_resize(p->files, (p->nfiles + 1) * sizeof(p->files[0]));
	p->files[p->nfiles++] = arena_copy(p->tree->arena, real);
	free(real);
	return false;
}

static bool read_file(struct parse *, const char *, struct config_place);

static bool
read_includes(struct parse *p, const struct outline *o)
{
	bool ok = true;

	for (size_t i = 0; i < o->nincludes; i++) {
		char *path = include_path(o->file, o->includes[i].path);
		struct config_place place = { o->file, o->includes[i].line };

		if (p->depth >= DEPTH_MAX || p->nfiles >= FILES_MAX) {
			errors_add(
			    p->errors, place, "%s: too many includes", path);
			ok = false;
		} else {
			p->depth++;
			ok = read_file(p, path, place) && ok;
			p->depth--;
		}
		free(path);
	}
	return ok;
}

bool
parse_text(struct parse *p, const char *name, struct span text)
{
	struct outline o = { .tree = p->tree, .errors = p->errors };
	bool ok;

	o.file = arena_copy(p->tree->arena, name);
	errors_file(p->errors, o.file);
	ok = outline_read(&o, text);
	/* fmemopen takes no empty text */
	if (ok && o.text.n > 0)
		ok = run_confuse(p, &o);
	ok = read_includes(p, &o) && ok;
	outline_finish(&o);
	return ok;
}

/* from: where it is included; no file if it is the first. */
static bool
read_file(struct parse *p, const char *path, struct config_place from)
{
	char *text, *why = NULL;
	size_t n = 0;
	bool ok;

	if (already_read(p, path)) {
		errors_add(p->errors, from, "%s is included twice", path);
		return false;
	}
	text = file_read(path, FILE_MAX, &n, &why);
	if (text == NULL) {
		errors_add(p->errors, from, "%s%s",
		    from.file != NULL ? "include: " : "", why);
		free(why);
		return false;
	}
	ok = parse_text(p, path, (struct span){ text, n });
	free(text);
	return ok;
}

bool
parse_file(struct parse *p, const char *path)
{
	if (path == NULL)
		return parse_text(p, "built-in", span_of(config_default_text));
	return read_file(p, path, (struct config_place){ 0 });
}

void
parse_finish(struct parse *p)
{
	free(p->files);
	p->files = NULL;
	p->nfiles = 0;
}
