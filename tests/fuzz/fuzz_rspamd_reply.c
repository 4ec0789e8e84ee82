/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a server says for rspamd. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/rspamd/answer.c"
#include "../../plugins/rspamd/http.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static bool
printable(const char *text, size_t most)
{
	must(strlen(text) <= most);
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool
sane(double score)
{
	return score >= -ANSWER_SCORE && score <= ANSWER_SCORE;
}

static void
check_answer(const char *json, size_t n)
{
	static struct answer a;

	if (!answer_parse(json, n, &a))
		return;
	must(sane(a.score) && sane(a.threshold));
	must(a.action <= ACTION_OTHER && a.count <= ANSWER_SYMBOLS);
	must(printable(a.message, ANSWER_TEXT));
	for (uint32_t i = 0; i < a.count; i++) {
		const struct answer_symbol *s = &a.symbols[i];

		must(sane(s->score) && s->name[0] != '\0');
		must(printable(s->detail, ANSWER_DETAIL));
		must(strlen(s->name) <= ANSWER_NAME);
		must(strspn(s->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		     strlen(s->name));
	}
}

static enum http_state
check_http(const char *bytes, size_t n, bool end)
{
	struct http h;
	enum http_state s = http_parse(bytes, n, end, &h);

	if (s == HTTP_WHOLE) {
		must(h.status >= 200 && h.status <= 999);
		must(h.body >= bytes && h.body + h.n <= bytes + n);
		check_answer(h.body, h.n);
	}
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	must(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	/* What is whole, or bad, before the end is so at the end. */
	if (check_http(copy, n, false) == HTTP_WHOLE)
		must(check_http(copy, n, true) == HTTP_WHOLE);
	else
		(void)check_http(copy, n, true);
	check_answer(copy, n);
	free(copy);
	return 0;
}
