/* SPDX-License-Identifier: Apache-2.0 */
#include "command/render_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The same answer to the same question, given once or more. */
struct line {
	const char *stage, *instance, *verdict, *detail;
	bool observed;
	unsigned times;
	double us;
};

struct lines {
	struct line *items;
	size_t count;
};

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct line *
line_for(struct lines *l, const struct line *wanted)
{
	for (size_t i = 0; i < l->count; i++) {
		struct line *it = &l->items[i];

		if (same(it->stage, wanted->stage) &&
		    same(it->instance, wanted->instance) &&
		    same(it->verdict, wanted->verdict) &&
		    same(it->detail, wanted->detail) &&
		    it->observed == wanted->observed)
			return it;
	}
	l->items = memory_resize(l->items, (l->count + 1) * sizeof(*l->items));
	l->items[l->count] = *wanted;
	return &l->items[l->count++];
}

static struct lines
gather(const cJSON *record)
{
	struct lines l = { 0 };
	const cJSON *step;

	cJSON_ArrayForEach(step, cJSON_GetObjectItem(record, "steps"))
	{
		const struct line wanted = {
			.stage = render_text(step, "stage"),
			.instance = render_text(step, "instance"),
			.verdict = render_text(step, "verdict"),
			.detail = render_text(step, "detail"),
			.observed = render_true(step, "observed"),
		};
		struct line *line = line_for(&l, &wanted);

		line->times++;
		line->us += render_number(step, "us");
	}
	return l;
}

static bool
objects(const struct line *l)
{
	return !same(l->verdict, "continue") && !same(l->verdict, "skip");
}

static void
put_symbol(struct buf *b, const cJSON *s)
{
	buf_text(b, "  ");
	render_put(b, render_text(s, "name"));
	buf_printf(b, " %g", render_number(s, "score"));
	if (render_text(s, "detail") != NULL) {
		buf_text(b, " (");
		render_put(b, render_text(s, "detail"));
		buf_char(b, ')');
	}
	if (render_true(s, "observed"))
		buf_text(b, " [not counted]");
}

/* On the line of its stage, or the last of its instance if none is said. */
static void
put_symbols(struct buf *b, const cJSON *record, const struct lines *l, size_t i)
{
	const struct line *line = &l->items[i];
	const cJSON *s;
	bool last = true, first = true;

	for (size_t k = i + 1; k < l->count; k++)
		last = last && !same(l->items[k].instance, line->instance);
	for (size_t k = 0; k < i; k++)
		first = first && !(same(l->items[k].instance, line->instance) &&
				     same(l->items[k].stage, line->stage));
	cJSON_ArrayForEach(s, cJSON_GetObjectItem(record, "symbols"))
	{
		const char *stage = render_text(s, "stage");

		if (!same(render_text(s, "by"), line->instance))
			continue;
		if (stage != NULL ? first && same(stage, line->stage) : last)
			put_symbol(b, s);
	}
}

static void
put_line(struct buf *b, const cJSON *record, const struct lines *l, size_t i)
{
	const struct line *line = &l->items[i];
	bool would = line->observed && objects(line);
	char *verdict = memory_printf("%s%s%s", would ? "would have: " : "",
	    line->verdict != NULL ? line->verdict : "-",
	    line->observed && !would ? " (observed)" : "");

	buf_text(b, "  ");
	render_cell(b, line->stage, 8);
	render_cell(b, line->instance, 16);
	render_cell(b, verdict, 22);
	buf_printf(b, "%6.0f us", line->us);
	if (line->times > 1)
		buf_printf(b, " in %u", line->times);
	if (line->detail != NULL) {
		buf_text(b, "  ");
		render_put(b, line->detail);
	}
	put_symbols(b, record, l, i);
	buf_char(b, '\n');
	free(verdict);
}

void
render_steps(struct buf *b, const cJSON *record)
{
	struct lines l = gather(record);

	for (size_t i = 0; i < l.count; i++)
		put_line(b, record, &l, i);
	free(l.items);
}
