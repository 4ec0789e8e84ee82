/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a reply text, a NUL, and what strangers chose: a policy for the one
 * parser, and each value of a reply and of Received-SPF.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/policy.c"
#include "../../plugins/spf/result.c"
#include "../../plugins/spf/text.c"
#include "../../plugins/spf/words.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_policy(const char *value)
{
	struct policy p = { .scores = { 0 } };

	if (policy_parse(value, &p) != NULL)
		return;
	for (int i = 0; i < IDENTITIES; i++)
		for (int r = 0; r < RESULTS; r++)
			if (p.actions[i][r] >= ACTIONS ||
			    p.actions[i][RESULT_PASS] != ACTION_ACCEPT)
				abort();
	for (int r = 0; r < RESULTS; r++)
		if (!(p.scores[r] >= -1000 && p.scores[r] <= 1000))
			abort();
}

/* Printable ASCII; in a header, folds as LF and a tab. */
static void
check_line(const char *s, bool folds)
{
	for (; *s != '\0'; s++) {
		if (folds && s[0] == '\n' && s[1] == '\t') {
			s++;
			continue;
		}
		if (*s < ' ' || *s > '~')
			abort();
	}
}

static void
check_words(const char *text, const struct words *w)
{
	char *line = malloc(WORDS_REPLY), *header = malloc(WORDS_HEADER);
	struct text l = { .p = line, .size = WORDS_REPLY };
	struct text h = { .p = header, .size = WORDS_HEADER };

	if (words_fault(text) == NULL) {
		line[0] = '\0';
		words_expand(text, w, &l);
		check_line(line, false);
	}
	words_header(w, &h);
	check_line(header, true);
	if (h.cut)
		abort();
	free(line);
	free(header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 2), *value;
	struct words w;

	memcpy(copy, data, size);
	copy[size] = copy[size + 1] = '\0';
	value = copy + strlen(copy) + (strlen(copy) < size);
	check_policy(value);
	w = (struct words){ .client = "2001:db8::7",
		.sender = value,
		.domain = value,
		.helo = value,
		.receiver = value,
		.why = value,
		.path = value };
	for (int r = 0; r < RESULTS; r++)
		for (int i = 0; i < IDENTITIES; i++) {
			w.result = (enum result)r;
			w.identity = (enum identity)i;
			check_words(copy, &w);
		}
	free(copy);
	return 0;
}
