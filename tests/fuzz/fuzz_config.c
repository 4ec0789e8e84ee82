/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a config file, with two plugins installed: it is refused with
 * a reason, or what is printed of it reads as the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "config/scan.h"

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct alpha {
	bool sign;
	int64_t count, wait, room, action;
	double score;
	const char *reply;
	const struct mr_list *words;
	const struct mr_map *keys;
};

#define A(m, t) MR_OPTION(struct alpha, m, t)

static const struct mr_option alpha_options[] = {
	{ .name = "sign", A(sign, MR_BOOL), .text = "Yes or no." },
	{ .name = "count", A(count, MR_INT), .min = -5, .max = 1000 },
	{ .name = "wait", A(wait, MR_DURATION), .fallback = "90m" },
	{ .name = "room", A(room, MR_SIZE), .fallback = "1536K" },
	{ .name = "action", A(action, MR_CHOICE), .choices = "tag|drop" },
	{ .name = "score", A(score, MR_REAL), .fallback = "2.5" },
	{ .name = "reply", A(reply, MR_STRING), .fallback = "go away" },
	{ .name = "words", A(words, MR_LIST), .fallback = "{ one, two }" },
	{ .name = "keys", A(keys, MR_MAP) },
	{ .name = NULL },
};

static const struct config_plugin plugins[] = {
	{ "alpha", NULL, alpha_options, sizeof(alpha_options[0]),
	    sizeof(struct alpha) },
	{ "beta", "alpha", NULL, 0, 0 },
};

static void
must(bool so)
{
	if (!so)
		abort();
}

static struct config *
load(struct span text)
{
	char *why = NULL;
	struct config *c = config_load_text("fuzz", text, plugins, 2, &why);

	must((c == NULL) == (why != NULL));
	must(why == NULL || why[0] != '\0');
	free(why);
	return c;
}

/* The settings without the notes which of them are defaults. */
static void
bare(const struct config *c, struct buf *out)
{
	static const char note[] = " # default";
	struct buf text = { 0 };
	struct span rest;

	config_print(c, &text, false);
	rest = (struct span){ text.p, text.n };
	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		if (span_ends_nocase(line, span_of(note)))
			line.n -= sizeof(note) - 1;
		buf_put(out, line.p, line.n);
		buf_char(out, '\n');
	}
	buf_finish(&text);
}

static void
check_print(const struct config *c)
{
	struct buf text = { 0 }, json = { 0 }, first = { 0 }, second = { 0 };
	struct config *again;

	config_print_json(c, &json);
	must(json.n > 2 && json.p[json.n - 1] == '}');
	config_print(c, &text, true);
	again = load((struct span){ text.p, text.n });
	must(again != NULL);
	bare(c, &first);
	bare(again, &second);
	must(strcmp(first.p, second.p) == 0);
	config_destroy(&again);
	buf_finish(&text);
	buf_finish(&json);
	buf_finish(&first);
	buf_finish(&second);
}

/* Text that is written in quotes reads as the same. */
static void
check_quotes(struct span in)
{
	struct buf text = { 0 }, quoted = { 0 }, plain = { 0 };
	struct scan scan = { { NULL, 0 }, 1 };
	struct scan_token t;

	buf_put(&text, in.p, strnlen(in.p, in.n));
	scan_encode(text.p, &quoted);
	scan.in = (struct span){ quoted.p, quoted.n };
	scan_next(&scan, &t);
	must(t.type == SCAN_WORD && t.raw.n == quoted.n);
	scan_decode(t.raw, &plain);
	must(strcmp(plain.p, text.p) == 0);
	buf_finish(&text);
	buf_finish(&quoted);
	buf_finish(&plain);
}

/* Files of the kernel may do something when they are read. */
static bool
harmless(struct span in)
{
	static const char *const folders[] = { "/proc", "/sys", "/dev", "\\x" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (memmem(in.p, in.n, folders[i], strlen(folders[i])) != NULL)
			return memmem(in.p, in.n, "include", 7) == NULL &&
			       memmem(in.p, in.n, "map", 3) == NULL;
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct log_settings quiet = { LOG_LEVEL_ERROR, LOG_TARGET_STDERR,
		LOG_FORMAT_TEXT };

	(void)argc;
	(void)argv;
	log_open("fuzz", &quiet);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct config *c;

	if (size == 0 || !harmless(in))
		return 0;
	check_quotes(in);
	c = load(in);
	if (c == NULL)
		return 0;
	check_print(c);
	config_destroy(&c);
	return 0;
}
