/* SPDX-License-Identifier: Apache-2.0 */
#include "command/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "command/render_edits.h"
#include "command/render_steps.h"

enum { LABEL = 12 };

const char *
render_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
}

double
render_number(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool
render_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(object, key));
}

void
render_put(struct buf *b, const char *text)
{
	escape_log(b, span_of(text != NULL ? text : "-"));
}

/* Columns, if each character has one. */
static int
columns(struct span s)
{
	int n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

void
render_cell(struct buf *b, const char *text, int width)
{
	size_t began = b->n;

	render_put(b, text);
	for (int n = columns((struct span){ b->p + began, b->n - began });
	     n < width; n++)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

void
render_out(struct buf *b)
{
	fwrite(b->p != NULL ? b->p : "", 1, b->n, stdout);
	buf_finish(b);
}

static void
put_value(struct buf *b, const char *key, const cJSON *v)
{
	const cJSON *item;

	if (cJSON_IsObject(v) || cJSON_IsArray(v)) {
		json_open(b, key, cJSON_IsObject(v) ? '{' : '[');
		cJSON_ArrayForEach(item, v)
		    put_value(b, cJSON_IsObject(v) ? item->string : NULL, item);
		json_close(b, cJSON_IsObject(v) ? '}' : ']');
	} else if (cJSON_IsNumber(v) &&
		   v->valuedouble == floor(v->valuedouble) &&
		   fabs(v->valuedouble) < 9e15) {
		json_int(b, key, (int64_t)v->valuedouble);
	} else if (cJSON_IsNumber(v)) {
		json_real(b, key, v->valuedouble);
	} else if (cJSON_IsBool(v)) {
		json_bool(b, key, cJSON_IsTrue(v));
	} else {
		json_text(b, key, cJSON_GetStringValue(v));
	}
}

void
render_json(struct buf *b, const cJSON *v)
{
	put_value(b, NULL, v);
	buf_char(b, '\n');
}

static void
label(struct buf *b, const char *name)
{
	buf_printf(b, "  %-*s", LABEL, name);
}

/* The address is there whatever it is: <> is an address too. */
static void
put_address(struct buf *b, const char *address)
{
	if (address == NULL) {
		buf_char(b, '-');
		return;
	}
	buf_char(b, '<');
	render_put(b, address);
	buf_char(b, '>');
}

static void
put_reply(struct buf *b, const cJSON *reply)
{
	const char *text = render_text(reply, "text");
	struct span rest = span_of(text != NULL ? text : "");

	buf_printf(b, "%d ", (int)render_number(reply, "code"));
	render_put(b, render_text(reply, "dsn"));
	while (rest.n > 0) {
		buf_char(b, ' ');
		escape_log(b, span_cut(&rest, '\n'));
		if (rest.n > 0)
			buf_text(b, " /");
	}
}

static void
put_head(struct buf *b, const cJSON *r)
{
	const char *stage = render_text(r, "stage"), *by = render_text(r, "by");
	const char *queue_id = render_text(r, "queue_id");

	render_put(b, queue_id != NULL ? queue_id : render_text(r, "id"));
	buf_text(b, ": ");
	render_put(b, render_text(r, "outcome"));
	if (stage != NULL && strcmp(stage, "abort") != 0) {
		buf_text(b, " at ");
		render_put(b, stage);
	}
	if (by != NULL) {
		buf_text(b, " by ");
		render_put(b, by);
	}
	buf_char(b, '\n');
}

static void
put_client(struct buf *b, const cJSON *r)
{
	static const char *const rows[][2] = {
		{ "helo", ", helo " },
		{ "login", ", login " },
		{ "tls", ", " },
	};
	const cJSON *c = cJSON_GetObjectItem(r, "client");

	label(b, "client");
	render_put(b, render_text(c, "addr"));
	buf_text(b, " (");
	render_put(b, render_text(c, "name"));
	buf_char(b, ')');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (render_text(c, rows[i][0]) != NULL) {
			buf_text(b, rows[i][1]);
			render_put(b, render_text(c, rows[i][0]));
		}
	buf_char(b, '\n');
}

static void
put_recipients(struct buf *b, const cJSON *r)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, cJSON_GetObjectItem(r, "recipients"))
	{
		const char *verdict = render_text(one, "verdict");
		const cJSON *reply = cJSON_GetObjectItem(one, "reply");

		label(b, "recipient");
		put_address(b, render_text(one, "address"));
		if (verdict != NULL && strcmp(verdict, "continue") != 0) {
			buf_text(b, ": ");
			render_put(b, verdict);
		}
		if (render_text(one, "by") != NULL) {
			buf_text(b, " by ");
			render_put(b, render_text(one, "by"));
		}
		if (cJSON_IsObject(reply)) {
			buf_text(b, ": ");
			put_reply(b, reply);
		}
		buf_char(b, '\n');
	}
}

