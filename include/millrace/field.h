/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields of a message, many at a time.  Nothing to link: the function
 * is part of whoever includes it.
 */
#ifndef MR_FIELD_H
#define MR_FIELD_H

#include <millrace/plugin.h>
#include <stdlib.h>
#include <strings.h>

static inline int
mr_field_by_name(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Can an edit name it?  The daemon refuses all others. */
static inline bool
mr_field_editable(const char *name)
{
	size_t n = 0;

	for (; name[n] != '\0'; n++)
		if (n == 255 || name[n] <= ' ' || name[n] > '~')
			return false;
	return n > 0;
}

/*
 * [message] Delete every field whose name is wanted and printable ASCII;
 * wanted() must not tell upper from lower case.  Takes n log n steps for n
 * fields: a sender may have written a million of them.  False: not all could
 * be deleted (the daemon takes 10,000 edits of a message and has logged it).
 */
static inline bool
mr_field_delete(struct mr_ctx *c,
    bool (*wanted)(const void *arg, const char *name), const void *arg)
{
	const char *name, *value, **all;
	size_t count = 0, found = 0, same;

	for (uint32_t i = 0; c->host->header_at(c, i, &name, &value); i++)
		count += mr_field_editable(name) && wanted(arg, name);
	if (count == 0)
		return true;
	all = c->host->alloc(c, count * sizeof(*all));
	for (uint32_t i = 0; found < count; i++)
		if (c->host->header_at(c, i, &name, &value) &&
		    mr_field_editable(name) && wanted(arg, name))
			all[found++] = name;
	qsort(all, count, sizeof(*all), mr_field_by_name);
	for (size_t i = 0; i < count; i += same) {
		for (same = 1; i + same < count; same++)
			if (strcasecmp(all[i], all[i + same]) != 0)
				break;
		/* From the last up, so that the numbers of the others stay. */
		for (size_t nth = same; nth > 0; nth--)
			if (!c->host->delete_header(c, all[i], (uint32_t)nth))
				return false;
	}
	return true;
}

#endif
