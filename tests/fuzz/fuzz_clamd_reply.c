/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a server says for clamd, and rules about it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/clamav/reply.c"
#include "../../plugins/clamav/rule.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* More bytes never change an answer that is whole. */
static void
check_reply(const uint8_t *data, size_t n)
{
	enum reply_kind kind = REPLY_MORE, now;
	char text[REPLY_TEXT + 1], first[REPLY_TEXT + 1];

	for (size_t i = 0; i <= n; i++) {
		char *copy = malloc(i > 0 ? i : 1);

		must(copy != NULL);
		if (i > 0)
			memcpy(copy, data, i);
		now = reply_parse(copy, i, text);
		free(copy);
		must(printable(text) && strlen(text) <= REPLY_TEXT);
		must((now == REPLY_FOUND || now == REPLY_ERROR ||
			 now == REPLY_TOO_LARGE) == (text[0] != '\0') ||
		     now == REPLY_ERROR);
		if (kind != REPLY_MORE)
			must(now == kind && strcmp(text, first) == 0);
		kind = now;
		memcpy(first, text, sizeof(first));
		if (i > 300) /* the tail once */
			i = n > i + 1 ? n - 1 : i;
	}
}

static void
check_rule(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	const char *why;
	struct rule r;

	must(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	if (rule_parse(text, &r, &why)) {
		must(r.pattern[0] != '\0' && r.action <= RULE_REJECT);
		must(r.score >= -1000 && r.score <= 1000);
		(void)rule_matches(&r, "Eicar-Signature");
	} else {
		must(why != NULL);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_reply(data, n);
	if (n < 1000)
		check_rule(data, n);
	return 0;
}
