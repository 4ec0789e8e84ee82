/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edit plan against a model of it: bytes are read as a script of edits,
 * which is done on the plan and, field by field, on a plain array.  At the
 * end the plan's operations are done on the original the way Postfix and
 * Sendmail do them, and what they deliver must be what the array holds.
 * Included by the unit test (random scripts) and the fuzz target.
 */
#ifndef TESTS_EDITMODEL_H
#define TESTS_EDITMODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "core/edit.h"

enum { MODEL_FIELDS = 400, MODEL_RECIPIENTS = 16, MODEL_TEXT = 300 };

struct model_field {
	const char *name, *value;
	bool gone;  /* deleted, but counted: Sendmail */
	char place; /* 'i'nserted, 'o'riginal, 'a'dded */
};

struct model_fields {
	struct model_field at[MODEL_FIELDS];
	size_t n;
};

struct model_recipients {
	const char *at[MODEL_RECIPIENTS];
	size_t n;
};

struct model {
	const uint8_t *in;
	size_t left;
	struct arena *arena;
	struct edit_plan *plan;
	struct model_fields original, view;
	struct model_recipients envelope, recipients;
	const char *sender, *args, *reason;
	struct span body;
	size_t edits;
	const char *fault; /* what differs first */
};

static const char *const model_names[] = { "Subject", "SUBJECT", "X-A", "x-a",
	"Received", "DKIM-Signature", "B", "", "a:b", "no name",
	"Authent\xc3" };
static const char *const model_people[] = { "a@example.com", "A@Example.COM",
	"b@example.com", "c@example.com", "<a@example.com>", "", "d e@x", "f",
	"g\n@example.com" };

#define MODEL_COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
model_must(struct model *m, bool so, const char *fault)
{
	if (!so && m->fault == NULL)
		m->fault = fault;
}

static uint8_t
model_byte(struct model *m)
{
	if (m->left == 0)
		return 0;
	m->left--;
	return *m->in++;
}

/* Up to a byte 0xff; a NUL ends a C string early, which does no harm. */
static const char *
model_text(struct model *m)
{
	char text[MODEL_TEXT];
	size_t n = 0;

	while (m->left > 0 && n < sizeof(text) - 1) {
		uint8_t c = model_byte(m);

		if (c == 0xff)
			break;
		text[n++] = (char)c;
	}
	text[n] = '\0';
	return arena_copy(m->arena, text);
}

static const char *
model_name(struct model *m)
{
	uint8_t c = model_byte(m);

	if (c % 16 < MODEL_COUNT(model_names))
		return model_names[c % 16];
	return c == 0xff ? model_text(m) : "X-Other";
}

static bool
model_name_ok(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 33 ||
		    (unsigned char)name[i] > 126 || name[i] == ':')
			return false;
	return n >= 1 && n <= 255;
}

static bool
model_value_ok(const char *value)
{
	for (const char *lf = value; (lf = strchr(lf, '\n')) != NULL; lf++)
		if (lf[1] != ' ' && lf[1] != '\t')
			return false;
	return strchr(value, '\r') == NULL;
}

/* What the MTA keeps behind the colon, the front's blank included. */
static const char *
model_raw(struct arena *arena, const char *value)
{
	if (value[0] == ' ' || value[0] == '\t')
		return value;
	return arena_printf(arena, " %s", value);
}

static void
model_put(struct model_fields *l, size_t at, const char *name,
    const char *value, char place)
{
	memmove(&l->at[at + 1], &l->at[at], (l->n - at) * sizeof(l->at[0]));
	l->at[at] = (struct model_field){ name, value, false, place };
	l->n++;
}

/* Place of the nth of that name; n if there is none. */
static size_t
model_find(const struct model_fields *l, const char *name, uint32_t nth)
{
	size_t i = 0;

	for (; i < l->n; i++)
		if (strcasecmp(l->at[i].name, name) == 0 && nth-- == 1)
			break;
	return i;
}

static void
model_cut(struct model_fields *l, size_t at)
{
	l->n--;
	memmove(&l->at[at], &l->at[at + 1], (l->n - at) * sizeof(l->at[0]));
}

