/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

enum { THRESHOLD_MOST = 1000 };

static const char *const names[ACTIONS] = {
	[ACTION_NONE] = "none",
	[ACTION_HEADER] = "header",
	[ACTION_SUBJECT] = "subject",
	[ACTION_GREYLIST] = "greylist",
	[ACTION_QUARANTINE] = "quarantine",
	[ACTION_REJECT] = "reject",
	[ACTION_DISCARD] = "discard",
};

const char *
policy_name(enum action action)
{
	return names[action];
}

static enum action
action_named(const char *name, size_t n)
{
	for (int a = ACTION_HEADER; a < ACTIONS; a++)
		if (strlen(names[a]) == n && memcmp(names[a], name, n) == 0)
			return (enum action)a;
	return ACTION_NONE;
}

/* A number above 0, or "never". */
static bool
threshold(const char *text, size_t n, double *at)
{
	char *end;

	if (n == 5 && memcmp(text, "never", 5) == 0) {
		*at = 0;
		return true;
	}
	*at = strtod(text, &end);
	return end == text + n && n > 0 && *at > 0 && *at <= THRESHOLD_MOST;
}

const char *
policy_parse(const char *text, struct policy *p)
{
	struct policy read = *p;

	text += strspn(text, " \t");
	if (*text == '\0')
		return "a policy is needed, as in \"reject=10 "
		       "quarantine=never\"";
	while (*text != '\0') {
		size_t n = strcspn(text, " \t"), name = strcspn(text, "= \t");
		enum action a = action_named(text, name);

		if (a == ACTION_NONE || text[name] != '=')
			return "a policy is made of header, subject, "
			       "greylist, quarantine, reject and discard, "
			       "each with =POINTS or =never";
		if (!threshold(text + name + 1, n - name - 1, &read.at[a]))
			return "the points of a policy are a number above 0 "
			       "and up to 1000, or never";
		text += n;
		text += strspn(text, " \t");
	}
	*p = read;
	return NULL;
}

/* A sum of tenths may miss a threshold by what a double cannot hold. */
bool
policy_reaches(const struct policy *p, enum action a, double points)
{
	return p->at[a] > 0 && points + 1e-6 >= p->at[a];
}

enum action
policy_action(const struct policy *p, double points)
{
	int a = ACTIONS - 1;

	while (a > ACTION_NONE && !policy_reaches(p, (enum action)a, points))
		a--;
	return (enum action)a;
}
