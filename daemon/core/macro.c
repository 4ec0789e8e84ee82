/* SPDX-License-Identifier: Apache-2.0 */
#include "core/macro.h"

#include <string.h>

#include "base/span.h"

/* "{auth_authen}" and "auth_authen" are one name; case counts. */
static struct span
bare(const char *name)
{
	struct span s = span_of(name);

	if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}')
		s = (struct span){ s.p + 1, s.n - 2 };
	return s;
}

static struct macro *
find(const struct macros *m, struct span name)
{
	for (struct macro *at = m->first; at != NULL; at = at->next)
		if (span_equal(span_of(at->name), name))
			return at;
	return NULL;
}

void
macro_set(struct macros *m, const char *name, const char *value)
{
	struct span key = bare(name);
	struct macro *at;

	if (key.n == 0 || value == NULL)
		return;
	if ((at = find(m, key)) == NULL) {
		at = arena_alloc(m->arena, sizeof(*at));
		at->name = arena_copy_span(m->arena, key);
		at->next = m->first;
		m->first = at;
	}
	/* Postfix sends the same ones again before each header and chunk. */
	if (at->value == NULL || strcmp(at->value, value) != 0)
		at->value = arena_copy(m->arena, value);
}

const char *
macro_get(const struct macros *m, const char *name)
{
	const struct macro *at = find(m, bare(name));

	return at != NULL ? at->value : NULL;
}
