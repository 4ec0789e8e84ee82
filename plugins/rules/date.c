/* SPDX-License-Identifier: Apache-2.0 */
#include "date.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char days[] = "sunmontuewedthufrisat";

static const struct {
	const char *name;
	int hours;
} zones[] = {
	{ "UT", 0 },
	{ "GMT", 0 },
	{ "UTC", 0 },
	{ "Z", 0 },
	{ "EST", -5 },
	{ "EDT", -4 },
	{ "CST", -6 },
	{ "CDT", -5 },
	{ "MST", -7 },
	{ "MDT", -6 },
	{ "PST", -8 },
	{ "PDT", -7 },
};

static void
blanks(const char **p)
{
	for (;;) {
		*p += strspn(*p, " \t\r\n");
		if (**p != '(')
			return;
		*p += strcspn(*p, ")");
		*p += **p == ')';
	}
}

static bool
number(const char **p, size_t least, size_t most, int *out)
{
	size_t n;

	blanks(p);
	n = strspn(*p, "0123456789");
	if (n < least || n > most)
		return false;
	*out = (int)strtol(*p, NULL, 10);
	*p += n;
	return true;
}

/* Three letters out of a row of such, any case. */
static bool
name(const char **p, const char *names, int *out)
{
	blanks(p);
	for (size_t i = 0; names[i] != '\0'; i += 3)
		if (strncasecmp(*p, names + i, 3) == 0) {
			*out = (int)(i / 3);
			*p += 3;
			return true;
		}
	return false;
}

static bool
mark(const char **p, char c)
{
	blanks(p);
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool
zone(const char **p, long *seconds)
{
	int value;

	blanks(p);
	if (**p == '+' || **p == '-') {
		long sign = **p == '-' ? -1 : 1;

		++*p;
		if (!number(p, 4, 4, &value) || value % 100 > 59)
			return false;
		*seconds = sign * (value / 100 * 3600L + value % 100 * 60L);
		return true;
	}
	*seconds = 0;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		size_t n = strlen(zones[i].name);

		if (strncasecmp(*p, zones[i].name, n) == 0) {
			*seconds = zones[i].hours * 3600L;
			*p += n;
			break;
		}
	}
	return true; /* others mean no zone at all: RFC 5322, 4.3 */
}

static bool
clock_time(const char **p, struct tm *t)
{
	if (!number(p, 1, 2, &t->tm_hour) || !mark(p, ':') ||
	    !number(p, 1, 2, &t->tm_min))
		return false;
	if (mark(p, ':') && !number(p, 1, 2, &t->tm_sec))
		return false;
	return t->tm_hour < 24 && t->tm_min < 60 && t->tm_sec < 61;
}

bool
date_parse(const char *text, time_t *out)
{
	struct tm t = { 0 };
	int day, year;
	long offset;

	if (name(&text, days, &day))
		mark(&text, ',');
	if (!number(&text, 1, 2, &t.tm_mday) ||
	    !name(&text, months, &t.tm_mon) || !number(&text, 2, 4, &year) ||
	    !clock_time(&text, &t) || !zone(&text, &offset))
		return false;
	if (t.tm_mday < 1 || t.tm_mday > 31)
		return false;
	/* Years of two and three digits: RFC 5322, 4.3. */
	t.tm_year = year < 50 ? year + 100 : year < 1000 ? year : year - 1900;
	*out = timegm(&t) - offset;
	return true;
}