static void
model_do_original(struct model *m)
{
	const char *name = model_name(m), *value = model_text(m);
	size_t at = 0;

	if (m->view.n + 1 >= MODEL_FIELDS || m->original.n + 1 >= MODEL_FIELDS)
		return;
	edit_original(m->plan, name, value);
	while (at < m->view.n && m->view.at[at].place != 'a')
		at++;
	model_put(&m->view, at, name, value, 'o');
	model_put(&m->original, m->original.n, name, value, 'o');
}

static void
model_do_new(struct model *m, bool insert)
{
	const char *name = model_name(m), *value = model_text(m), *why;
	bool ok = model_name_ok(name) && model_value_ok(value);
	bool (*call)(struct edit_plan *, const char *, const char *,
	    const char *, const char **) = insert ? edit_insert : edit_add;

	if (m->view.n + 1 >= MODEL_FIELDS)
		return;
	model_must(m, call(m->plan, "one", name, value, &why) == ok,
	    "add or insert: taken or not");
	if (!ok)
		return;
	m->edits++;
	model_put(&m->view, insert ? 0 : m->view.n, name,
	    model_raw(m->arena, value), insert ? 'i' : 'a');
}

static void
model_do_change(struct model *m)
{
	const char *name = model_name(m), *why;
	uint32_t nth = model_byte(m) % 8;
	const char *value = model_text(m);
	size_t at = model_find(&m->view, name, nth);
	bool ok = model_name_ok(name) && model_value_ok(value) && nth > 0 &&
		  at < m->view.n;

	model_must(m, edit_change(m->plan, "two", name, nth, value, &why) == ok,
	    "change: taken or not");
	if (!ok)
		return;
	m->edits++;
	m->view.at[at].value = model_raw(m->arena, value);
}

static void
model_do_delete(struct model *m)
{
	const char *name = model_name(m), *why;
	uint32_t nth = model_byte(m) % 8;
	size_t at = model_find(&m->view, name, nth);
	bool ok = model_name_ok(name) && nth > 0 && at < m->view.n;

	model_must(m, edit_delete(m->plan, "three", name, nth, &why) == ok,
	    "delete: taken or not");
	if (!ok)
		return;
	m->edits++;
	model_cut(&m->view, at);
}

static void
model_do_look(struct model *m)
{
	const char *name = model_name(m), *seen;
	uint32_t nth = model_byte(m) % 8;
	size_t at = nth > 0 ? model_find(&m->view, name, nth) : m->view.n;

	seen = edit_header(m->plan, name, nth);
	model_must(m, (seen != NULL) == (at < m->view.n), "header: found");
	if (seen == NULL || at == m->view.n)
		return;
	name = m->view.at[at].value;
	if (name[0] == ' ' || name[0] == '\t')
		name++;
	model_must(m, strcmp(seen, name) == 0, "header: value");
}

static void
model_do_look_at(struct model *m, uint32_t at)
{
	const char *name, *value;
	bool found = edit_header_at(m->plan, at, &name, &value);

	model_must(m, found == (at < m->view.n), "header_at: found");
	if (found && at < m->view.n)
		model_must(m,
		    strcmp(name, m->view.at[at].name) == 0 &&
			strcmp(value, m->view.at[at].value) == 0,
		    "header_at: field");
}

static const char *
model_person(struct model *m)
{
	uint8_t c = model_byte(m);

	return c == 0xff ? model_text(m)
			 : model_people[c % MODEL_COUNT(model_people)];
}

static bool
model_address_ok(const char *address)
{
	for (; *address != '\0'; address++)
		if ((unsigned char)*address <= ' ' || *address == '<' ||
		    *address == '>' || *address == 0x7f)
			return false;
	return true;
}

static void
model_recipient(struct model_recipients *l, const char *who, bool add)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->at[i], who) != 0)
			l->at[kept++] = l->at[i];
	l->n = kept;
	if (add)
		l->at[l->n++] = who;
}

