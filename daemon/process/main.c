/* SPDX-License-Identifier: Apache-2.0 */
/* millraced: options, and going to the background. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/logging.h"
#include "process/master.h"
#include "process/setup.h"

#define DEFAULT_CONFIG MR_SYSCONFDIR "/millrace/millrace.conf"

enum { EXIT_USAGE_ERROR = 64, EXIT_CONFIG_ERROR = 78 };

static void
usage(FILE *to)
{
	fputs("usage: millraced [-f] [-c file]      run\n"
	      "       millraced -t [-c file]        check the configuration\n"
	      "       millraced -V | -h\n"
	      "  -c file  the configuration; default: " DEFAULT_CONFIG ",\n"
	      "           or built-in defaults if that does not exist\n"
	      "  -f       stay in the foreground and log to stderr\n",
	    to);
}

static int
check(const char *config)
{
	char *summary = NULL, *why = NULL;

	if (!setup_check(config, &summary, &why)) {
		fprintf(stderr, "%s\n", why);
		free(why);
		return EXIT_CONFIG_ERROR;
	}
	printf("%s: ok: %s\n", config != NULL ? config : "built-in defaults",
	    summary);
	free(summary);
	return 0;
}

/* In the parent: wait until the daemon serves, and exit as it says. */
static int
wait_for_start(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 && c == '+' ? 0 : EXIT_CONFIG_ERROR;
}

/* The end to report on in the child; the parent never returns. */
static int
go_to_background(void)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) == -1 || (pid = fork()) == -1) {
		perror("millraced");
		exit(71);
	}
	if (pid > 0) {
		close(ends[1]);
		_exit(wait_for_start(ends[0]));
	}
	close(ends[0]);
	setsid();
	if (freopen("/dev/null", "r", stdin) == NULL ||
	    freopen("/dev/null", "w", stdout) == NULL)
		perror("millraced: /dev/null");
	return ends[1];
}

int
main(int argc, char **argv)
{
	struct master_settings settings = { .ready = -1 };
	bool foreground = false, only_check = false;
	int option;

	while ((option = getopt(argc, argv, "c:fthV")) != -1)
		switch (option) {
		case 'c':
			settings.config_path = optarg;
			break;
		case 'f':
			foreground = true;
			break;
		case 't':
			only_check = true;
			break;
		case 'V':
			puts("millraced " MR_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_USAGE_ERROR;
		}
	if (optind < argc) {
		usage(stderr);
		return EXIT_USAGE_ERROR;
	}
	if (settings.config_path == NULL && access(DEFAULT_CONFIG, F_OK) == 0)
		settings.config_path = DEFAULT_CONFIG;
	umask(022);
	logging_open("master", NULL);
	if (only_check)
		return check(settings.config_path);
	if (!foreground)
		settings.ready = go_to_background();
	return master_run(&settings);
}
