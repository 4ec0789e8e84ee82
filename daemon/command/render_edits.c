/* SPDX-License-Identifier: Apache-2.0 */
#include "command/render_edits.h"

#include <string.h>

#include "base/escape.h"

/* A folded value takes several lines, all with the same sign. */
static void
put_field(struct buf *b, char sign, const cJSON *e, const char *value)
{
	struct span rest = span_of(value);
	struct span line = span_cut(&rest, '\n');

	buf_printf(b, "  %c ", sign);
	render_put(b, render_text(e, "name"));
	buf_char(b, ':');
	if (line.n > 0 && line.p[0] != ' ' && line.p[0] != '\t')
		buf_char(b, ' ');
	escape_log(b, line);
	while (rest.n > 0) {
		line = span_cut(&rest, '\n');
		buf_printf(b, "\n  %c     ", sign);
		escape_log(b, span_trim(line));
	}
}

static void
put_by(struct buf *b, const cJSON *e, const char *what)
{
	buf_text(b, "    [");
	buf_text(b, what);
	buf_text(b, render_text(e, "by") != NULL ? "by " : "");
	if (render_text(e, "by") != NULL)
		render_put(b, render_text(e, "by"));
	buf_text(b, "]\n");
}

static void
put_old(struct buf *b, const cJSON *e)
{
	const char *old = render_text(e, "old");

	if (old != NULL) {
		put_field(b, '-', e, old);
		return;
	}
	buf_text(b, "  - ");
	render_put(b, render_text(e, "name"));
	buf_printf(b, ": (no. %.0f)", render_number(e, "index"));
}

static void
put_added(struct buf *b, const cJSON *e)
{
	const char *value = render_text(e, "value");

	put_field(b, '+', e, value != NULL ? value : "");
	put_by(b, e, "");
}

static void
put_inserted(struct buf *b, const cJSON *e)
{
	const char *value = render_text(e, "value");

	put_field(b, '+', e, value != NULL ? value : "");
	put_by(b, e, "at the top, ");
}

static void
put_changed(struct buf *b, const cJSON *e)
{
	put_old(b, e);
	buf_char(b, '\n');
	put_added(b, e);
}

static void
put_deleted(struct buf *b, const cJSON *e)
{
	put_old(b, e);
	put_by(b, e, "");
}

static void
put_address(struct buf *b, const cJSON *e, const char *what)
{
	buf_text(b, what);
	render_put(b, render_text(e, "name"));
	buf_char(b, '>');
	if (render_text(e, "value") != NULL) {
		buf_char(b, ' ');
		render_put(b, render_text(e, "value"));
	}
	put_by(b, e, "");
}

static void
put_sender(struct buf *b, const cJSON *e)
{
	if (render_text(e, "old") != NULL) {
		buf_text(b, "  - MAIL FROM:<");
		render_put(b, render_text(e, "old"));
		buf_text(b, ">\n");
	}
	put_address(b, e, "  + MAIL FROM:<");
}

static void
put_recipient(struct buf *b, const cJSON *e)
{
	put_address(b, e, "  + RCPT TO:<");
}

static void
put_no_recipient(struct buf *b, const cJSON *e)
{
	put_address(b, e, "  - RCPT TO:<");
}

static void
put_body(struct buf *b, const cJSON *e)
{
	buf_printf(b, "  ~ the body is replaced: %.0f bytes",
	    render_number(e, "bytes"));
	put_by(b, e, "");
}

static void
put_quarantine(struct buf *b, const cJSON *e)
{
	buf_text(b, "  ~ held in quarantine: ");
	render_put(b, render_text(e, "value"));
	put_by(b, e, "");
}

static const struct {
	const char *action;
	void (*put)(struct buf *, const cJSON *);
} rows[] = {
	{ "add-header", put_added },
	{ "insert-header", put_inserted },
	{ "change-header", put_changed },
	{ "delete-header", put_deleted },
	{ "change-sender", put_sender },
	{ "add-recipient", put_recipient },
	{ "delete-recipient", put_no_recipient },
	{ "replace-body", put_body },
	{ "quarantine", put_quarantine },
};

void
render_edits(struct buf *b, const cJSON *record)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, cJSON_GetObjectItem(record, "edits"))
	{
		const char *action = render_text(e, "action");

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (action != NULL &&
			    strcmp(action, rows[i].action) == 0)
				rows[i].put(b, e);
	}
}
