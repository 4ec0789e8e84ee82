/* SPDX-License-Identifier: Apache-2.0 */
/* millrace config: the whole effective configuration. */
#include "command/installed.h"
#include "command/render.h"

static struct config_options {
	bool help_texts;
} options;

static const struct option_row rows[] = {
	{ "help-texts", NULL, OPTION_FLAG,
	    offsetof(struct config_options, help_texts),
	    "say what each option is for" },
	{ 0 },
};

static int
show_config(const struct common *c, char **operands)
{
	struct setup setup = { 0 };
	struct buf out = { 0 };

	(void)operands;
	if (!installed_load(c, &setup))
		return EXIT_USAGE;
	if (c->json) {
		config_print_json(setup.config, &out);
		buf_char(&out, '\n');
	} else {
		config_print(setup.config, &out, options.help_texts);
	}
	render_out(&out);
	setup_finish(&setup);
	return EXIT_OK;
}

const struct command config_command = {
	.name = "config",
	.operands = "",
	.summary = "print the whole configuration, with every default",
	.options = rows,
	.values = &options,
	.run = show_config,
};
