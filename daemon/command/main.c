/* SPDX-License-Identifier: Apache-2.0 */
/* The command `millrace`: which sub-command, and its options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "command/plugin_command.h"

static const struct command *const commands[] = {
	&check_command,
	&explain_command,
	&history_command,
	&status_command,
	&reload_command,
	&chain_command,
	&plugins_command,
	&config_command,
	&flush_command,
};

static struct common common;

#define ROW(member) offsetof(struct common, member)
static const struct option_row common_options[] = {
	{ "conf", "FILE", OPTION_TEXT, ROW(conf),
	    "the configuration; default: " MR_SYSCONFDIR
	    "/millrace/millrace.conf, or built-in defaults if that does not "
	    "exist" },
	{ "socket", "PATH", OPTION_TEXT, ROW(socket),
	    "the daemon's control socket; default: control.sock in the "
	    "configured run-dir" },
	{ "json", NULL, OPTION_FLAG, ROW(json), "print JSON" },
	{ "help", NULL, OPTION_FLAG, ROW(help), "say how it is used" },
	{ 0 },
};
static const struct option_row version_option[] = {
	{ "version", NULL, OPTION_FLAG, ROW(version), "print the version" },
	{ 0 },
};
static const struct option_row no_options[] = { { NULL } };

const char *
command_conf(const struct common *c)
{
	static const char installed[] = MR_SYSCONFDIR "/millrace/millrace.conf";

	if (c->conf != NULL)
		return c->conf;
	return access(installed, F_OK) == 0 ? installed : NULL;
}

/* Plugins bring commands too; a broken configuration hides them. */
static void
print_plugin_commands(void)
{
	struct setup setup = { 0 };
	char *why = NULL;

	installed_quiet();
	if (setup_load(&setup, command_conf(&common), &why))
		plugin_command_list(&setup);
	free(why);
	setup_finish(&setup);
}

static void
print_usage(void)
{
	const struct option_table tables[] = {
		{ common_options, &common },
		{ version_option, &common },
	};

	puts("usage: millrace [options] command ...\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!commands[i]->hidden)
			printf("  %-10s%s\n", commands[i]->name,
			    commands[i]->summary);
	print_plugin_commands();
	puts("\n\"millrace command --help\" says more.  For all of them:\n");
	option_help(tables, 2);
}

static void
print_help(const struct command *c, const struct option_table *tables)
{
	printf("usage: millrace %s [options]%s%s\n\n%s\n\n", c->name,
	    c->operands[0] != '\0' ? " " : "", c->operands, c->summary);
	option_help(tables, 2);
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void
unknown(const char *name, const struct setup *setup)
{
	struct nearest n = { .wrong = name };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!commands[i]->hidden)
			nearest_offer(&n, commands[i]->name);
	plugin_command_offer(setup, &n);
	if (n.best != NULL)
		complain("there is no command \"%s\": did you mean \"%s\"?",
		    name, n.best);
	else
		complain("there is no command \"%s\": millrace --help shows "
			 "them all",
		    name);
}

static int
run_of_plugin(int argc, char **argv)
{
	const struct option_table table = { common_options, &common };
	const struct mr_plugin *p;
	struct setup setup = { 0 };
	int status = EXIT_USAGE;

	if ((argc = option_take_known(&table, 1, argc, argv)) < 0)
		return EXIT_USAGE;
	if (!installed_load(&common, &setup)) {
		complain("%s is no command of millrace itself: millrace "
			 "--help shows those",
		    argv[0]);
		return EXIT_USAGE;
	}
	if ((p = plugin_command_find(&setup, argv[0])) != NULL)
		status = plugin_command_run(&common, &setup, p, argc, argv);
	else
		unknown(argv[0], &setup);
	setup_finish(&setup);
	return status;
}

static int
run(const struct command *c, int argc, char **argv)
{
	const struct option_table tables[] = {
		{ c->options != NULL ? c->options : no_options, c->values },
		{ common_options, &common },
	};
	int n = option_parse(tables, 2, argc, argv, false);

	if (n < 0)
		return EXIT_USAGE;
	if (common.help) {
		print_help(c, tables);
		return EXIT_OK;
	}
	if (n < c->min || n > c->max) {
		complain("usage: millrace %s [options]%s%s; --help says more",
		    c->name, c->operands[0] != '\0' ? " " : "", c->operands);
		return EXIT_USAGE;
	}
	return c->run(&common, argv);
}

/* A result that nobody could read is not a result. */
static int
finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain("the output cannot be written: %m");
	return EXIT_LATER;
}

int
main(int argc, char **argv)
{
	const struct option_table tables[] = {
		{ common_options, &common },
		{ version_option, &common },
	};
	const struct command *c;
	int n = option_parse(tables, 2, argc, argv, true);

	if (n < 0)
		return EXIT_USAGE;
	if (common.version) {
		puts("millrace " MR_VERSION);
		return finish(EXIT_OK);
	}
	if (n == 0) {
		if (!common.help) {
			complain("no command: millrace --help shows them all");
			return EXIT_USAGE;
		}
		print_usage();
		return finish(EXIT_OK);
	}
	if ((c = find(argv[0])) == NULL)
		return finish(run_of_plugin(n, argv));
	return finish(run(c, n, argv));
}
