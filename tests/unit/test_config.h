/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins for the tests of the configuration, well made and ill made. */
#ifndef TEST_CONFIG_H
#define TEST_CONFIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

struct alpha {
	bool sign;
	int64_t count, wait, room, action;
	double score;
	const char *reply, *unset;
	const struct mr_list *words, *more;
	const struct mr_map *keys;
};

#define A(m, t) MR_OPTION(struct alpha, m, t)

/* A plugin of a later daemon: its rows are longer than ours. */
static const struct {
	struct mr_option o;
	const char *later;
} alpha_options[] = {
	{ { .name = "sign", A(sign, MR_BOOL), .text = "Whether to sign." },
	    "x" },
	{ { .name = "count",
	      A(count, MR_INT),
	      .fallback = "7",
	      .min = -5,
	      .max = INT64_MAX,
	      .text = "How many." },
	    "x" },
	{ { .name = "wait", A(wait, MR_DURATION), .fallback = "90m" }, "x" },
	{ { .name = "room", A(room, MR_SIZE), .fallback = "1536K" }, "x" },
	{ { .name = "action",
	      A(action, MR_CHOICE),
	      .fallback = "tag",
	      .choices = "reject|tag|drop" },
	    "x" },
	{ { .name = "score",
	      A(score, MR_REAL),
	      .fallback = "2.5",
	      .min = -10,
	      .max = 10 },
	    "x" },
	{ { .name = "reply", A(reply, MR_STRING), .fallback = "go away" },
	    "x" },
	{ { .name = "unset", A(unset, MR_STRING) }, "x" },
	{ { .name = "words",
	      A(words, MR_LIST),
	      .fallback = "{ one, \"two words\" }" },
	    "x" },
	{ { .name = "more", A(more, MR_LIST) }, "x" },
	{ { .name = "keys", A(keys, MR_MAP) }, "x" },
	{ { .name = NULL }, NULL },
};

struct odd {
	int64_t n;
};

#define O(...)                                                                 \
	{                                                                      \
		{ __VA_ARGS__ },                                               \
		{                                                              \
			.name = NULL                                           \
		}                                                              \
	}

static const struct mr_option odd_options[][2] = {
	O(.name = "n", .type = MR_STRING, .offset = 4),
	O(.name = "n", .type = MR_INT, .fallback = "many"),
	O(.name = "n", .type = MR_INT, .min = 1, .max = 9),
	O(.name = "n", .type = 77),
	O(.name = "n", .type = MR_INT, .min = 9, .max = 1),
	O(.name = "n", .type = MR_CHOICE),
	O(.name = "deadline", .type = MR_INT),
	O(.name = "N n", .type = MR_INT),
	O(.name = "n", .type = MR_LIST, .fallback = "{ a, b"),
};

static const struct config_plugin plugins[] = {
	{ "alpha", NULL, &alpha_options[0].o, sizeof(alpha_options[0]),
	    sizeof(struct alpha) },
	{ "beta", "alpha", NULL, 0, 0 },
	{ "gamma", "alpha  delta", NULL, 0, 0 },
	{ "delta", "", NULL, 0, 0 },
	{ "epsilon", "alpha|beta|delta", NULL, 0, 0 },
	{ "odd0", NULL, odd_options[0], sizeof(struct mr_option), 8 },
	{ "odd1", NULL, odd_options[1], sizeof(struct mr_option), 8 },
	{ "odd2", NULL, odd_options[2], sizeof(struct mr_option), 8 },
	{ "odd3", NULL, odd_options[3], sizeof(struct mr_option), 8 },
	{ "odd4", NULL, odd_options[4], sizeof(struct mr_option), 8 },
	{ "odd5", NULL, odd_options[5], sizeof(struct mr_option), 8 },
	{ "odd6", NULL, odd_options[6], sizeof(struct mr_option), 8 },
	{ "odd7", NULL, odd_options[7], sizeof(struct mr_option), 8 },
	{ "odd8", NULL, odd_options[8], sizeof(struct mr_option), 8 },
	{ "odd9", NULL, odd_options[1], 16, 8 },
	{ "threads", NULL, NULL, 0, 0 },
};
enum { NPLUGINS = sizeof(plugins) / sizeof(plugins[0]) };

#define MX "listener mx { socket = \"inet:8891@127.0.0.1\" chain = { a } }\n"
static struct config *
load(const char *text, char **why)
{
	return config_load_text("t.conf", (struct span){ text, strlen(text) },
	    plugins, NPLUGINS, why);
}

static struct config *
must_load(const char *text)
{
	char *why = NULL;
	struct config *c = load(text, &why);

	if (c == NULL)
		fail_msg("%s\nrefused: %s", text, why);
	assert_null(why);
	return c;
}

#endif
