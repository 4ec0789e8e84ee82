/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

void
samples_add(struct samples *s, uint64_t us)
{
	if (s->n == s->size) {
		s->size = s->size == 0 ? 4096 : s->size * 2;
		s->us = reallocarray(s->us, s->size, sizeof(*s->us));
		if (s->us == NULL)
			err(1, "out of memory");
	}
	s->us[s->n++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void
samples_add_all(struct samples *to, const struct samples *from)
{
	for (size_t i = 0; i < from->n; i++)
		samples_add(to, from->us[i]);
}

void
samples_finish(struct samples *s)
{
	free(s->us);
	*s = (struct samples){ 0 };
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that so many percent do not exceed. */
static uint32_t
percentile(const struct samples *s, size_t percent)
{
	size_t rank = (s->n * percent + 99) / 100;

	return s->n == 0 ? 0 : s->us[rank - 1];
}

void
samples_print(struct samples *s, FILE *f)
{
	if (s->n > 0)
		qsort(s->us, s->n, sizeof(*s->us), by_size);
	fprintf(f, "{\"count\":%zu,\"p50\":%u,\"p90\":%u,", s->n,
	    percentile(s, 50), percentile(s, 90));
	fprintf(
	    f, "\"p99\":%u,\"max\":%u}", percentile(s, 99), percentile(s, 100));
}

void
tally_add(struct tally *t, const char *text)
{
	size_t i;

	t->total++;
	for (i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].text, text) == 0)
			break;
	if (i == TALLY_ROWS)
		i = TALLY_ROWS - 1;
	else if (i == t->n) {
		if (i == TALLY_ROWS - 1)
			text = "others";
		if ((t->rows[i].text = strdup(text)) == NULL)
			err(1, "out of memory");
		t->n++;
	}
	t->rows[i].n++;
}

void
tally_finish(struct tally *t)
{
	while (t->n > 0)
		free(t->rows[--t->n].text);
}

void
tally_print(const struct tally *t, FILE *f)
{
	fputc('{', f);
	for (size_t i = 0; i < t->n; i++) {
		fputs(i > 0 ? "," : "", f);
		stats_json_string(f, t->rows[i].text);
		fprintf(f, ":%llu", (unsigned long long)t->rows[i].n);
	}
	fputc('}', f);
}

void
stats_json_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}
