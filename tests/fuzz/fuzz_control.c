/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: whatever is asked, the verb is of small letters; and
 * whatever an error says, the answer is JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json.h"
#include "process/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_verb(struct span line)
{
	struct span verb = control_verb(line);

	for (size_t i = 0; i < verb.n; i++)
		must(verb.p[i] >= 'a' && verb.p[i] <= 'z');
	if (verb.n > 0)
		must(verb.p >= line.p && verb.p + verb.n <= line.p + line.n);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static void
check_error(const char *why)
{
	struct buf b = { 0 };
	cJSON *json;
	const cJSON *error;

	json_open(&b, NULL, '{');
	json_text(&b, "error", why);
	json_close(&b, '}');
	must((json = cJSON_ParseWithLength(b.p, b.n)) != NULL);
	error = cJSON_GetObjectItemCaseSensitive(json, "error");
	must(cJSON_IsString(error));
	if (is_ascii(why))
		must(strcmp(error->valuestring, why) == 0);
	/* One line: the client reads to its end. */
	must(memchr(b.p, '\n', b.n) == NULL);
	cJSON_Delete(json);
	buf_finish(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);

	must(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	check_verb((struct span){ text, n });
	check_error(text);
	free(text);
	return 0;
}
