/* SPDX-License-Identifier: Apache-2.0 */
/* From a tree to the structs that the rest of the daemon reads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "config/parse.h"
#include "config/private.h"

struct loader {
	struct config *config;
	struct config_private *private;
	struct errors errors;
	struct parse parse;
};

void
load_error(struct errors *e, struct config_place place,
    const struct tree_section *s, const char *option, const char *text)
{
	const char *colon = option != NULL ? ": " : "";

	if (option == NULL)
		option = "";
	if (s->kind == NULL)
		errors_add(e, place, "%s%s%s", option, colon, text);
	else
		errors_add(e, place, "%s \"%s\": %s%s%s", s->kind, s->title,
		    option, colon, text);
}

static const struct mr_option *
any_option(const struct schema_table *t, const char *name)
{
	const struct schema_section s = { .tables = { *t } };

	return schema_option(&s, name);
}

/* An option that is known, but not in this kind of section. */
static const char *
where_it_belongs(const struct loader *l, const char *name)
{
	struct schema_section s;
	struct schema_table common = { config_common_options(),
		sizeof(struct mr_option), 0 };

	if (strcmp(name, "include") == 0)
		return "write include(\"file\"), without =, outside of "
		       "sections";
	schema_find(&l->private->schema, NULL, &s);
	if (schema_option(&s, name) != NULL)
		return "it stands outside of sections";
	schema_find(&l->private->schema, "listener", &s);
	if (schema_option(&s, name) != NULL)
		return "it belongs in a listener's section";
	if (any_option(&common, name) != NULL)
		return "it belongs in a plugin's section";
	return NULL;
}

static void
unknown_option(struct loader *l, const struct tree_section *section,
    const struct schema_section *schema, const struct tree_setting *setting)
{
	struct nearest near = { .wrong = setting->name };
	const char *hint = where_it_belongs(l, setting->name);
	char *text;

	for (size_t i = 0; i < 2; i++) {
		const struct mr_option *o = NULL;

		while ((o = schema_next(&schema->tables[i], o)) != NULL)
			nearest_offer(&near, o->name);
	}
	if (hint != NULL)
		text = memory_printf(
		    "unknown option \"%s\" here: %s", setting->name, hint);
	else if (near.best != NULL)
		text =
		    memory_printf("unknown option \"%s\"; did you mean \"%s\"?",
			setting->name, near.best);
	else
		text = memory_printf("unknown option \"%s\"; \"millrace "
				     "config\" lists what there is",
		    setting->name);
	load_error(&l->errors, setting->place, section, NULL, text);
	free(text);
}

static void
unknown_section(struct loader *l, const struct tree_section *section)
{
	const struct schema *s = &l->private->schema;
	struct nearest near = { .wrong = section->kind };
	const char *dir = l->config->globals.plugin_dir;

	nearest_offer(&near, "listener");
	for (size_t i = 0; i < s->nplugins; i++)
		nearest_offer(&near, s->plugins[i].name);
	if (near.best != NULL)
		errors_add(&l->errors, section->place,
		    "no plugin \"%s\" is installed in %s; did you mean "
		    "\"%s\"?",
		    section->kind, dir, near.best);
	else
		errors_add(&l->errors, section->place,
		    "no plugin \"%s\" is installed in %s: install it, or "
		    "remove this section",
		    section->kind, dir);
}

static void
set_default(struct loader *l, const struct mr_option *o, void *base,
    const struct tree_section *section)
{
	char *why = NULL;

	if (store_default(&l->private->store, o, base, &why))
		return;
	load_error(&l->errors, section->place, section, o->name, why);
	free(why);
}

static void
set_option(struct loader *l, const struct mr_option *o, void *base,
    const struct tree_section *section)
{
	const struct tree_setting *setting = tree_setting(section, o->name);
	struct mr_list texts;
	char *why = NULL;
	size_t bad;

	if (setting == NULL || setting->twice) {
		set_default(l, o, base, section);
		return;
	}
	texts = tree_texts(l->private->arena, setting);
	if (store_set(&l->private->store, o, base, &texts, &bad, &why))
		return;
	load_error(
	    &l->errors, tree_value_place(setting, bad), section, o->name, why);
	free(why);
	set_default(l, o, base, section);
}

