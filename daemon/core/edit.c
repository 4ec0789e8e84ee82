/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What instances ask for is checked here, applied to the view, and kept with
 * the name of who asked last; edit_finish compares view and original.
 */
#include "core/edit.h"

#include <string.h>

#include "base/span.h"
#include "core/view.h"

enum {
	NAME_BYTES = 255,
	/* With the name this stays under the 65,535 of a milter packet. */
	VALUE_BYTES = 60000,
	ADDRESS_BYTES = 2048,
	CONFLICTS = 64 /* more lines tell nobody anything */
};

struct recipient {
	const char *address;
	const char *args;
	const char *by; /* who touched it last */
	bool deleted;   /* the MTA is told to, whether it has it or not */
	bool added;
	struct recipient *next;
};

struct conflict {
	const char *by, *verb, *thing, *earlier;
};

struct edit_plan {
	struct arena *arena;
	struct view *view;
	size_t edits; /* that succeeded; finish never needs more room */
	struct edit sender, body, quarantine; /* by is NULL: none */
	struct recipient *recipients, **recipients_end;
	struct conflict *conflicts; /* room for all from the first on */
	const char **lines;
	size_t nconflicts;
};

struct edit_plan *
edit_create(struct arena *arena)
{
	struct edit_plan *p = arena_alloc(arena, sizeof(*p));

	p->arena = arena;
	p->view = view_create(arena);
	p->recipients_end = &p->recipients;
	return p;
}

