/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <stddef.h>

#include "text.h"

static const char *const actions[ACTIONS] = {
	[ACTION_ACCEPT] = "accept",
	[ACTION_SCORE] = "score",
	[ACTION_TEMPFAIL] = "tempfail",
	[ACTION_REJECT] = "reject",
	[ACTION_QUARANTINE] = "quarantine",
	[ACTION_ERROR] = "error",
};

static bool
find_action(struct span word, enum action *action)
{
	for (size_t i = 0; i < ACTIONS; i++) {
		if (!span_is(word, actions[i]))
			continue;
		*action = (enum action)i;
		return true;
	}
	return false;
}

/* "softfail" or "helo-softfail"; a pass is not judged. */
static bool
find_result(struct span name, enum identity *identity, enum result *result)
{
	struct span rest = name;

	*identity = IDENTITY_MAIL;
	if (span_is(span_cut(&rest, '-'), "helo")) {
		*identity = IDENTITY_HELO;
		name = rest;
	}
	for (size_t i = 0; i < RESULTS; i++) {
		if (i == RESULT_PASS ||
		    !span_is(name, result_name((enum result)i)))
			continue;
		*result = (enum result)i;
		return true;
	}
	return false;
}

/* By hand: strtod() knows hex, nan, inf and the locale's decimal point. */
static bool
parse_score(struct span s, double *score)
{
	double number = 0, unit = 1;
	bool minus = s.n > 0 && s.p[0] == '-', any = false;
	size_t i = minus;

	for (; i < s.n && text_is_digit(s.p[i]); i++, any = true)
		number = number * 10 + (s.p[i] - '0');
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && text_is_digit(s.p[i]); i++, any = true)
			number += (s.p[i] - '0') * (unit /= 10);
	if (!any || i < s.n || number > 1000)
		return false;
	*score = minus ? -number : number;
	return true;
}

static const char *
parse_word(struct span word, struct policy *p)
{
	struct span name = span_cut(&word, '='), verb = span_cut(&word, ':');
	enum identity identity;
	enum result result = RESULT_NONE;
	enum action action;

	if (!find_result(name, &identity, &result))
		return "a word must be like softfail=reject, with a result "
		       "(fail, softfail, neutral, none, temperror, permerror) "
		       "or helo- and a result before the =";
	if (!find_action(verb, &action))
		return "the action after the = must be accept, score, "
		       "tempfail, reject or quarantine";
	if (action == ACTION_ERROR && result != RESULT_TEMPERROR)
		return "the action error is for temperror only";
	if (word.p != verb.p + verb.n &&
	    (action != ACTION_SCORE || !parse_score(word, &p->scores[result])))
		return "after a : comes a score of -1000 to 1000, as in "
		       "softfail=score:2.5";
	p->actions[identity][result] = action;
	return NULL;
}

const char *
policy_parse(const char *value, struct policy *policy)
{
	struct policy changed = *policy;
	struct span rest = span_of(value);
	const char *why;

	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '\t')
			return "words are apart by blanks, not by tabs";
	while (rest.n > 0) {
		struct span word = span_cut(&rest, ' ');

		if (word.n > 0 && (why = parse_word(word, &changed)) != NULL)
			return why;
	}
	*policy = changed;
	return NULL;
}

double
policy_score(const struct policy *p, enum identity identity, enum result result)
{
	if (result == RESULT_PASS ||
	    p->actions[identity][result] == ACTION_SCORE)
		return p->scores[result];
	return 0;
}

enum action
policy_graver(enum action a, enum action b)
{
	static const int gravity[ACTIONS] = {
		[ACTION_ACCEPT] = 0,
		[ACTION_SCORE] = 0,
		[ACTION_QUARANTINE] = 1,
		[ACTION_ERROR] = 2,
		[ACTION_TEMPFAIL] = 3,
		[ACTION_REJECT] = 4,
	};

	return gravity[a] >= gravity[b] ? a : b;
}