static void
set_table(struct loader *l, const struct schema_table *t, void *base,
    const struct tree_section *section)
{
	const struct mr_option *o = NULL;

	while ((o = schema_next(t, o)) != NULL)
		set_option(l, o, base, section);
}

/* base[i] is the struct that schema->tables[i] fills. */
static void
set_section(struct loader *l, const struct tree_section *section,
    const struct schema_section *schema, void *const base[2])
{
	struct store *store = &l->private->store;
	const struct tree_setting *i;

	store->empty_is_unset = true;
	set_table(l, &schema->tables[0], base[0], section);
	store->empty_is_unset = false;
	set_table(l, &schema->tables[1], base[1], section);
	for (i = section->settings; i != NULL; i = i->next)
		if (schema_option(schema, i->name) == NULL)
			unknown_option(l, section, schema, i);
}

static void
load_globals(struct loader *l)
{
	void *const base[2] = { &l->config->globals, NULL };
	struct schema_section schema;

	schema_find(&l->private->schema, NULL, &schema);
	set_section(l, &l->private->tree.root, &schema, base);
}

static void
load_listener(struct loader *l, const struct tree_section *section,
    const struct schema_section *schema)
{
	struct config *c = l->config;
	struct config_listener *listener = &c->listeners[c->nlisteners];
	void *const base[2] = { listener, NULL };

	l->private->listeners[c->nlisteners++] = section;
	listener->name = section->title;
	listener->place = section->place;
	set_section(l, section, schema, base);
}

static void
load_instance(struct loader *l, const struct tree_section *section,
    const struct schema_section *schema)
{
	const char *fault = schema_fault(&l->private->schema, schema->plugin);
	struct config *c = l->config;
	struct config_instance *i = &c->instances[c->ninstances];
	void *base[2] = { &i->common, NULL };

	if (fault != NULL) {
		errors_add(&l->errors, section->place,
		    "plugin \"%s\" is at fault, not this file: %s",
		    section->kind, fault);
		return;
	}
	if (c->ninstances == CONFIG_INSTANCES) {
		errors_add(&l->errors, section->place,
		    "%s \"%s\": only %d instances are allowed", section->kind,
		    section->title, CONFIG_INSTANCES);
		return;
	}
	l->private->instances[c->ninstances++] = section;
	i->plugin = schema->plugin->name;
	i->name = section->title;
	i->place = section->place;
	i->schema = schema->plugin;
	i->conf = arena_alloc(l->private->arena, schema->plugin->conf_size + 1);
	base[1] = i->conf;
	set_section(l, section, schema, base);
}

static void
load_sections(struct loader *l)
{
	struct config_private *p = l->private;
	struct config *c = l->config;
	const struct tree_section *s;
	struct schema_section schema;
	size_t n = p->tree.count;

	c->listeners = arena_alloc(p->arena, (n + 1) * sizeof(*c->listeners));
	c->instances = arena_alloc(
	    p->arena, (CONFIG_INSTANCES + 1) * sizeof(*c->instances));
	p->listeners = arena_alloc(p->arena, (n + 1) * sizeof(*p->listeners));
	p->instances = arena_alloc(
	    p->arena, (CONFIG_INSTANCES + 1) * sizeof(*p->instances));
	for (s = p->tree.sections; s != NULL; s = s->next) {
		if (!schema_find(&p->schema, s->kind, &schema))
			unknown_section(l, s);
		else if (schema.kind == SCHEMA_LISTENER)
			load_listener(l, s, &schema);
		else
			load_instance(l, s, &schema);
	}
}

static void
begin(struct loader *l, const struct config_plugin *plugins, size_t n)
{
	struct config_private *p = memory_zalloc(sizeof(*p));

	*l = (struct loader){ .private = p };
	l->config = memory_zalloc(sizeof(*l->config));
	l->config->private = p;
	p->arena = arena_create(4096);
	p->store.arena = p->arena;
	schema_init(&p->schema, plugins, n);
	tree_init(&p->tree, p->arena);
	l->parse = (struct parse){
		.schema = &p->schema, .tree = &p->tree, .errors = &l->errors
	};
}

