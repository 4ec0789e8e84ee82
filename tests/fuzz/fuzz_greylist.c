/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a name and a value of the store, and what becomes part of a name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/greylist/entry.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_spelling(const char *text)
{
	char spelt[ENTRY_PART_BYTES + 1], net[ENTRY_PART_BYTES + 1];
	char name[ENTRY_NAME_BYTES];
	struct entry_parts parts;

	entry_spell(spelt, text);
	entry_network(net, text, 24, 64);
	for (const char *p = spelt; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			abort();
	if (spelt[0] == '\0')
		return;
	if (!entry_name_parse(
		name, entry_name(name, net, spelt, spelt), &parts) ||
	    strcmp(parts.origin, net) != 0 ||
	    strcmp(parts.domain, spelt) != 0 ||
	    strcmp(parts.recipient, spelt) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), value[ENTRY_VALUE_BYTES];
	struct entry_parts parts;
	struct entry e, again;

	memcpy(text, data, size);
	text[size] = '\0';
	entry_name_parse(text, size, &parts);
	if (entry_parse(text, size, &e) &&
	    (!entry_parse(value, entry_print(value, &e), &again) ||
		again.since_ms != e.since_ms || again.state != e.state))
		abort();
	check_spelling(text);
	free(text);
	return 0;
}
