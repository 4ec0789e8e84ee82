/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of plugins print, the same everywhere.  Nothing to link:
 * the functions are part of whoever includes them.  [main]
 */
#ifndef MR_PRINT_H
#define MR_PRINT_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { MR_PRINT_TIME = 40 };

/* To the standard output, as a string of JSON (RFC 8259, 7); NULL: null. */
static inline void
mr_print_json(const char *text)
{
	if (text == NULL) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* "name":"text", and a comma: one more follows. */
static inline void
mr_print_member(const char *name, const char *text)
{
	mr_print_json(name);
	putchar(':');
	mr_print_json(text);
	putchar(',');
}

/* Milliseconds since 1970 as local time; "" if there is no such time. */
static inline void
mr_print_time(char out[MR_PRINT_TIME], int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	out[0] = '\0';
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(out, MR_PRINT_TIME, "%Y-%m-%d %H:%M:%S", &tm);
}

#endif
