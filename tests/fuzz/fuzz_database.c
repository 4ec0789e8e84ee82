/* SPDX-License-Identifier: Apache-2.0 */
/* The option store.  What is accepted names something, in plain text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/database.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
must_be_plain(const char *text)
{
	must(strlen(text) < DATABASE_TEXT);
	for (; *text != '\0'; text++)
		must(*text > ' ' && *text <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), *why = NULL;
	struct database d;

	memcpy(text, data, n);
	text[n] = '\0';
	if (!database_parse(text, &d, &why)) {
		must(why != NULL && why[0] != '\0');
	} else {
		must(why == NULL);
		must_be_plain(d.path);
		must_be_plain(d.user);
		must_be_plain(d.name);
		must((d.path[0] == '/') == (d.nhosts == 0));
		must((d.name[0] != '\0') == (d.kind == DATABASE_SENTINEL));
		for (unsigned i = 0; i < d.nhosts; i++) {
			must_be_plain(d.hosts[i].name);
			must(d.hosts[i].name[0] && d.hosts[i].port != 0);
		}
	}
	free(why);
	free(text);
	return 0;
}
