/* SPDX-License-Identifier: Apache-2.0 */
/* millrace learn: teach, correct, forget, and carry models about. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <millrace/print.h>

#include "learn.h"
#include "mailbox.h"
#include "snapshot.h"
#include "teach.h"

enum { DONE = 0, NOTHING = 1, USAGE = 2, LATER = 75 };
enum task { TASK_NONE, TASK_HAM, TASK_SPAM, TASK_FORGET };

struct request {
	enum task task;
	bool corrects;
	const char *instance, *domain;
	const struct learn_conf *conf;
	char *path;
};

struct run {
	const struct mr_tool *tool;
	const struct request *request;
	struct message_tools tools;
	struct writer writer;
	struct teacher teacher;
	char *why;
	bool failed;
};

static int32_t
complain(int32_t status, const char *what, char *why)
{
	fprintf(stderr, "millrace learn: %s\n", why != NULL ? why : what);
	free(why);
	return status;
}

/* The instance that was named, or the only one. */
static bool
find_instance(const struct mr_tool *t, struct request *r)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (r->instance == NULL ||
		    strcmp(t->names[i], r->instance) == 0) {
			r->conf = t->confs[i];
			break;
		}
	if (r->conf == NULL && r->instance != NULL)
		fprintf(stderr,
		    "millrace learn: there is no instance \"%s\" of learn in "
		    "the configuration\n",
		    r->instance);
	else if (r->conf == NULL)
		fprintf(stderr,
		    "millrace learn: the configuration has no instance of "
		    "learn: add  learn \"learn\" { }\n");
	else if (r->conf->model == NULL || r->conf->model[0] != '/')
		return complain(0,
		    "\"model\" must name a file by its whole "
		    "path",
		    NULL);
	return r->conf != NULL;
}

static bool
find_path(struct request *r)
{
	r->path = learn_path(r->conf, r->domain);
	if (r->path == NULL)
		fprintf(stderr,
		    "millrace learn: \"%s\" is no domain: small "
		    "letters, digits, dots and -\n",
		    r->domain != NULL ? r->domain : "");
	return r->path != NULL;
}

/* Options; *argc and *argv become what is left.  False after a message. */
static bool
take_options(
    const struct mr_tool *t, struct request *r, int32_t *argc, char ***argv)
{
	static const struct option known[] = {
		{ "spam", no_argument, NULL, TASK_SPAM },
		{ "ham", no_argument, NULL, TASK_HAM },
		{ "forget", no_argument, NULL, TASK_FORGET },
		{ "correct", no_argument, NULL, 'c' },
		{ "instance", required_argument, NULL, 'i' },
		{ "domain", required_argument, NULL, 'd' },
		{ 0 },
	};
	int o;

	*r = (struct request){ 0 };
	optind = 0;
	while ((o = getopt_long(*argc, *argv, "", known, NULL)) != -1) {
		if (o == '?')
			return false;
		if (o == 'i')
			r->instance = optarg;
		else if (o == 'c')
			r->corrects = true;
		else if (o == 'd')
			r->domain = optarg;
		else if (r->task != TASK_NONE)
			return complain(0,
			    "say --spam, --ham or --forget, one "
			    "of them",
			    NULL);
		else
			r->task = (enum task)o;
	}
	*argc -= optind;
	*argv += optind;
	return find_instance(t, r) && find_path(r);
}

/* --- learning --- */

static void
use_message(void *arg, struct mr_ctx *c)
{
	unsigned char digest[MESSAGE_DIGEST];
	struct run *r = arg;
	struct features f;

	if (!features_init(&f) || !message_features(c, &r->tools, &f, digest))
		r->failed = true;
	else if (r->request->task == TASK_FORGET)
		r->failed = !unteach(&r->teacher, &f, digest);
	else
		r->failed = !teach(
		    &r->teacher, &f, digest, r->request->task == TASK_SPAM);
	features_finish(&f);
}

static bool
see_message(void *arg, const char *text, size_t len)
{
	struct run *r = arg;

	r->tool->message(r->tool, text, len, use_message, r);
	return !r->failed;
}

