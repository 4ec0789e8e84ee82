/* SPDX-License-Identifier: Apache-2.0 */
#include "front/spelling.h"

#include <string.h>

#include "base/memory.h"

static void
double_percent(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*to++ = from[i];
		if (from[i] == '%')
			*to++ = '%';
	}
	*to = '\0';
}

char *
spelling_reply(const char *text, char *lines[REPLY_LINES])
{
	enum { LINE = 2 * REPLY_LINE_BYTES + 1 };
	char *bytes = memory_zalloc((size_t)REPLY_LINES * LINE);

	for (int i = 0; i < REPLY_LINES; i++) {
		size_t n;

		lines[i] = NULL;
		if (text == NULL)
			continue;
		n = strcspn(text, "\n");
		lines[i] = bytes + (size_t)i * LINE;
		double_percent(lines[i], text,
		    n < REPLY_LINE_BYTES ? n : REPLY_LINE_BYTES);
		text = text[n] == '\n' ? text + n + 1 : NULL;
	}
	return bytes;
}

char *
spelling_value(const char *value, bool leading_space)
{
	bool blank = value[0] == ' ' || value[0] == '\t';

	if (leading_space)
		return memory_printf("%s%s", blank ? "" : " ", value);
	return memory_copy(value + (value[0] == ' ' && value[1] != '\0'));
}