void
edit_original(struct edit_plan *p, const char *name, const char *value)
{
	view_original(p->view, name, arena_copy(p->arena, value));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *
edit_header(const struct edit_plan *p, const char *name, uint32_t nth)
{
	const struct view_field *f = view_nth(p->view, name, nth);

	return f != NULL ? f->value + is_blank(f->value[0]) : NULL;
}

bool
edit_header_at(const struct edit_plan *p, uint32_t index, const char **name,
    const char **value)
{
	const struct view_field *f = view_at(p->view, index);

	if (f == NULL)
		return false;
	*name = f->name;
	*value = f->value;
	return true;
}

static bool
name_ok(const char *name, const char **why)
{
	size_t n = 0;

	*why = "the name is not 1 to 255 printable bytes without a colon";
	if (name == NULL || name[0] == '\0')
		return false;
	for (; name[n] != '\0'; n++)
		if (n == NAME_BYTES || name[n] <= ' ' || name[n] > '~' ||
		    name[n] == ':')
			return false;
	return true;
}

static bool
value_ok(const char *value, const char **why)
{
	size_t n = 0;

	*why = "there is no value";
	if (value == NULL)
		return false;
	for (; value[n] != '\0'; n++) {
		*why = "the value has a CR";
		if (value[n] == '\r')
			return false;
		*why = "the value has an LF that no blank follows";
		if (value[n] == '\n' && !is_blank(value[n + 1]))
			return false;
	}
	*why = "the value is over 60,000 bytes";
	return n <= VALUE_BYTES;
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* "" is an address only for a sender. */
static bool
address_ok(const char *address, const char **why)
{
	size_t n = 0;

	*why = "there is no address";
	if (address == NULL)
		return false;
	*why = "the address has a control byte, a blank, < or >";
	for (; address[n] != '\0'; n++)
		if (is_control(address[n]) || strchr(" <>", address[n]) != NULL)
			return false;
	*why = "the address is over 2,048 bytes";
	return n <= ADDRESS_BYTES;
}

static bool
args_ok(const char *args, const char **why)
{
	size_t n = 0;

	*why = "the ESMTP arguments are not printable ASCII";
	for (; args != NULL && args[n] != '\0'; n++)
		if (args[n] < ' ' || args[n] > '~')
			return false;
	*why = "the ESMTP arguments are over 2,048 bytes";
	return n <= ADDRESS_BYTES;
}

/* NULL for none, as the MTA wants it. */
static const char *
copy_args(struct edit_plan *p, const char *args)
{
	return args != NULL && args[0] != '\0' ? arena_copy(p->arena, args)
					       : NULL;
}

/* As the MTA would show it, had it come so. */
static const char *
copy_value(struct edit_plan *p, const char *value)
{
	return arena_printf(
	    p->arena, "%s%s", is_blank(value[0]) ? "" : " ", value);
}

static bool
same_conflict(const struct conflict *a, const struct conflict *b)
{
	return strcmp(a->by, b->by) == 0 && strcmp(a->verb, b->verb) == 0 &&
	       span_equal_nocase(span_of(a->thing), span_of(b->thing)) &&
	       strcmp(a->earlier, b->earlier) == 0;
}

/* earlier: who touched thing before, or NULL. */
static void
note_conflict(struct edit_plan *p, const char *by, const char *verb,
    const char *thing, const char *earlier)
{
	const struct conflict c = { by, verb, thing, earlier };

	if (earlier == NULL || strcmp(earlier, by) == 0 ||
	    p->nconflicts == CONFLICTS)
		return;
	for (size_t i = 0; i < p->nconflicts; i++)
		if (same_conflict(&p->conflicts[i], &c))
			return;
	if (p->conflicts == NULL) {
		p->conflicts = arena_alloc(p->arena, CONFLICTS * sizeof(c));
		p->lines = arena_alloc(p->arena, CONFLICTS * sizeof(*p->lines));
	}
	p->conflicts[p->nconflicts] = c;
	p->lines[p->nconflicts++] = arena_printf(
	    p->arena, "%s %s %s after %s", by, verb, thing, earlier);
}

bool
edit_add(struct edit_plan *p, const char *by, const char *name,
    const char *value, const char **why)
{
	if (!name_ok(name, why) || !value_ok(value, why))
		return false;
	view_add(p->view, name, copy_value(p, value))->by = by;
	p->edits++;
	return true;
}

bool
edit_insert(struct edit_plan *p, const char *by, const char *name,
    const char *value, const char **why)
{
	if (!name_ok(name, why) || !value_ok(value, why))
		return false;
	view_insert(p->view, name, copy_value(p, value))->by = by;
	p->edits++;
	return true;
}

static struct view_field *
find(struct edit_plan *p, const char *name, uint32_t nth, const char **why)
{
	struct view_field *f = view_nth(p->view, name, nth);

	if (f == NULL)
		*why = "there is no such field";
	return f;
}

bool
edit_change(struct edit_plan *p, const char *by, const char *name, uint32_t nth,
    const char *value, const char **why)
{
	struct view_field *f;

	if (!name_ok(name, why) || !value_ok(value, why))
		return false;
	if ((f = find(p, name, nth, why)) == NULL)
		return false;
	note_conflict(p, by, "changed", f->name, f->by);
	f->value = copy_value(p, value);
	f->by = by;
	p->edits++;
	return true;
}

bool
edit_delete(struct edit_plan *p, const char *by, const char *name, uint32_t nth,
    const char **why)
{
	struct view_field *f;

	if (!name_ok(name, why) || (f = find(p, name, nth, why)) == NULL)
		return false;
	note_conflict(p, by, "deleted", f->name, f->by);
	view_remove(p->view, f);
	f->by = by;
	p->edits++;
	return true;
}

bool
edit_sender(struct edit_plan *p, const char *by, const char *from,
    const char *args, const char **why)
{
	if (!address_ok(from, why) || !args_ok(args, why))
		return false;
	note_conflict(p, by, "changed", "the sender", p->sender.by);
	p->sender = (struct edit){ .kind = EDIT_CHANGE_SENDER,
		.name = arena_copy(p->arena, from),
		.value = copy_args(p, args),
		.by = by };
	p->edits++;
	return true;
}

static struct span
bare(const char *address)
{
	struct span s = span_of(address);

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct span){ s.p + 1, s.n - 2 };
	return s;
}

static struct recipient *
find_recipient(const struct edit_plan *p, const char *address)
{
	const struct span wanted = bare(address);

	for (struct recipient *r = p->recipients; r != NULL; r = r->next)
		if (span_equal_nocase(span_of(r->address), wanted))
			return r;
	return NULL;
}

static struct recipient *
take_recipient(struct edit_plan *p, const char *address, const char **why)
{
	struct recipient *r;

	if (!address_ok(address, why))
		return NULL;
	*why = "there is no address";
	if (address[0] == '\0')
		return NULL;
	if ((r = find_recipient(p, address)) != NULL)
		return r;
	r = arena_alloc(p->arena, sizeof(*r));
	r->address = arena_copy(p->arena, address);
	*p->recipients_end = r;
	p->recipients_end = &r->next;
	return r;
}

bool
edit_add_recipient(struct edit_plan *p, const char *by, const char *to,
    const char *args, const char **why)
{
	struct recipient *r;

	if (!args_ok(args, why) || (r = take_recipient(p, to, why)) == NULL)
		return false;
	if (!r->added)
		note_conflict(p, by, "added", r->address, r->by);
	r->args = copy_args(p, args);
	r->added = true;
	r->by = by;
	p->edits++;
	return true;
}

/*
 * An added one is not added then.  The MTA is told to delete it all the
 * same: it may have had it before, and does no harm if it had not.
 */
bool
edit_delete_recipient(
    struct edit_plan *p, const char *by, const char *to, const char **why)
{
	struct recipient *r = take_recipient(p, to, why);

	if (r == NULL)
		return false;
	if (r->added)
		note_conflict(p, by, "deleted", r->address, r->by);
	r->added = false;
	r->deleted = true;
	r->by = by;
	p->edits++;
	return true;
}

bool
edit_body(struct edit_plan *p, const char *by, const void *bytes, size_t n,
    const char **why)
{
	char *copy;

	if (bytes == NULL && n > 0) {
		*why = "there are no bytes";
		return false;
	}
	note_conflict(p, by, "replaced", "the body", p->body.by);
	copy = arena_copy_span(p->arena, (struct span){ bytes, n });
	p->body = (struct edit){
		.kind = EDIT_REPLACE_BODY, .bytes = { copy, n }, .by = by
	};
	p->edits++;
	return true;
}

/*
 * The reason may quote the mail, so a byte in it must not keep the message
 * from being held: it is made harmless instead.
 */
bool
edit_quarantine(
    struct edit_plan *p, const char *by, const char *reason, const char **why)
{
	char *copy;

	*why = "there is no reason";
	if (reason == NULL || reason[0] == '\0')
		return false;
	copy = arena_copy_span(
	    p->arena, (struct span){ reason, strnlen(reason, ADDRESS_BYTES) });
	for (char *c = copy; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	p->quarantine =
	    (struct edit){ .kind = EDIT_QUARANTINE, .value = copy, .by = by };
	p->edits++;
	return true;
}

size_t
edit_conflicts(const struct edit_plan *p, const char *const **lines)
{
	*lines = p->lines;
	return p->nconflicts;
}

struct output {
	struct edit *edits;
	size_t n;
};

static void
put(struct output *out, struct edit e)
{
	if (e.by != NULL)
		out->edits[out->n++] = e;
}

/*
 * The blank after the colon is the MTA's or the front's to write.  An empty
 * value keeps it: to change a field to nothing means to delete it.
 */
static const char *
value_sent(const char *raw)
{
	bool spare = raw[0] == ' ' && raw[1] != '\0' && !is_blank(raw[1]);

	return raw + spare;
}

static struct edit
header_edit(enum edit_kind kind, const struct view_field *f, uint32_t index)
{
	return (struct edit){ .kind = kind,
		.index = index,
		.name = f->name,
		.value =
		    kind != EDIT_DELETE_HEADER ? value_sent(f->value) : NULL,
		.by = f->by };
}

/* The MTAs count differently after a delete: so from the highest down. */
static void
put_originals(struct output *out, const struct view *v)
{
	const struct view_field *f = view_last_original(v);

	for (; f != NULL; f = f->older)
		if (f->removed)
			put(out,
			    header_edit(EDIT_DELETE_HEADER, f, f->occurrence));
		else if (strcmp(f->value, f->original) != 0)
			put(out,
			    header_edit(EDIT_CHANGE_HEADER, f, f->occurrence));
}

static void
put_added(struct output *out, const struct view *v)
{
	const struct view_field *f = view_end(v);

	if (f == NULL || !view_is_added(f))
		return;
	while (f->prev[VIEW_ALL] != NULL && view_is_added(f->prev[VIEW_ALL]))
		f = f->prev[VIEW_ALL];
	for (; f != NULL; f = f->next[VIEW_ALL])
		put(out, header_edit(EDIT_ADD_HEADER, f, 0));
}

/* Each goes on top of those before: so from the lowest up. */
static void
put_inserted(struct output *out, const struct view *v)
{
	const struct view_field *f = view_top(v);

	if (f == NULL || !view_is_inserted(f))
		return;
	while (f->next[VIEW_ALL] != NULL && view_is_inserted(f->next[VIEW_ALL]))
		f = f->next[VIEW_ALL];
	for (; f != NULL; f = f->prev[VIEW_ALL])
		put(out, header_edit(EDIT_INSERT_HEADER, f, 0));
}

static void
put_recipients(struct output *out, const struct edit_plan *p)
{
	const struct recipient *r;

	for (r = p->recipients; r != NULL; r = r->next)
		if (r->deleted)
			put(out, (struct edit){ .kind = EDIT_DELETE_RECIPIENT,
				     .name = r->address,
				     .by = r->by });
	for (r = p->recipients; r != NULL; r = r->next)
		if (r->added)
			put(out, (struct edit){ .kind = EDIT_ADD_RECIPIENT,
				     .name = r->address,
				     .value = r->args,
				     .by = r->by });
}

size_t
edit_finish(struct edit_plan *p, const struct edit **edits)
{
	struct output out = { 0 };

	*edits = NULL;
	if (p->edits == 0)
		return 0;
	out.edits = arena_alloc(p->arena, p->edits * sizeof(*out.edits));
	put_originals(&out, p->view);
	put_added(&out, p->view);
	put_inserted(&out, p->view);
	put(&out, p->sender);
	put_recipients(&out, p);
	put(&out, p->body);
	put(&out, p->quarantine);
	*edits = out.edits;
	return out.n;
}

bool
edit_empty(const struct edit_plan *p)
{
	return p->edits == 0;
}

bool
edit_leaves_no_recipient(
    const struct edit_plan *p, const char *const *recipients)
{
	if (recipients == NULL || recipients[0] == NULL)
		return false;
	for (const struct recipient *r = p->recipients; r != NULL; r = r->next)
		if (r->added)
			return false;
	for (; *recipients != NULL; recipients++) {
		const struct recipient *r = find_recipient(p, *recipients);

		if (r == NULL || !r->deleted)
			return false;
	}
	return true;
}
