/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the value of a list entry. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/access/entry.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is taken keeps the rules of host->reply(). */
static void
check_reply(const char *value)
{
	struct entry_reply r;

	if (entry_reply_parse(value, &r) != NULL)
		return;
	if (r.code != 0 && (r.code < 400 || r.code > 599))
		abort();
	if (r.dsn[0] != '\0' && r.dsn[0] - '0' != r.code / 100)
		abort();
	if (r.text < value || strlen(r.text) > ENTRY_TEXT_BYTES)
		abort();
	for (const char *p = r.text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

static void
check_score(const char *value)
{
	double score;

	if (entry_score_parse(value, &score) &&
	    !(score >= -1000 && score <= 1000))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	check_reply(text);
	check_score(text);
	free(text);
	return 0;
}