static void
put_facts(struct buf *b, const cJSON *r)
{
	static const char *const rows[][2] = {
		{ "time", "time" },
		{ "id", "id" },
		{ "listener", "listener" },
		{ "from", "From" },
		{ "message_id", "Message-ID" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (render_text(r, rows[i][0]) == NULL)
			continue;
		label(b, rows[i][1]);
		render_put(b, render_text(r, rows[i][0]));
		buf_char(b, '\n');
	}
	put_client(b, r);
	label(b, "sender");
	put_address(b, render_text(r, "sender"));
	buf_char(b, '\n');
	put_recipients(b, r);
	if (render_number(r, "size") > 0) {
		label(b, "body");
		buf_printf(
		    b, "%.0f bytes were looked at\n", render_number(r, "size"));
	}
	label(b, "took");
	buf_printf(b, "%.1f ms\n", render_number(r, "took_us") / 1000);
}

static void
put_auth(struct buf *b, const cJSON *r)
{
	const cJSON *one, *p;

	cJSON_ArrayForEach(one, cJSON_GetObjectItem(r, "auth"))
	{
		label(b, "auth");
		render_put(b, render_text(one, "method"));
		buf_char(b, '=');
		render_put(b, render_text(one, "result"));
		cJSON_ArrayForEach(p, cJSON_GetObjectItem(one, "properties"))
		{
			buf_char(b, ' ');
			render_put(b, p->string);
			buf_char(b, '=');
			render_put(b, cJSON_GetStringValue(p));
		}
		if (render_text(one, "reason") != NULL) {
			buf_text(b, " reason: ");
			render_put(b, render_text(one, "reason"));
		}
		buf_text(b, " (");
		render_put(b, render_text(one, "by"));
		buf_text(b, ")\n");
	}
}

static void
put_lines(struct buf *b, const char *name, const cJSON *lines)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, lines)
	{
		label(b, name);
		render_put(b, cJSON_GetStringValue(one));
		buf_char(b, '\n');
	}
}

static void
put_faults(struct buf *b, const cJSON *r)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, cJSON_GetObjectItem(r, "faults"))
	{
		const char *who = render_text(one, "instance");

		label(b, "fault");
		render_put(b, who != NULL ? who : "a worker");
		buf_text(b, " at ");
		render_put(b, render_text(one, "stage"));
		buf_text(b, ": ");
		render_put(b, render_text(one, "what"));
		buf_text(b, "; the message was told to another worker\n");
	}
}

/* What the client was told at the end. */
static void
put_last_word(struct buf *b, const cJSON *r)
{
	const cJSON *reply = cJSON_GetObjectItem(r, "reply");

	label(b, "reply");
	if (cJSON_IsObject(reply))
		put_reply(b, reply);
	else
		buf_text(b, "the mail server's own");
	buf_char(b, '\n');
}

void
render_record(struct buf *b, const cJSON *r)
{
	put_head(b, r);
	put_facts(b, r);
	render_steps(b, r);
	if (cJSON_GetArraySize(cJSON_GetObjectItem(r, "symbols")) > 0) {
		label(b, "score");
		buf_printf(b, "%g\n", render_number(r, "score"));
	}
	put_auth(b, r);
	render_edits(b, r);
	put_lines(b, "would edit", cJSON_GetObjectItem(r, "observed_edits"));
	put_lines(b, "conflict", cJSON_GetObjectItem(r, "conflicts"));
	put_faults(b, r);
	if (render_true(r, "shortened")) {
		label(b, "note");
		buf_text(b, "parts of this record were left out, as it was too "
			    "large\n");
	}
	put_last_word(b, r);
}
