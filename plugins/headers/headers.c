/* SPDX-License-Identifier: Apache-2.0 */
/* Add, replace or remove header fields; values may hold macros. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/field.h>
#include <millrace/glob.h>
#include <millrace/plugin.h>

#include "field.h"
#include "macros.h"
#include "template.h"

struct headers_conf {
	const struct mr_list *remove, *replace, *add, *insert;
};

#define LIST(m, t)                                                             \
	{                                                                      \
		.name = #m, MR_OPTION(struct headers_conf, m, MR_LIST),        \
		.text = t                                                      \
	}

static const struct mr_option headers_options[] = {
	LIST(remove, "Remove fields by name or pattern, as \"X-Spam-*\"."),
	LIST(replace, "Set a field, in place of all of that name."),
	LIST(add, "Add a field at the end of the header."),
	LIST(insert, "Insert a field at the top of the header."),
	{ 0 },
};

/* How often and at which place a field is written. */
enum how { REPLACE, ADD, INSERT };

static bool
writes(const struct headers_conf *conf)
{
	return conf->add->count + conf->insert->count + conf->replace->count >
	       0;
}

static void
plan_list(struct mr_plan *plan, const struct mr_list *list)
{
	const char *value;

	for (uint32_t i = 0; i < list->count; i++)
		if (field_cut(list->items[i], &value) > 0)
			macros_plan(plan, value);
}

static void
headers_plan(const void *p, struct mr_plan *plan)
{
	const struct headers_conf *conf = p;
	bool changes = conf->replace->count + conf->remove->count > 0;

	plan->actions = (writes(conf) ? MR_ACTION_ADD_HEADER : 0) |
			(changes ? MR_ACTION_CHANGE_HEADER : 0);
	plan->stages = plan->actions != 0 ? MR_STAGE_EOM : 0;
	plan->wants = changes ? MR_WANT_HEADERS : 0;
	plan_list(plan, conf->replace);
	plan_list(plan, conf->add);
	plan_list(plan, conf->insert);
}

static bool
complain(const struct mr_host *host, const char *option, const char *item,
    const char *why)
{
	char line[400];

	snprintf(line, sizeof(line), "\"%.100s\": %s", item, why);
	host->config_error(host, option, line);
	return false;
}

static bool
check_fields(
    const struct mr_host *host, const char *option, const struct mr_list *list)
{
	const char *value, *why;
	bool ok = true;

	for (uint32_t i = 0; i < list->count; i++) {
		if (field_cut(list->items[i], &value) == 0)
			why = "not a field; write it as \"Name: value\"";
		else if (value[0] == '\0')
			why = "there is no value; to remove a field use "
			      "the option remove";
		else
			why = template_fault(value);
		if (why != NULL)
			ok = complain(host, option, list->items[i], why);
	}
	return ok;
}

static bool
check_patterns(const struct mr_host *host, const struct mr_list *list)
{
	bool ok = true;

	for (uint32_t i = 0; i < list->count; i++)
		if (!field_pattern_ok(list->items[i]))
			ok = complain(host, "remove", list->items[i],
			    "not a field name; write it without colon or "
			    "blanks, as \"X-Spam-*\"");
	return ok;
}

/* Nothing is kept: templates are read where they stand, in the config. */
static bool
headers_open(const struct mr_host *host, const void *p, void **self)
{
	const struct headers_conf *conf = p;
	bool ok;

	ok = check_patterns(host, conf->remove);
	ok = check_fields(host, "replace", conf->replace) && ok;
	ok = check_fields(host, "add", conf->add) && ok;
	ok = check_fields(host, "insert", conf->insert) && ok;
	(void)self; /* it stays what it is: conf */
	return ok;
}

/* A field ready to be written. */
struct field {
	enum how how;
	char name[FIELD_NAME_BYTES + 1];
	char value[TEMPLATE_BYTES + 1]; /* "": there is nothing to say */
};

static struct field *
expand_list(
    struct mr_ctx *c, struct field *f, enum how how, const struct mr_list *list)
{
	for (uint32_t i = 0; i < list->count; i++, f++) {
		const char *text;
		size_t n = field_cut(list->items[i], &text);

		memcpy(f->name, list->items[i], n);
		f->how = how;
		template_expand(f->value, text, macros_value, c);
	}
	return f;
}

static bool
delete_all_after(struct mr_ctx *c, const char *name, uint32_t kept)
{
	uint32_t n = kept;

	while (c->host->header(c, name, n + 1) != NULL)
		n++;
	/* From the last up, so that the numbers of the others stay. */
	for (; n > kept; n--)
		if (!c->host->delete_header(c, name, n))
			return false;
	return true;
}

/* False: not all that have to go could be deleted. */
static bool
write_field(struct mr_ctx *c, const struct field *f)
{
	const struct mr_host *host = c->host;

	if (f->value[0] == '\0')
		return f->how != REPLACE || delete_all_after(c, f->name, 0);
	if (f->how == INSERT) {
		host->insert_header(c, f->name, f->value);
	} else if (f->how == ADD || host->header(c, f->name, 1) == NULL) {
		host->add_header(c, f->name, f->value);
	} else if (delete_all_after(c, f->name, 1)) {
		host->change_header(c, f->name, 1, f->value);
	} else {
		return false;
	}
	return true;
}

static bool
is_removed(const void *arg, const char *name)
{
	const struct mr_list *patterns = arg;

	for (uint32_t i = 0; i < patterns->count; i++)
		if (mr_glob(patterns->items[i], strlen(patterns->items[i]),
			name, strlen(name)))
			return true;
	return false;
}

/* To let the rest through would be to trust what the operator does not. */
static mr_verdict
refuse(struct mr_ctx *c)
{
	c->host->reply(c, 550, "5.6.0", "Too many header fields to remove");
	return MR_REJECT;
}

static mr_verdict
headers_on_eom(struct mr_ctx *c)
{
	const struct headers_conf *conf = c->self;
	size_t count =
	    conf->replace->count + conf->add->count + conf->insert->count;
	struct field *fields, *end;

	/* First all values: {header:Subject} is the one that came. */
	fields = c->host->alloc(c, (count + 1) * sizeof(*fields));
	end = expand_list(c, fields, REPLACE, conf->replace);
	end = expand_list(c, end, ADD, conf->add);
	end = expand_list(c, end, INSERT, conf->insert);
	if (!mr_field_delete(c, is_removed, conf->remove))
		return refuse(c);
	for (const struct field *f = fields; f < end; f++)
		if (!write_field(c, f))
			return refuse(c);
	return MR_CONTINUE;
}

MR_PLUGIN(headers) = {
	MR_PLUGIN_HEAD,
	.name = "headers",
	.version = "0.1.0",
	.summary = "adds, replaces and removes header fields",
	.options = headers_options,
	.conf_size = sizeof(struct headers_conf),
	.actions = MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER,
	.wants = MR_WANT_HEADERS,
	.plan = headers_plan,
	.open = headers_open,
	.on_eom = headers_on_eom,
};
