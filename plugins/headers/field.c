/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <string.h>

/* RFC 5322, section 2.2: printable ASCII without the colon. */
static size_t
name_length(const char *s)
{
	size_t n = 0;

	while (s[n] > ' ' && s[n] <= '~' && s[n] != ':')
		n++;
	return n <= FIELD_NAME_BYTES ? n : 0;
}

size_t
field_cut(const char *text, const char **value)
{
	size_t n = name_length(text);

	if (n == 0 || text[n] != ':')
		return 0;
	*value = text + n + 1;
	*value += strspn(*value, " \t");
	return n;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
field_pattern_ok(const char *pattern)
{
	size_t n = name_length(pattern);

	if (n == 0 || pattern[n] != '\0')
		return false;
	for (; *pattern != '\0'; pattern++)
		if (lower(*pattern) >= 'a' && lower(*pattern) <= 'z')
			return true;
	return false;
}
