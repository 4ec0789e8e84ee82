/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "config/errors.h"

#define ERRORS_MAX 100 /* more are counted, not shown */

void
errors_file(struct errors *e, const char *file)
{
	for (size_t i = 0; i < e->nfiles; i++)
		if (strcmp(e->files[i], file) == 0)
			return;
	e->files =
	    memory_resize(e->files, (e->nfiles + 1) * sizeof(e->files[0]));
	e->files[e->nfiles++] = file;
}

static size_t
file_order(const struct errors *e, const char *file)
{
	if (file == NULL)
		return 0;
	for (size_t i = 0; i < e->nfiles; i++)
		if (strcmp(e->files[i], file) == 0)
			return i + 1;
	return e->nfiles + 1;
}

/* The text may hold what a file says; it must not drive a terminal. */
static void
make_harmless(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

void
errors_add(struct errors *e, struct config_place place, const char *fmt, ...)
{
	struct errors_line *line;
	va_list ap;

	if (e->count++ >= ERRORS_MAX)
		return;
	e->lines = memory_resize(e->lines, e->count * sizeof(e->lines[0]));
	line = &e->lines[e->count - 1];
	line->place = place;
	line->order = file_order(e, place.file) * 2 * ERRORS_MAX + e->count;
	va_start(ap, fmt);
	line->text = memory_vprintf(fmt, ap);
	va_end(ap);
	make_harmless(line->text);
}

static int
compare(const void *pa, const void *pb)
{
	const struct errors_line *a = pa, *b = pb;
	size_t fa = a->order / (2 * ERRORS_MAX);
	size_t fb = b->order / (2 * ERRORS_MAX);

	if (fa != fb)
		return fa < fb ? -1 : 1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool
same(const struct errors_line *a, const struct errors_line *b)
{
	return a->order / (2 * ERRORS_MAX) == b->order / (2 * ERRORS_MAX) &&
	       a->place.line == b->place.line && strcmp(a->text, b->text) == 0;
}

char *
errors_text(struct errors *e)
{
	size_t shown = e->count < ERRORS_MAX ? e->count : ERRORS_MAX;
	struct buf b = { 0 };

	if (e->count == 0)
		return NULL;
	qsort(e->lines, shown, sizeof(e->lines[0]), compare);
	for (size_t i = 0; i < shown; i++) {
		const struct errors_line *l = &e->lines[i];

		if (i > 0 && same(l, l - 1))
			continue;
		if (b.n > 0)
			buf_char(&b, '\n');
		if (l->place.file != NULL && l->place.line > 0)
			buf_printf(&b, "%s:%u: ", l->place.file, l->place.line);
		else if (l->place.file != NULL)
			buf_printf(&b, "%s: ", l->place.file);
		buf_text(&b, l->text);
	}
	if (e->count > shown)
		buf_printf(&b, "\nand %zu more", e->count - shown);
	return b.p;
}

void
errors_finish(struct errors *e)
{
	for (size_t i = 0; i < e->count && i < ERRORS_MAX; i++)
		free(e->lines[i].text);
	free(e->lines);
	free(e->files);
	*e = (struct errors){ 0 };
}
