/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a server says for spamd. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spamd/reply.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_reply(const struct reply *r)
{
	must(r->score >= -REPLY_SCORE && r->score <= REPLY_SCORE);
	must(r->threshold >= -REPLY_SCORE && r->threshold <= REPLY_SCORE);
	must(r->count <= REPLY_SYMBOLS);
	for (uint32_t i = 0; i < r->count; i++) {
		const char *name = r->symbols[i];

		must(name[0] != '\0' && strlen(name) <= REPLY_NAME);
		must(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		     strlen(name));
	}
}

static void
check_error(const struct reply *r)
{
	must(strlen(r->error) <= REPLY_TEXT);
	for (const char *p = r->error; *p != '\0'; p++)
		must(*p >= ' ' && *p <= '~');
}

static enum reply_state
parse(const uint8_t *data, size_t n)
{
	static struct reply r;
	char *copy = malloc(n > 0 ? n : 1);
	enum reply_state s;

	must(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	s = reply_parse(copy, n, &r);
	free(copy);
	if (s == REPLY_WHOLE)
		check_reply(&r);
	else if (s == REPLY_ERROR)
		check_error(&r);
	return s;
}

/* What is whole, or wrong, does not change with more bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum reply_state half = parse(data, n / 2), all = parse(data, n);

	must(half == REPLY_MORE || half == all);
	return 0;
}
