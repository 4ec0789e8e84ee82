/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/schema.h"
#include "config/store.h"

/* Names of sections and of libconfuse's root that no plugin may have. */
static const char *const reserved[] = { "listener", "include", "root" };

const struct mr_option *
schema_next(const struct schema_table *t, const struct mr_option *o)
{
	const char *p = (const char *)o;

	if (t->first == NULL)
		return NULL;
	o = o == NULL ? t->first : (const void *)(p + t->stride);
	return o->name != NULL ? o : NULL;
}

static struct schema_table
own_table(const struct mr_option *first, size_t base_size)
{
	return (struct schema_table){ first, sizeof(*first), base_size };
}

static struct schema_table
plugin_table(const struct config_plugin *p)
{
	return (
	    struct schema_table){ p->options, p->option_size, p->conf_size };
}

static struct schema_section
plugin_section(const struct config_plugin *p)
{
	return (struct schema_section){ SCHEMA_PLUGIN, p,
		{ own_table(
		      config_common_options(), sizeof(struct config_common)),
		    plugin_table(p) } };
}

bool
schema_find(
    const struct schema *s, const char *name, struct schema_section *out)
{
	*out = (struct schema_section){ 0 };
	if (name == NULL) {
		out->kind = SCHEMA_GLOBALS;
		out->tables[0] = own_table(
		    config_global_options(), sizeof(struct config_globals));
		return true;
	}
	if (strcmp(name, "listener") == 0) {
		out->kind = SCHEMA_LISTENER;
		out->tables[0] = own_table(
		    config_listener_options(), sizeof(struct config_listener));
		return true;
	}
	for (size_t i = 0; i < s->nplugins; i++) {
		if (strcmp(s->plugins[i].name, name) != 0)
			continue;
		*out = plugin_section(&s->plugins[i]);
		if (s->faults[i] != NULL)
			out->tables[1].first = NULL;
		return true;
	}
	return false;
}

static const struct mr_option *
table_option(const struct schema_table *t, const char *name)
{
	const struct mr_option *o = NULL;

	while ((o = schema_next(t, o)) != NULL)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

const struct mr_option *
schema_option(const struct schema_section *s, const char *name)
{
	const struct mr_option *o = table_option(&s->tables[0], name);

	return o != NULL ? o : table_option(&s->tables[1], name);
}

size_t
schema_type_size(mr_type type)
{
	switch (type) {
	case MR_BOOL:
		return sizeof(bool);
	case MR_REAL:
		return sizeof(double);
	case MR_INT:
	case MR_DURATION:
	case MR_SIZE:
	case MR_CHOICE:
	case CONFIG_OCTAL:
		return sizeof(int64_t);
	case MR_STRING:
	case MR_LIST:
	case MR_MAP:
		return sizeof(void *);
	default:
		return 0;
	}
}

static bool
name_ok(const char *name)
{
	return *name >= 'a' && *name <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] ==
		   '\0';
}

/* Its range, its place in the struct, its default. */
static char *
option_fault(const struct config_plugin *p, const struct mr_option *o)
{
	size_t size = schema_type_size(o->type);

	if (!name_ok(o->name))
		return memory_copy("its name is not of small letters, digits "
				   "and -");
	if (size == 0 || o->type == CONFIG_OCTAL)
		return memory_printf("type %d is unknown", (int)o->type);
	if (p->conf_size < size || o->offset > p->conf_size - size)
		return memory_printf("offset %u lies beyond the config "
				     "struct of %zu bytes",
		    o->offset, p->conf_size);
	if (o->offset % size != 0)
		return memory_printf("offset %u is not aligned", o->offset);
	if (o->min > o->max)
		return memory_copy("its minimum is above its maximum");
	if (o->type == MR_CHOICE &&
	    (o->choices == NULL || o->choices[0] == '\0'))
		return memory_copy("it has no choices");
	return store_fault(o);
}

static char *
table_fault(const struct config_plugin *p)
{
	struct schema_section section = plugin_section(p);
	const struct mr_option *o = NULL;

	while ((o = schema_next(&section.tables[1], o)) != NULL) {
		char *fault = option_fault(p, o), *why;

		if (fault == NULL && schema_option(&section, o->name) != o)
			fault = memory_copy("the name is taken");
		if (fault == NULL)
			continue;
		why = memory_printf("option \"%s\": %s", o->name, fault);
		free(fault);
		return why;
	}
	return NULL;
}

static char *
plugin_fault(const struct config_plugin *p)
{
	struct schema_section globals;
	bool taken = false;

	schema_find(NULL, NULL, &globals);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		taken = taken || strcmp(p->name, reserved[i]) == 0;
	if (taken || schema_option(&globals, p->name) != NULL)
		return memory_copy("the daemon uses this name itself");
	if (p->options == NULL)
		return NULL;
	if (p->option_size < sizeof(struct mr_option) ||
	    p->option_size % _Alignof(struct mr_option) != 0)
		return memory_printf("option_size is %zu instead of %zu",
		    p->option_size, sizeof(struct mr_option));
	return table_fault(p);
}

void
schema_init(struct schema *s, const struct config_plugin *plugins, size_t n)
{
	*s = (struct schema){ plugins, n, NULL };
	s->faults = memory_zalloc((n + 1) * sizeof(s->faults[0]));
	for (size_t i = 0; i < n; i++)
		s->faults[i] = plugin_fault(&plugins[i]);
}

void
schema_finish(struct schema *s)
{
	for (size_t i = 0; i < s->nplugins; i++)
		free(s->faults[i]);
	free(s->faults);
	*s = (struct schema){ 0 };
}

const char *
schema_fault(const struct schema *s, const struct config_plugin *p)
{
	return s->faults[p - s->plugins];
}
