/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { SCORE_MAX = 1000 };

/* Cut the next word off *text; its length, 0 at the end. */
static size_t
next_word(const char **text, const char **word)
{
	size_t n;

	*text += strspn(*text, " \t");
	*word = *text;
	n = strcspn(*text, " \t");
	*text += n;
	return n;
}

static bool
action_parse(const char *word, size_t n, enum rule_action *action)
{
	const char *a = RULE_ACTIONS;

	for (int i = 0; *a != '\0'; i++) {
		size_t len = strcspn(a, "|");

		if (len == n && memcmp(a, word, n) == 0) {
			*action = (enum rule_action)i;
			return true;
		}
		a += len + (a[len] == '|');
	}
	return false;
}

static bool
score_parse(const char *word, size_t n, double *score)
{
	char *end;
	double value;

	if (strspn(word, "0123456789.-") != n)
		return false;
	value = strtod(word, &end);
	if (end != word + n || value < -SCORE_MAX || value > SCORE_MAX)
		return false;
	*score = value;
	return true;
}

bool
rule_parse(const char *text, struct rule *out, const char **why)
{
	struct rule r = { .action = RULE_ACCEPT };
	const char *word;
	size_t n = next_word(&text, &word);

	*why = "it begins with a pattern of at most 128 characters, as in "
	       "\"Heuristics.* score 5\"";
	if (n == 0 || n > RULE_PATTERN)
		return false;
	memcpy(r.pattern, word, n);
	*why = "after the pattern comes accept, score, quarantine, discard, "
	       "tempfail or reject";
	n = next_word(&text, &word);
	if (!action_parse(word, n, &r.action))
		return false;
	*why = "after the action may come a score from -1000 to 1000, and "
	       "nothing else";
	if ((n = next_word(&text, &word)) > 0) {
		if (!score_parse(word, n, &r.score))
			return false;
		r.scored = true;
	}
	if (next_word(&text, &word) > 0)
		return false;
	*why = NULL;
	*out = r;
	return true;
}

bool
rule_matches(const struct rule *r, const char *name)
{
	return fnmatch(r->pattern, name, FNM_NOESCAPE | FNM_CASEFOLD) == 0;
}
