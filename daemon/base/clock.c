/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)

static int64_t
now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	return now(CLOCK_REALTIME);
}

int64_t
clock_steady_us(void)
{
	return now(CLOCK_MONOTONIC);
}

void
clock_format(int64_t wall_us, char *text)
{
	int64_t rest = wall_us % SECOND;
	time_t t = wall_us / SECOND;
	struct tm tm;
	size_t n;

	if (rest < 0) {
		rest += SECOND;
		t--;
	}
	gmtime_r(&t, &tm);
	n = strftime(text, 27, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 6, ".%03uZ", (unsigned)(rest / 1000) % 1000);
}

/* Exactly count digits. */
static bool
digits(const char **in, int count, int *value)
{
	int v = 0;

	for (int i = 0; i < count; i++) {
		char c = (*in)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + c - '0';
	}
	*in += count;
	*value = v;
	return true;
}

/* A separator and exactly two digits; in stays when it is not that. */
static bool
part(const char **in, char separator, int *value)
{
	const char *p = *in;

	if (*p++ != separator || !digits(&p, 2, value))
		return false;
	*in = p;
	return true;
}

/* What clock_format writes is read again, so that it can be pasted. */
static bool
time_of_day(const char **in, struct tm *tm)
{
	if (!part(in, **in == ' ' ? ' ' : 'T', &tm->tm_hour) ||
	    !part(in, ':', &tm->tm_min))
		return false;
	if (part(in, ':', &tm->tm_sec) && **in == '.')
		*in += 1 + strspn(*in + 1, "0123456789");
	if (**in == 'Z')
		++*in;
	return true;
}

static int64_t
parse_date(const char *in)
{
	struct tm tm = { 0 }, check;
	time_t t;

	if (!digits(&in, 4, &tm.tm_year) || !part(&in, '-', &tm.tm_mon) ||
	    !part(&in, '-', &tm.tm_mday))
		return -1;
	if (*in != '\0' && (!time_of_day(&in, &tm) || *in != '\0'))
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	check = tm;
	t = timegm(&check);
	/* timegm takes the 31st of February for the 3rd of March */
	if (t < 0 || check.tm_mon != tm.tm_mon || check.tm_hour != tm.tm_hour ||
	    check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -1;
	return t * SECOND;
}

static int64_t
parse_ago(const char *in, int64_t now_us)
{
	static const struct {
		char name;
		int64_t seconds;
	} units[] = {
		{ 's', 1 },
		{ 'm', 60 },
		{ 'h', 3600 },
		{ 'd', 86400 },
		{ 'w', 7 * 86400 },
	};
	size_t n = strspn(in, "0123456789");
	int64_t v = 0;

	if (n == 0 || n > 9 || in[n] == '\0' || in[n + 1] != '\0')
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + in[i] - '0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].name != in[n])
			continue;
		/* at most 9 digits of weeks: no overflow */
		v *= units[i].seconds;
		return now_us / SECOND < v ? 0 : now_us - v * SECOND;
	}
	return -1;
}

int64_t
clock_parse_since(const char *text, int64_t now_us)
{
	if (strchr(text, '-') != NULL)
		return parse_date(text);
	return parse_ago(text, now_us);
}
