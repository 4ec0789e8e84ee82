/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message: fields up to an empty line, then the body. */
#ifndef FUZZ_DKIM_MESSAGE_H
#define FUZZ_DKIM_MESSAGE_H

#include <stdlib.h>
#include <string.h>

#include "../../plugins/dkim/verify.h"

enum { MESSAGE_FIELDS = 200 };

struct any_message {
	struct verify_message m;
	struct verify_field fields[MESSAGE_FIELDS];
	char *text; /* names and values */
};

/* A field name as milter gives it: printable, without colon. */
static bool
any_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n > 0;
}

/* As the MTA does: folds as LF, no CR; what is no field ends the header. */
static void
any_split(struct any_message *a, const char *data, size_t size)
{
	char *p, *end, *colon;
	size_t head = 0;

	memset(a, 0, sizeof(*a));
	a->text = malloc(size + 1);
	memcpy(a->text, data, size);
	a->text[size] = '\0';
	for (p = a->text; *p != '\0' && a->m.nfields < MESSAGE_FIELDS;) {
		for (end = p; (end = strchr(end, '\n')) != NULL; end++)
			if (end[1] != ' ' && end[1] != '\t')
				break;
		if (end == NULL)
			end = p + strlen(p);
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon == NULL || !any_name(p, (size_t)(colon - p)))
			break;
		head = (size_t)(end - a->text) + (*end != '\0');
		*colon = '\0';
		if (*end != '\0')
			*end++ = '\0';
		if (end - colon > 2 && end[-2] == '\r')
			end[-2] = '\0';
		a->fields[a->m.nfields++] =
		    (struct verify_field){ p, colon + 1 };
		p = end;
	}
	if (head < size && data[head] == '\n')
		head++;
	a->m.fields = a->fields;
	a->m.body = data + head;
	a->m.body_bytes = size - head;
}

#endif
