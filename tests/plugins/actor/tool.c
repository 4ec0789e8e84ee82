/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the plugin: what they are handed, and how they end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/map.h>

#include "tool.h"

/* "say [exit N] WORD ...": what it was given, a line each. */
static int32_t
say(const struct mr_tool *t, int32_t argc, char **argv)
{
	const struct mr_host *host = t->ctx->host;
	int32_t status = 0;

	for (uint32_t i = 0; i < t->count; i++)
		printf("instance %s\n", t->names[i]);
	printf("json %d\n", t->json);
	printf("map %d\n", host->service(host, MR_MAP_SERVICE) != NULL);
	printf("memory %d\n", *(char *)host->alloc(t->ctx, 1));
	printf("time %d\n", host->time_left(t->ctx) > 1000);
	for (int32_t i = 1; i < argc; i++) {
		if (strcmp(argv[i], "exit") == 0 && i + 1 < argc)
			status = (int32_t)strtol(argv[++i], NULL, 10);
		else
			printf("word %s\n", argv[i]);
	}
	return status;
}

static bool
count(void *arg, const char *json)
{
	int *left = arg;

	printf("record %d\n", strstr(json, "\"outcome\"") != NULL);
	return --*left > 0;
}

/* "past N": the newest N records. */
static int32_t
past(const struct mr_tool *t, int32_t argc, char **argv)
{
	int left = argc > 1 ? atoi(argv[1]) : 1;

	return t->history(t, 0, 0, count, &left) ? 0 : 2;
}

static void
look(void *arg, struct mr_ctx *c)
{
	const char *name, *value;
	size_t len = 0;
	const void *body = c->host->body(c, &len);

	(void)arg;
	for (uint32_t i = 0; c->host->header_at(c, i, &name, &value); i++)
		printf("field %s:%s\n", name, value);
	printf("body %.*s\n", (int)len, (const char *)body);
	printf("sender %s memory %d\n", c->sender, *(char *)c->message);
}

/* "read TEXT": a message, and what a plugin sees of it; twice. */
static int32_t
read_message(const struct mr_tool *t, int32_t argc, char **argv)
{
	for (int i = 0; i < 2 && argc > 1; i++)
		t->message(t, argv[1], strlen(argv[1]), look, NULL);
	printf("open %d\n", t->ctx->message != NULL);
	return 0;
}

const struct mr_command tool_commands[] = {
	{ "say", "[WORD ...]", "print what a command is handed", say },
	{ "past", "[N]", "look at the journal", past },
	{ "read", "TEXT", "take a message apart", read_message },
	{ 0 },
};
