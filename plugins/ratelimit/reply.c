/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
} names[] = {
	{ "{limit}", offsetof(struct reply_facts, limit) },
	{ "{key}", offsetof(struct reply_facts, key) },
	{ "{used}", offsetof(struct reply_facts, used) },
	{ "{when}", offsetof(struct reply_facts, when) },
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static int
name_at(const char *text)
{
	for (int i = 0; i < NAMES; i++)
		if (strncmp(text, names[i].name, strlen(names[i].name)) == 0)
			return i;
	return -1;
}

const char *
reply_fault(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 400)
		return "the text must have 1 to 400 characters";
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			return "the text must be one line of printable ASCII";
		if (*p == '{' && name_at(p) == -1)
			return "there are {limit}, {key}, {used} and {when} "
			       "only";
	}
	return NULL;
}

static size_t
put(char out[REPLY_BYTES], size_t n, const char *text, size_t len)
{
	for (; len > 0 && n < REPLY_BYTES - 1; len--, text++)
		out[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	return n;
}

void
reply_build(
    char out[REPLY_BYTES], const char *text, const struct reply_facts *facts)
{
	size_t n = 0;

	while (*text != '\0') {
		int i = *text == '{' ? name_at(text) : -1;
		const char *value;

		if (i == -1) {
			n = put(out, n, text++, 1);
			continue;
		}
		value =
		    *(const char *const *)(const void *)((const char *)facts +
							 names[i].offset);
		n = put(out, n, value, strlen(value));
		text += strlen(names[i].name);
	}
	out[n] = '\0';
}

void
reply_when(char out[REPLY_WHEN_BYTES], int64_t ms)
{
	static const struct {
		const char *word;
		int64_t ms, below; /* of these are said up to */
	} steps[] = {
		{ "second", 1000, 90 },
		{ "minute", 60000, 90 },
		{ "hour", 3600000, 36 },
		{ "day", 86400000, 1000000 },
	};
	int64_t n = 0;
	size_t i = 0;

	if (ms <= 0) {
		snprintf(out, REPLY_WHEN_BYTES, "now");
		return;
	}
	for (; i < sizeof(steps) / sizeof(steps[0]); i++) {
		n = (ms + steps[i].ms - 1) / steps[i].ms;
		if (n <= steps[i].below)
			break;
	}
	if (i == sizeof(steps) / sizeof(steps[0]))
		i--;
	snprintf(out, REPLY_WHEN_BYTES, "in %lld %s%s", (long long)n,
	    steps[i].word, n == 1 ? "" : "s");
}
