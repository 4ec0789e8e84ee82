/* SPDX-License-Identifier: Apache-2.0 */
/* "millrace check-rules": are the files right, and do their tests hold? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/address.h>
#include <millrace/print.h>

#include "rules.h"
#include "script.h"

enum { DONE = 0, REFUSED = 1, USAGE = 2 };

/* No instance says otherwise. */
static const struct rules_conf defaults = {
	.text_limit = 256 * 1024, .match_limit = 20000, .time_limit = 1000
};

struct check_run {
	const struct mr_tool *tool;
	const struct mr_address_service *address;
	struct rules *rules;
	size_t tests, failures, untested;
	size_t patterns, always; /* tried on each message */
};

/* One line, with line ends of a test as they were written. */
static void
print_line(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			fputs("\\n", stdout);
		else
			putchar((unsigned char)*text < ' ' ? '?' : *text);
	putchar('\n');
}

static void
print_failure(struct check_run *run, const struct rule *r,
    const struct rule_test *t, const char *why)
{
	const char *what = why != NULL ? why
			   : t->match  ? "does not match, but must"
				       : "matches, but must not";

	if (!run->tool->json) {
		printf("%s:%u: rule %s %s: ", r->file, t->line, r->name, what);
		print_line(t->text);
	} else {
		printf("%s{\"file\":", run->failures > 0 ? "," : "");
		mr_print_json(r->file);
		printf(
		    ",\"line\":%u,\"rule\":\"%s\",\"what\":", t->line, r->name);
		mr_print_json(what);
		fputs(",\"text\":", stdout);
		mr_print_json(t->text);
		putchar('}');
	}
	run->failures++;
}

static void
run_test(struct check_run *run, uint32_t index, const struct rule_test *t)
{
	const struct match_limits limits = rules_limits(&defaults);
	const struct rule *r = &run->rules->items[index];
	struct pool pool = { NULL };
	struct view v = { .ctx = run->tool->ctx,
		.address = run->address,
		.pool = &pool,
		.text_limit = (size_t)defaults.text_limit,
		.now = time(NULL) };
	const char *why = NULL;

	run->tests++;
	if (!script_read(&v, run->rules, r, t->text, &why) ||
	    match_one(run->rules, &v, &limits, index) != t->match)
		print_failure(run, r, t, why);
	pool_finish(&pool);
}

static void
run_tests(struct check_run *run)
{
	for (uint32_t i = 0; i < run->rules->count; i++) {
		const struct rule *r = &run->rules->items[i];

		run->untested += r->ntests == 0 && !r->hidden;
		for (size_t k = 0; k < r->ntests; k++)
			run_test(run, i, &r->tests[k]);
	}
}

/* How many patterns cost time on each message. */
static void
count_patterns(struct check_run *run)
{
	for (size_t i = 0; i < run->rules->count; i++) {
		const struct rule *r = &run->rules->items[i];

		if (r->kind != RULE_PATTERN)
			continue;
		run->patterns++;
		run->always += r->always ||
			       run->rules->sources[r->source].prefilter == NULL;
	}
}

static int32_t
check_loaded(struct check_run *run)
{
	if (run->tool->json)
		fputs("{\"failures\":[", stdout);
	run_tests(run);
	count_patterns(run);
	if (run->tool->json)
		printf("],\"rules\":%zu,\"tests\":%zu,\"failed\":%zu,"
		       "\"untested\":%zu,\"patterns\":%zu,\"always\":%zu,"
		       "\"prefilter\":\"%s\"}\n",
		    run->rules->count, run->tests, run->failures, run->untested,
		    run->patterns, run->always, prefilter_kind);
	else
		printf("%zu rules, %zu tests, %zu failed; %zu rules have no "
		       "test\n%zu patterns, %zu of them tried on each message "
		       "(prefilter: %s)\n",
		    run->rules->count, run->tests, run->failures, run->untested,
		    run->patterns, run->always, prefilter_kind);
	return run->failures > 0 ? REFUSED : DONE;
}

/* The files that the command names, else those of the instances. */
static void
load_files(
    struct rules *rules, const struct mr_tool *t, int32_t argc, char **argv)
{
	for (int32_t i = 1; i < argc; i++) {
		const char *name = argv[i];

		rules_load(rules, &name, 1);
	}
	for (uint32_t i = 0; argc < 2 && i < t->count; i++) {
		const struct rules_conf *conf = t->confs[i];

		/* Instances may share files; a rule is there once. */
		if (i == 0)
			rules_load(
			    rules, conf->files->items, conf->files->count);
	}
	rules_finish_loading(rules);
}

static int32_t
check_files(const struct mr_tool *t, int32_t argc, char **argv)
{
	const struct mr_host *host = t->ctx->host;
	struct rules rules = { 0 };
	struct check_run run = { .tool = t, .rules = &rules };
	int32_t status = REFUSED;

	run.address = host->service(host, MR_ADDRESS_SERVICE);
	if (argc < 2 && t->count == 0) {
		fputs("millrace check-rules: no instance of rules is "
		      "configured; name files\n",
		    stderr);
		return USAGE;
	}
	load_files(&rules, t, argc, argv);
	if (rules.nerrors > 0)
		fprintf(stderr, "%s\n", rules.errors);
	else
		status = check_loaded(&run);
	rules_finish(&rules);
	return status;
}

/* --- import --- */

static char *
read_all(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = NULL;
	size_t n = 0, got;

	if (f == NULL)
		return NULL;
	do {
		if ((text = realloc(text, n + 65537)) == NULL)
			abort();
		got = fread(text + n, 1, 65536, f);
		n += got;
	} while (got > 0 && n < (64 << 20));
	text[n] = '\0';
	if (f != stdin)
		fclose(f);
	return text;
}

static int32_t
import_files(const struct mr_tool *t, int32_t argc, char **argv)
{
	int32_t status = DONE;

	(void)t;
	if (argc < 2) {
		fputs("millrace check-rules import: name a file, or - for "
		      "standard input\n",
		    stderr);
		return USAGE;
	}
	for (int32_t i = 1; i < argc; i++) {
		struct import in = { 0 };
		char *text = read_all(argv[i]);

		if (text == NULL) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return REFUSED;
		}
		import_rules(&in, argv[i], text);
		fputs(in.rules, stdout);
		fputs(in.report, stderr);
		fprintf(stderr, "%s: %zu rules taken, %zu left out\n", argv[i],
		    in.taken, in.left);
		free(in.rules);
		free(in.report);
		free(text);
	}
	return status;
}

const struct mr_command rules_commands[] = {
	{ "", "[FILE ...]", "check rule files and run their tests",
	    check_files },
	{ "import", "FILE ...", "make rules of SpamAssassin's rule files",
	    import_files },
	{ 0 },
};