static void
model_do_recipient(struct model *m, bool add)
{
	const char *who = model_person(m), *why;
	bool ok = model_address_ok(who) && who[0] != '\0';
	bool taken;

	if (m->recipients.n + 1 >= MODEL_RECIPIENTS)
		return;
	taken = add ? edit_add_recipient(m->plan, "one", who, NULL, &why)
		    : edit_delete_recipient(m->plan, "two", who, &why);
	model_must(m, taken == ok, "recipient: taken or not");
	if (!ok)
		return;
	m->edits++;
	model_recipient(&m->recipients, who, add);
}

static void
model_do_sender(struct model *m)
{
	const char *who = model_person(m), *args = model_text(m), *why;
	bool ok = model_address_ok(who);

	for (const char *c = args; *c != '\0'; c++)
		ok = ok && *c >= ' ' && *c <= '~';
	model_must(m, edit_sender(m->plan, "one", who, args, &why) == ok,
	    "sender: taken or not");
	if (!ok)
		return;
	m->edits++;
	m->sender = who;
	m->args = args;
}

static void
model_do_rest(struct model *m, bool body)
{
	const char *text = model_text(m), *why;
	struct span bytes = { text, strlen(text) };

	if (body) {
		model_must(m, edit_body(m->plan, "one", bytes.p, bytes.n, &why),
		    "body");
		m->body = bytes;
		m->edits++;
		return;
	}
	model_must(m,
	    edit_quarantine(m->plan, "one", text, &why) == (text[0] != '\0'),
	    "quarantine: taken or not");
	if (text[0] == '\0')
		return;
	m->reason = text;
	m->edits++;
}

static void
model_step(struct model *m)
{
	uint8_t what = model_byte(m);

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		model_do_original(m);
		break;
	case 3:
		model_do_new(m, false);
		break;
	case 4:
		model_do_new(m, true);
		break;
	case 5:
	case 6:
		model_do_change(m);
		break;
	case 7:
	case 8:
		model_do_delete(m);
		break;
	case 9:
		model_do_look(m);
		break;
	case 10:
		model_do_look_at(m, model_byte(m) % MODEL_FIELDS);
		break;
	case 11:
		model_do_sender(m);
		break;
	case 12:
	case 13:
		model_do_recipient(m, what % 16 == 12);
		break;
	default:
		model_do_rest(m, what % 16 == 14);
		break;
	}
}

/*
 * Change and delete as the MTA does it: the index counts the name's fields;
 * deleted ones count on in Sendmail, and do not in Postfix.
 */
static void
mta_change(
    struct model *m, struct model_fields *l, const struct edit *e, bool postfix)
{
	bool erase = e->kind == EDIT_DELETE_HEADER;
	size_t at = model_find(l, e->name, e->index);

	model_must(m, e->index > 0 && at < l->n, "an index the MTA has not");
	if (m->fault != NULL)
		return;
	model_must(m, !l->at[at].gone, "a deleted field is edited");
	model_must(m, erase || e->value[0] != '\0', "an empty change deletes");
	if (!erase)
		l->at[at].value = model_raw(m->arena, e->value);
	else if (postfix)
		model_cut(l, at);
	else
		l->at[at].gone = true;
}

static void
mta_header(
    struct model *m, struct model_fields *l, const struct edit *e, bool postfix)
{
	if (e->kind == EDIT_CHANGE_HEADER || e->kind == EDIT_DELETE_HEADER) {
		mta_change(m, l, e, postfix);
		return;
	}
	model_must(m, e->index == 0, "an insert below the top");
	model_must(m, model_name_ok(e->name) && model_value_ok(e->value),
	    "a field that breaks the rules");
	model_put(l, e->kind == EDIT_ADD_HEADER ? l->n : 0, e->name,
	    model_raw(m->arena, e->value), 'o');
}

static void
model_same_header(struct model *m, const struct model_fields *l)
{
	size_t k = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->at[i].gone)
			continue;
		model_must(m,
		    k < m->view.n &&
			strcmp(l->at[i].name, m->view.at[k].name) == 0 &&
			strcmp(l->at[i].value, m->view.at[k].value) == 0,
		    "the MTA's header differs from the view");
		k++;
	}
	model_must(m, k == m->view.n, "the MTA's header is too short");
}

static void
model_check_header(
    struct model *m, const struct edit *edits, size_t n, bool postfix)
{
	static struct model_fields l; /* too large for some stacks */

