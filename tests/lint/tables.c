/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's own option tables as JSON, for options.py:
 * {"GLOBAL OPTIONS": [{"name", "type", "default", "min", "max", "choices"}]}.
 * Keys are the headings under which the manual has them.
 */
#include <stdio.h>

#include "config/config.h"

static void
put_text(const char *key, const char *value)
{
	printf(", \"%s\": ", key);
	if (value == NULL)
		printf("null");
	else
		printf("\"%s\"", value); /* of our own tables: no quotes */
}

static const char *
type_name(mr_type type)
{
	switch (type) {
	case MR_DURATION:
		return "duration";
	case MR_SIZE:
		return "size";
	case CONFIG_OCTAL:
		return "mode";
	default:
		return "other";
	}
}

static void
put_table(const char *heading, const struct mr_option *o)
{
	const char *comma = "";

	printf("\"%s\": [", heading);
	for (; o->name != NULL; o++) {
		printf("%s\n{\"name\": \"%s\"", comma, o->name);
		put_text("type", type_name(o->type));
		put_text("default", o->fallback);
		put_text("choices", o->choices);
		printf(", \"min\": %lld, \"max\": %lld}", (long long)o->min,
		    (long long)o->max);
		comma = ",";
	}
	printf("]");
}

int
main(void)
{
	printf("{");
	put_table("GLOBAL OPTIONS", config_global_options());
	printf(",\n");
	put_table("LISTENER OPTIONS", config_listener_options());
	printf(",\n");
	put_table("INSTANCE OPTIONS", config_common_options());
	printf("}\n");
	return 0;
}
