/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <millrace/text.h>

static const char *const actions[] = {
	[ACTION_NONE] = "no action",
	[ACTION_GREYLIST] = "greylist",
	[ACTION_ADD_HEADER] = "add header",
	[ACTION_REWRITE_SUBJECT] = "rewrite subject",
	[ACTION_SOFT_REJECT] = "soft reject",
	[ACTION_REJECT] = "reject",
	[ACTION_QUARANTINE] = "quarantine",
	[ACTION_DISCARD] = "discard",
};

const char *
answer_action_name(enum answer_action a)
{
	return a < ACTION_OTHER ? actions[a] : NULL;
}

enum answer_action
answer_action_of(const char *name)
{
	int a = 0;

	while (a < ACTION_OTHER && strcmp(actions[a], name) != 0)
		a++;
	return (enum answer_action)a;
}

/* A missing one is 0, as is null: no threshold is set. */
static bool
read_number(const cJSON *object, const char *name, double *number)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	*number = 0;
	if (item == NULL || cJSON_IsNull(item))
		return true;
	if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
		return false;
	*number = item->valuedouble;
	if (*number > ANSWER_SCORE)
		*number = ANSWER_SCORE;
	if (*number < -ANSWER_SCORE)
		*number = -ANSWER_SCORE;
	return true;
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

static void
read_name(const char *name, char out[ANSWER_NAME + 1])
{
	size_t n = 0;

	for (; *name != '\0' && n < ANSWER_NAME; name++) {
		char c = *name;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		out[n++] =
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
	}
	out[n] = '\0';
}

/* Its options, apart by blanks. */
static void
read_detail(const cJSON *symbol, char out[ANSWER_DETAIL + 1])
{
	const cJSON *options =
	    cJSON_GetObjectItemCaseSensitive(symbol, "options");
	const cJSON *item;
	size_t n = 0;

	out[0] = '\0';
	cJSON_ArrayForEach(item, options)
	{
		const char *text = cJSON_GetStringValue(item);

		if (text == NULL || ANSWER_DETAIL - n < 2)
			continue;
		if (n > 0)
			out[n++] = ' ';
		mr_text_clean(
		    out + n, ANSWER_DETAIL + 1 - n, text, strlen(text));
		n += strlen(out + n);
	}
}

static bool
read_symbols(const cJSON *symbols, struct answer *a)
{
	const cJSON *item;

	if (symbols == NULL)
		return true;
	if (!cJSON_IsObject(symbols))
		return false;
	cJSON_ArrayForEach(item, symbols)
	{
		struct answer_symbol *s = &a->symbols[a->count];

		if (!cJSON_IsObject(item) ||
		    !read_number(item, "score", &s->score))
			return false;
		read_name(item->string, s->name);
		if (s->name[0] == '\0')
			continue;
		read_detail(item, s->detail);
		if (++a->count == ANSWER_SYMBOLS)
			break;
	}
	return true;
}

static bool
read_answer(const cJSON *root, struct answer *a)
{
	const cJSON *messages =
	    cJSON_GetObjectItemCaseSensitive(root, "messages");
	const char *action = text_of(root, "action");
	const char *message = text_of(messages, "smtp_message");

	a->skipped =
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "is_skipped"));
	if (action == NULL ||
	    cJSON_GetObjectItemCaseSensitive(root, "score") == NULL ||
	    !read_number(root, "score", &a->score) ||
	    !read_number(root, "required_score", &a->threshold))
		return false;
	a->action = answer_action_of(action);
	if (message != NULL)
		mr_text_clean(
		    a->message, sizeof(a->message), message, strlen(message));
	return read_symbols(
	    cJSON_GetObjectItemCaseSensitive(root, "symbols"), a);
}

bool
answer_parse(const char *json, size_t n, struct answer *a)
{
	cJSON *root = cJSON_ParseWithLength(json, n);
	bool ok;

	*a = (struct answer){ .count = 0 };
	ok = cJSON_IsObject(root) && read_answer(root, a);
	cJSON_Delete(root);
	return ok;
}
