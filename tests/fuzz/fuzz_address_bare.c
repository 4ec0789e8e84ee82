/* SPDX-License-Identifier: Apache-2.0 */
/* The address in MAIL and RCPT without its brackets and source route. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

/* A bare address stands for itself, in brackets or not. */
static void
check_brackets(struct arena *arena, const char *bare)
{
	size_t n = strlen(bare);
	char *text;

	if (strchr("<@ \t", bare[0]) != NULL)
		return; /* also if it is empty */
	must(strcmp(address_bare(arena, bare), bare) == 0);
	text = malloc(n + 3);
	must(text != NULL);
	text[0] = '<';
	memcpy(text + 1, bare, n);
	memcpy(text + 1 + n, ">", 2);
	must(strcmp(address_bare(arena, text), bare) == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *arena = arena_create(256);
	char *text = malloc(n + 1);
	const char *bare;

	must(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	bare = address_bare(arena, text);
	must(strlen(bare) <= strlen(text) && strstr(text, bare) != NULL);
	check_brackets(arena, bare);
	free(text);
	arena_destroy(&arena);
	return 0;
}
