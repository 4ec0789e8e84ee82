/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication-Results.  The input is read twice: as the value of a field
 * that came in, and as what plugins hand in for ours, which must come out as
 * clean lines that we would recognise as ours.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/authres.h"

enum { PROPERTIES = 4, RESULTS = 4, LINE = 998 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char ours[] = "mx.example.com";
static const char theirs[] = "mx.example.net";

static void
must(bool so)
{
	if (!so)
		abort();
}

/* Lines of the input are its texts; an empty one stands for none. */
static char *
next(char **at)
{
	char *line = strsep(at, "\n");

	return line != NULL && line[0] != '\0' ? line : NULL;
}

static bool
read_result(struct arena *arena, char **at, struct authres_result *out)
{
	struct mr_auth_property props[PROPERTIES];
	const char *method = next(at), *result = next(at), *reason = next(at);
	const char *why = NULL;
	size_t n = 0;

	for (; n < PROPERTIES && *at != NULL && **at != '\0'; n++) {
		props[n].name = next(at);
		props[n].value = *at != NULL ? strsep(at, "\n") : NULL;
	}
	if (*at != NULL)
		next(at);
	if (authres_check(arena, method, result, reason, props, n, out, &why))
		return true;
	must(why != NULL);
	return false;
}

static void
check_lines(const char *value)
{
	size_t column = 0;

	for (const char *c = value; *c != '\0'; c++, column++) {
		if (*c == '\n') {
			must(c[1] == '\t' && column <= LINE);
			c++;
			column = 0;
			continue;
		}
		must(*c >= ' ' && *c <= '~');
	}
	must(column <= LINE);
}

/* No text may end the quotes: so ";" outside of them counts the results. */
static void
check_parts(const char *value, size_t count)
{
	bool quoted = false;
	size_t parts = 0;

	for (const char *c = value; *c != '\0'; c++) {
		if (quoted && *c == '\\')
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted)
			parts += *c == ';';
		must(quoted || *c != '(');
	}
	must(!quoted && parts == (count > 0 ? count : 1));
}

static void
check_build(char *text)
{
	struct arena *arena = arena_create(1024);
	struct authres_result results[RESULTS];
	const char *value;
	size_t n = 0;

	while (n < RESULTS && text != NULL)
		n += read_result(arena, &text, &results[n]);
	value = authres_build(arena, ours, results, n);
	check_lines(value);
	check_parts(value, n);
	must(authres_is_forged(value, ours));
	must(authres_is_forged(value, "MX.Example.COM"));
	if (strlen(value) <= 4096)
		must(!authres_is_forged(value, theirs));
	arena_destroy(&arena);
}

/* The same text behind a known beginning is judged by that. */
static void
check_behind(const char *text, const char *head, bool forged)
{
	char *whole;

	must(asprintf(&whole, "%s%s", head, text) >= 0);
	if (strlen(whole) <= 4096)
		must(authres_is_forged(whole, ours) == forged);
	else
		must(authres_is_forged(whole, ours));
	free(whole);
}

static void
check_forged(const char *text)
{
	bool us = authres_is_forged(text, ours);
	bool them = authres_is_forged(text, theirs);
	bool others = authres_is_forged(text, "another.example");

	/* It has one name, or cannot be told whoever asks. */
	must(us + them + others <= 1 || us + them + others == 3);
	check_behind(text, " MX.example.com;", true);
	check_behind(text, "\n\t(c (d)\\))\"mx.example.com\" 1 ;", true);
	check_behind(text, "mx.example.net;", false);
	check_behind(text, "(mx.example.com)\"mx.example.net\" 1;", false);
	check_behind(text, "mx.example.net 2;", true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);

	must(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	check_forged(text);
	authres_id_ok(text);
	check_build(text);
	free(text);
	return 0;
}