/*
 * Read while we may; who is not meant to know it can still look at the rest
 * of the configuration.
 */
static char *
read_password(const char *path, char **why)
{
	char *text, *end;
	struct stat st;
	size_t n;

	if (access(path, R_OK) == -1 && errno == EACCES && geteuid() != 0)
		return NULL;
	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0) {
		*why =
		    memory_printf("%s: everybody can read it: chmod 640", path);
		return NULL;
	}
	if ((text = file_read(path, 4096, &n, why)) == NULL)
		return NULL;
	if ((end = strpbrk(text, "\r\n")) != NULL)
		*end = '\0';
	if (text[0] != '\0')
		return text;
	free(text);
	*why = memory_printf("%s: its first line is empty", path);
	return NULL;
}

static void
load_password(struct loader *l)
{
	const char *path = l->config->globals.store_password_file;
	const struct tree_section *root = &l->private->tree.root;
	const struct tree_setting *s =
	    tree_setting(root, "store-password-file");
	char *why = NULL, *password;

	if (path == NULL || s == NULL)
		return;
	if ((password = read_password(path, &why)) != NULL)
		l->config->store_password =
		    arena_copy(l->private->arena, password);
	if (why != NULL)
		load_error(
		    &l->errors, s->place, root, "store-password-file", why);
	free(password);
	free(why);
}

/* What was read so far becomes a configuration, or the reasons why not. */
static struct config *
finish(struct loader *l, bool parsed, char **why)
{
	if (parsed) {
		load_globals(l);
		load_sections(l);
		check_config(l->config, &l->errors);
		load_password(l);
	}
	*why = errors_text(&l->errors);
	if (*why != NULL)
		config_destroy(&l->config);
	errors_finish(&l->errors);
	parse_finish(&l->parse);
	return l->config;
}

struct config *
config_load(const char *path, const struct config_plugin *plugins,
    size_t nplugins, char **why)
{
	struct loader l;

	begin(&l, plugins, nplugins);
	l.private->file =
	    arena_copy(l.private->arena, path != NULL ? path : "built-in");
	return finish(&l, parse_file(&l.parse, path), why);
}

struct config *
config_load_text(const char *name, struct span text,
    const struct config_plugin *plugins, size_t nplugins, char **why)
{
	struct loader l;

	begin(&l, plugins, nplugins);
	l.private->file = arena_copy(l.private->arena, name);
	return finish(&l, parse_text(&l.parse, name, text), why);
}

char *
config_plugin_dir(const char *path, char **why)
{
	struct loader l;
	struct schema_section schema;
	const struct mr_option *o;
	char *dir = NULL;

	begin(&l, NULL, 0);
	schema_find(&l.private->schema, NULL, &schema);
	o = schema_option(&schema, "plugin-dir");
	if (parse_file(&l.parse, path))
		set_option(&l, o, &l.config->globals, &l.private->tree.root);
	*why = errors_text(&l.errors);
	if (*why == NULL)
		dir = memory_copy(l.config->globals.plugin_dir);
	errors_finish(&l.errors);
	parse_finish(&l.parse);
	config_destroy(&l.config);
	return dir;
}

void
config_destroy(struct config **c)
{
	struct config_private *p;

	if (*c == NULL)
		return;
	p = (*c)->private;
	store_finish(&p->store);
	schema_finish(&p->schema);
	arena_destroy(&p->arena);
	free(p);
	free(*c);
	*c = NULL;
}

struct config_place
config_option_place(
    const struct config *c, const struct config_instance *i, const char *option)
{
	size_t index = (size_t)(i - c->instances);
	const struct tree_setting *s =
	    tree_setting(c->private->instances[index], option);

	return s != NULL ? s->place : i->place;
}

void
config_refresh_maps(const struct config *c)
{
	for (size_t i = 0; i < c->private->store.nmaps; i++)
		map_refresh(c->private->store.maps[i]);
}