	l = m->original;
	for (size_t i = 0; i < n && m->fault == NULL; i++)
		if (edits[i].kind <= EDIT_DELETE_HEADER)
			mta_header(m, &l, &edits[i], postfix);
	model_same_header(m, &l);
}

static int
model_rank(enum edit_kind kind)
{
	static const int ranks[EDIT_KINDS] = { [EDIT_CHANGE_HEADER] = 0,
		[EDIT_DELETE_HEADER] = 0,
		[EDIT_ADD_HEADER] = 1,
		[EDIT_INSERT_HEADER] = 2,
		[EDIT_CHANGE_SENDER] = 3,
		[EDIT_DELETE_RECIPIENT] = 4,
		[EDIT_ADD_RECIPIENT] = 5,
		[EDIT_REPLACE_BODY] = 6,
		[EDIT_QUARANTINE] = 7 };

	return ranks[kind];
}

static void
model_check_once(struct model *m, const struct edit *e)
{
	if (e->kind == EDIT_CHANGE_SENDER) {
		model_must(m,
		    m->sender != NULL && strcmp(e->name, m->sender) == 0 &&
			strcmp(e->value != NULL ? e->value : "", m->args) == 0,
		    "sender");
		m->sender = NULL;
	} else if (e->kind == EDIT_REPLACE_BODY) {
		model_must(m,
		    m->body.p != NULL && e->bytes.n == m->body.n &&
			memcmp(e->bytes.p, m->body.p, m->body.n) == 0,
		    "body");
		m->body.p = NULL;
	} else if (e->kind == EDIT_QUARANTINE) {
		model_must(m,
		    m->reason != NULL && strlen(e->value) == strlen(m->reason),
		    "quarantine");
		m->reason = NULL;
	} else if (e->kind == EDIT_ADD_RECIPIENT) {
		model_recipient(&m->envelope, e->name, true);
	} else if (e->kind == EDIT_DELETE_RECIPIENT) {
		model_recipient(&m->envelope, e->name, false);
	}
}

static void
model_check_rest(struct model *m, const struct edit *edits, size_t n)
{
	static const char *const given[] = { "<a@example.com>", "b@example.com",
		NULL };
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		model_must(m,
		    i == 0 || model_rank(edits[i - 1].kind) <=
				  model_rank(edits[i].kind),
		    "order of the edits");
		model_must(m, edits[i].by != NULL, "nobody's edit");
		model_check_once(m, &edits[i]);
	}
	model_must(m,
	    m->sender == NULL && m->body.p == NULL && m->reason == NULL,
	    "an edit was lost");
	for (size_t i = 0; i < m->envelope.n; i++)
		for (size_t k = 0; k < m->recipients.n; k++)
			same += strcasecmp(m->envelope.at[i],
				    m->recipients.at[k]) == 0;
	model_must(
	    m, same == m->envelope.n && same == m->recipients.n, "recipients");
	model_must(m, edit_leaves_no_recipient(m->plan, given) == (same == 0),
	    "leaves no recipient");
}

static void
model_run(struct model *m)
{
	const struct edit *edits;
	size_t n;

	while (m->left > 0 && m->fault == NULL)
		model_step(m);
	for (uint32_t i = 0; i <= m->view.n; i++)
		model_do_look_at(m, i);
	model_must(m, edit_empty(m->plan) == (m->edits == 0), "empty");
	n = edit_finish(m->plan, &edits);
	model_check_header(m, edits, n, true);
	model_check_header(m, edits, n, false);
	model_check_rest(m, edits, n);
}

/* NULL: plan and model agree; else what differs first. */
static const char *
editmodel_script(const uint8_t *in, size_t n)
{
	static struct model m;

	m = (struct model){ .in = in, .left = n };
	m.arena = arena_create(1024);
	m.plan = edit_create(m.arena);
	model_recipient(&m.envelope, "a@example.com", true);
	model_recipient(&m.envelope, "b@example.com", true);
	m.recipients = m.envelope;
	model_run(&m);
	arena_destroy(&m.arena);
	return m.fault;
}

#endif