static bool
begin(struct run *r)
{
	const struct mr_host *host = r->tool->ctx->host;

	r->tools = (struct message_tools){
		.content = host->service(host, MR_CONTENT_SERVICE),
		.address = host->service(host, MR_ADDRESS_SERVICE),
		.own_hosts = r->request->conf->own_hosts,
	};
	if (r->tools.content == NULL || r->tools.address == NULL)
		return false;
	if (!writer_begin(&r->writer, r->request->path, &r->why))
		return false;
	r->teacher.model = &r->writer.model;
	r->teacher.corrects = r->request->corrects;
	r->teacher.seen = seen_open(r->request->path, &r->why);
	if (r->teacher.seen == NULL)
		return false;
	/* Whoever moves a model away to begin anew can teach all again. */
	if (r->writer.model.head->ham + r->writer.model.head->spam == 0)
		return seen_clear(r->teacher.seen);
	return true;
}

static void
print_tally(
    const struct mr_tool *t, const struct tally *y, const struct model_head *h)
{
	const unsigned long long figures[] = { y->learned, y->corrected,
		y->known, y->forgotten, y->unknown, h->ham, h->spam };
	static const char *const names[] = { "learned", "corrected", "known",
		"forgotten", "unknown", "ham", "spam" };

	if (t->json) {
		for (size_t i = 0; i < 7; i++)
			printf("%s\"%s\":%llu", i == 0 ? "{" : ",", names[i],
			    figures[i]);
		printf("}\n");
		return;
	}
	printf("%llu learned, %llu of them corrected, %llu known already, "
	       "%llu forgotten, %llu never learned; the model has %llu ham "
	       "and %llu spam\n",
	    figures[0], figures[1], figures[2], figures[3], figures[4],
	    figures[5], figures[6]);
}

/* All of it or nothing: a mailbox that cannot be read teaches nothing. */
static int32_t
finish(struct run *r)
{
	int32_t status = DONE;

	if (r->why == NULL && !r->failed)
		r->failed = !teach_settle(&r->teacher);
	if (r->why == NULL && !r->failed && writer_commit(&r->writer, &r->why))
		seen_commit(r->teacher.seen, &r->why);
	if (r->why != NULL || r->failed)
		status = complain(
		    LATER, "out of memory, or the disk is full", r->why);
	else
		print_tally(r->tool, &r->teacher.tally, r->writer.model.head);
	return status;
}

static int32_t
learn(const struct mr_tool *t, int32_t argc, char **argv)
{
	char standard_input[] = "-";
	char *none[] = { standard_input, NULL };
	struct request request;
	struct run r = { .tool = t, .request = &request };
	int32_t status;

	if (!take_options(t, &request, &argc, &argv))
		return USAGE;
	if (request.task == TASK_NONE) {
		free(request.path);
		return complain(USAGE, "say --spam, --ham or --forget", NULL);
	}
	if (argc == 0)
		argv = none;
	if (!begin(&r)) {
		status = complain(LATER, "no service content/1", r.why);
	} else {
		for (; *argv != NULL && r.why == NULL && !r.failed; argv++)
			mailbox_each(*argv, see_message, &r, &r.why);
		status = finish(&r);
	}
	seen_close(&r.teacher.seen);
	writer_end(&r.writer);
	free(request.path);
	return status;
}

/* --- the model as a whole --- */

static int32_t
with_model(const struct mr_tool *t, int32_t argc, char **argv,
    int32_t (*use)(const struct mr_tool *, const struct request *,
	struct writer *, int32_t argc, char **argv))
{
	struct request request;
	struct writer writer;
	char *why = NULL;
	int32_t status;

	if (!take_options(t, &request, &argc, &argv))
		return USAGE;
	if (writer_begin(&writer, request.path, &why)) {
		status = use(t, &request, &writer, argc, argv);
		writer_end(&writer);
	} else {
		status = complain(LATER, "out of memory", why);
	}
	free(request.path);
	return status;
}

