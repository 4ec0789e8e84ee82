/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <string.h>

#include <millrace/text.h>

static bool
ends_with(const char *p, size_t n, const char *end)
{
	size_t len = strlen(end);

	return n >= len && memcmp(p + n - len, end, len) == 0;
}

/* What stands between "stream: " and the word at the end. */
static enum reply_kind
reply_name(const char *p, size_t n, char text[REPLY_TEXT + 1])
{
	static const char prefix[] = "stream: ", word[] = " FOUND";
	size_t before = strlen(prefix), around = before + strlen(word);

	if (n <= around || memcmp(p, prefix, before) != 0)
		return REPLY_BAD;
	mr_text_clean(text, REPLY_TEXT + 1, p + before, n - around);
	return REPLY_FOUND;
}

enum reply_kind
reply_parse(const char *bytes, size_t n, char text[REPLY_TEXT + 1])
{
	static const char ok[] = "stream: OK";
	const char *end = n > 0 ? memchr(bytes, '\0', n) : NULL;

	text[0] = '\0';
	if (end == NULL)
		return n < REPLY_MAX ? REPLY_MORE : REPLY_BAD;
	n = (size_t)(end - bytes);
	if (n == strlen(ok) && memcmp(bytes, ok, n) == 0)
		return REPLY_CLEAN;
	if (ends_with(bytes, n, " FOUND"))
		return reply_name(bytes, n, text);
	if (!ends_with(bytes, n, " ERROR"))
		return REPLY_BAD;
	mr_text_clean(text, REPLY_TEXT + 1, bytes, n - strlen(" ERROR"));
	return strncmp(text, "INSTREAM size limit exceeded", 28) == 0
		   ? REPLY_TOO_LARGE
		   : REPLY_ERROR;
}
