/* SPDX-License-Identifier: Apache-2.0 */
#include "period.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400 };

static bool
parse_ago(const char *text, int64_t now, int64_t *out)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 'm', 60 }, { 'h', 3600 }, { 'd', DAY } };
	size_t n = strspn(text, "0123456789");
	int64_t v = strtoll(text, NULL, 10);

	if (n == 0 || n > 6 || text[n] == '\0' || text[n + 1] != '\0')
		return false;
	for (size_t i = 0; i < 3; i++)
		if (text[n] == units[i].letter) {
			*out = now - v * units[i].seconds;
			return *out >= 0;
		}
	return false;
}

static bool
parse_date(const char *text, int64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M",
		"%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; i < 3; i++) {
		struct tm tm = { 0 }, check;
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		check = tm;
		*out = timegm(&check);
		/* timegm takes the 31st of February for the 3rd of March */
		return *out >= 0 && check.tm_mday == tm.tm_mday;
	}
	return false;
}

bool
period_parse(const char *text, int64_t now, int64_t *out)
{
	if (strchr(text, '-') != NULL)
		return parse_date(text, out);
	return parse_ago(text, now, out);
}

const char *
period_set(const char *since, const char *until, int64_t now, int64_t *begin,
    int64_t *end)
{
	int64_t from, to = now + 1; /* this second is not over */

	if (since == NULL && until == NULL)
		to = now - now % DAY;
	if (until != NULL && !period_parse(until, now, &to))
		return "--until is no time: write 2026-01-31, "
		       "2026-01-31T12:00 (UTC), or 12h, 2d for so long ago";
	from = to - DAY;
	if (since != NULL && !period_parse(since, now, &from))
		return "--since is no time: write 2026-01-31, "
		       "2026-01-31T12:00 (UTC), or 12h, 2d for so long ago";
	if (from >= to || from < 0)
		return "--since is not before --until";
	*begin = from;
	*end = to;
	return NULL;
}
