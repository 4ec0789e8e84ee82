/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the journal, read and written again; and as a record of the
 * journal, made a report.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dmarc/evidence.c"
#include "../../plugins/dmarc/report.c"
#include "../../plugins/dmarc/xml.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool so)
{
	if (!so)
		abort();
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static void
check_again(const struct evidence *e)
{
	char text[EVIDENCE_BYTES + 1];
	struct evidence again;

	evidence_write(e, text);
	check(strlen(text) <= EVIDENCE_BYTES);
	for (const char *c = text; *c != '\0'; c++)
		check(*c >= ' ' && *c <= '~');
	if (e->values[EVIDENCE_FROM][0] == '\0' || strlen(text) > 1000)
		return;
	check(evidence_read(text, &again));
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		check(same(e->values[i], again.values[i]));
	check(again.nsignatures == e->nsignatures);
	for (size_t i = 0; i < e->nsignatures; i++)
		check(same(
		    e->signatures[i].selector, again.signatures[i].selector));
}

/* No tag comes from a value. */
static void
check_report(const char *json)
{
	static const struct xml_metadata m = { "o", "e", NULL, "i", "g", 1, 2 };
	struct report_set *set = report_create(NULL);
	struct report *const *list;
	char *text = NULL;
	size_t n, size;
	FILE *f;

	report_add(set, json);
	list = report_list(set, &n);
	for (size_t i = 0; i < n; i++) {
		int depth = 0;

		f = open_memstream(&text, &size);
		report_write(list[i], &m, f);
		fclose(f);
		check(strlen(text) == size);
		for (const char *c = text; *c != '\0'; c++) {
			depth += (*c == '<') - (*c == '>');
			check(depth == 0 || depth == 1);
			check(*c == '\n' || (unsigned char)*c >= ' ');
		}
		free(text);
	}
	report_destroy(&set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct evidence e;

	memcpy(text, data, n);
	text[n] = '\0';
	check_report(text);
	if (evidence_read(text, &e))
		check_again(&e);
	free(text);
	return 0;
}
