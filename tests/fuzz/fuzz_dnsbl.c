/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of dnsbl: whatever is written, and whatever a list answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dnsbl/entry.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_entry(const struct entry *e)
{
	static const uint32_t answers[] = { 0x7f000002, 0x7f0000ff, 0x7fffffff,
		0xc0000201, 0x7f000100 };
	bool any = false;

	must(e->name[0] != '\0' && e->zone[0] != '\0');
	must(e->count > 0 && e->count <= ENTRY_ANSWERS);
	for (int k = 0; k < KINDS; k++)
		any = any || e->with[k];
	must(any && !e->whole[CLIENT]);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct entry_answer *a;
		uint32_t at = 0, found = 0;

		while ((a = entry_match(e, answers[i], &at)) != NULL) {
			must(strncmp(a->symbol, "DNSBL_", 6) == 0);
			must(a->score >= -1000 && a->score <= 1000);
			found++;
		}
		must(found <= e->count);
		must(entry_meaning(answers[i]) || found == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct entry e;
	const char *why;

	must(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	if (entry_parse(text, &e, &why))
		check_entry(&e);
	else
		must(why != NULL && why[0] != '\0');
	free(text);
	return 0;
}
