/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List files, and look-ups in what was read.  The first line of the input is
 * the key that is looked up, the rest is the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

/* Parts of the line, without blanks at their ends. */
static void
check_line(struct span line)
{
	struct span key, value, again;

	if (!map_line(line, &key, &value))
		return;
	must(key.n > 0 && key.p >= line.p);
	must(value.n == 0 || value.p > key.p + key.n);
	must(value.n == 0 || value.p + value.n <= line.p + line.n);
	must(key.p[0] == '"' || memchr(key.p, ' ', key.n) == NULL);
	again = span_trim(value);
	must(again.n == value.n);
}

static bool
count_key(void *arg, const char *key, const char *value, const char *where)
{
	size_t *n = arg;

	must(key[0] != '\0' && value != NULL && where == NULL);
	++*n;
	return true;
}

static void
check_map(const struct map *m, const char *key)
{
	struct arena *a = arena_create(256);
	bool everything = map_text(m, a, "*") != NULL;
	size_t n = 0;

	must(!everything || map_client(m, a, key) != NULL);
	must(!everything || map_address(m, a, key) != NULL);
	must(!everything || map_name(m, a, key) != NULL);
	must(!everything || map_text(m, a, key) != NULL);
	map_client(m, a, key);
	map_address(m, a, key);
	map_name(m, a, key);
	map_text(m, a, key);
	map_glob(m, a, key);
	map_each(m, count_key, &n);
	must(n == map_count(m));
	arena_destroy(&a);
}

/* A complaint names the file and is one line of harmless text. */
static void
check_why(const char *why)
{
	must(strncmp(why, "/list:", 6) == 0);
	for (; *why != '\0'; why++)
		must((unsigned char)*why >= 0x20 && *why != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct span first = span_cut(&in, '\n');
	struct arena *a = arena_create(256);
	struct map *m;
	char *why;

	check_line(first);
	m = map_parse("/list", in, &why);
	must((m == NULL) == (why != NULL));
	if (m != NULL)
		check_map(m, arena_copy_span(a, first));
	else
		check_why(why);
	free(why);
	map_destroy(&m);
	arena_destroy(&a);
	return 0;
}