static int32_t
print_stats(const struct mr_tool *t, const struct request *r, struct writer *w,
    int32_t argc, char **argv)
{
	const struct model_head *h = w->model.head;
	double sure =
	    model_confidence(&w->model, (uint64_t)r->conf->learn_first);
	uint64_t used = 0;
	char changed[MR_PRINT_TIME];

	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < MODEL_WEIGHTS; i++)
		used += w->model.sums[i] > 0;
	mr_print_time(changed, 1000 * h->changed);
	if (t->json)
		printf("{\"ham\":%" PRIu64 ",\"spam\":%" PRIu64
		       ",\"corrections\":%" PRIu64 ",\"changed\":%" PRId64
		       ",\"used\":%" PRIu64 ",\"confidence\":%.2f,"
		       "\"slope\":%.3f,\"shift\":%.3f}\n",
		    h->ham, h->spam, h->corrections, h->changed, used, sure,
		    h->slope, h->shift);
	else
		printf("ham          %" PRIu64 "\nspam         %" PRIu64 "\n"
		       "corrections  %" PRIu64 "\nchanged      %s\n"
		       "weights      %" PRIu64 " of %d in use\n"
		       "confidence   %.2f\n"
		       "calibration  %.3f * margin + %.3f\n",
		    h->ham, h->spam, h->corrections,
		    h->changed > 0 ? changed : "never", used, MODEL_WEIGHTS,
		    sure, h->slope, h->shift);
	if (sure <= 0 && !t->json)
		printf("It says nothing yet: it waits for %lld ham and as "
		       "many spam.\n",
		    (long long)r->conf->learn_first);
	return h->ham + h->spam > 0 ? DONE : NOTHING;
}

static int32_t
stats(const struct mr_tool *t, int32_t argc, char **argv)
{
	return with_model(t, argc, argv, print_stats);
}

static FILE *
open_file(const char *path, bool out)
{
	if (strcmp(path, "-") == 0)
		return out ? stdout : stdin;
	return fopen(path, out ? "we" : "re");
}

static int32_t
write_model(const struct mr_tool *t, const struct request *r, struct writer *w,
    int32_t argc, char **argv)
{
	FILE *f;
	bool ok;

	(void)t;
	(void)r;
	if (argc != 1)
		return complain(USAGE, "say where to: FILE or -", NULL);
	if ((f = open_file(argv[0], true)) == NULL)
		return complain(LATER, strerror(errno), NULL);
	ok = fwrite(w->memory, MODEL_SIZE, 1, f) == 1 && fflush(f) == 0;
	if (f != stdout)
		ok = fclose(f) == 0 && ok;
	return ok ? DONE : complain(LATER, strerror(errno), NULL);
}

static int32_t
export_model(const struct mr_tool *t, int32_t argc, char **argv)
{
	return with_model(t, argc, argv, write_model);
}

static int32_t
replace_model(const struct mr_tool *t, const struct request *r,
    struct writer *w, int32_t argc, char **argv)
{
	const char *fault;
	char *why = NULL;
	size_t n;
	FILE *f;

	(void)r;
	if (argc != 1)
		return complain(USAGE, "say where from: FILE or -", NULL);
	if ((f = open_file(argv[0], false)) == NULL)
		return complain(LATER, strerror(errno), NULL);
	n = fread(w->memory, 1, MODEL_SIZE, f);
	n += (size_t)(fgetc(f) != EOF); /* one byte more is one too many */
	if (f != stdin)
		fclose(f);
	if ((fault = model_fault(w->memory, n)) != NULL)
		return complain(USAGE, fault, NULL);
	if (!writer_commit(w, &why))
		return complain(LATER, "out of memory", why);
	if (!t->json)
		printf("%llu ham and %llu spam are in force\n",
		    (unsigned long long)w->model.head->ham,
		    (unsigned long long)w->model.head->spam);
	return DONE;
}

static int32_t
import_model(const struct mr_tool *t, int32_t argc, char **argv)
{
	return with_model(t, argc, argv, replace_model);
}

const struct mr_command learn_commands[] = {
	{ "",
	    "--spam|--ham|--forget [--correct] [--instance NAME] "
	    "[--domain DOMAIN] "
	    "[FILE|MBOX|MAILDIR|-] ...",
	    "teach, correct or forget messages", learn },
	{ "stats", "[--instance NAME] [--domain DOMAIN]",
	    "what a model has learned", stats },
	{ "export", "[--instance NAME] [--domain DOMAIN] FILE|-",
	    "write a model to a file", export_model },
	{ "import", "[--instance NAME] [--domain DOMAIN] FILE|-",
	    "put a model from a file in place of what is there", import_model },
	{ 0 },
};
