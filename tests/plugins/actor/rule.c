/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t stage;
} stages[] = {
	{ "connect", MR_STAGE_CONNECT },
	{ "helo", MR_STAGE_HELO },
	{ "mail", MR_STAGE_MAIL },
	{ "rcpt", MR_STAGE_RCPT },
	{ "data", MR_STAGE_DATA },
	{ "unknown", MR_STAGE_UNKNOWN },
	{ "header", MR_STAGE_HEADER },
	{ "eoh", MR_STAGE_EOH },
	{ "body", MR_STAGE_BODY },
	{ "eom", MR_STAGE_EOM },
	{ "message-end", RULE_MESSAGE_END },
	{ "session-end", RULE_SESSION_END },
	{ "open", RULE_OPEN },
};

uint32_t
rule_stage(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (strlen(stages[i].name) == n &&
		    memcmp(stages[i].name, name, n) == 0)
			return stages[i].stage;
	return 0;
}

bool
rule_parse(const char *line, struct rule *rule)
{
	size_t n = strcspn(line, " ");
	uint32_t stage = rule_stage(line, n);
	const struct action *action;

	line += n;
	line += strspn(line, " ");
	n = strcspn(line, " ");
	action = action_find(line, n);
	if (stage == 0 || action == NULL)
		return false;
	line += n;
	*rule = (struct rule){ stage, action, line + strspn(line, " ") };
	return true;
}

static char
unescape_one(char c)
{
	static const char from[] = "nrt0", to[] = "\n\r\t";
	const char *at = strchr(from, c);

	return at != NULL && c != '\0' ? to[at - from] : c;
}

char *
rule_unescape(const char *text, size_t *len)
{
	char *out = malloc(strlen(text) + 1), *p = out;

	if (out == NULL)
		abort();
	for (; *text != '\0'; text++)
		*p++ = *text == '\\' && text[1] != '\0' ? unescape_one(*++text)
							: *text;
	*p = '\0';
	if (len != NULL)
		*len = (size_t)(p - out);
	return out;
}

const char *
rule_word(const char *text, char *word, size_t size)
{
	size_t n = strcspn(text, " ");
	size_t kept = n < size ? n : size - 1;

	memcpy(word, text, kept);
	word[kept] = '\0';
	text += n;
	return text + strspn(text, " ");
}
