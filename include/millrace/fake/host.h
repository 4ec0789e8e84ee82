/* SPDX-License-Identifier: Apache-2.0 */
/* Part of <millrace/fake.h>: the members of struct mr_host. */
#ifndef MR_FAKE_HOST_H
#define MR_FAKE_HOST_H

MR_FAKE const void *fake_host_service(const struct mr_host *, const char *id);

MR_FAKE void
fake_host_log(const struct mr_host *h, const struct mr_ctx *c, int32_t level,
    const char *line)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	(void)c;
	if (level < MR_LOG_ERROR || level > MR_LOG_DEBUG)
		level = MR_LOG_DEBUG;
	fake_note_down(fake_of_host(h), "log %s %s", names[level], line);
}

MR_FAKE void
fake_host_config_error(
    const struct mr_host *h, const char *option, const char *text)
{
	struct fake *f = fake_of_host(h);

	if (option != NULL)
		fake_option(f, option); /* it must be one of the table */
	fake_note_down(f, "config_error %s: %s",
	    option != NULL ? option : "instance", text);
}

MR_FAKE const char *
fake_reply_fault(int32_t code, const char *dsn, const char *text)
{
	size_t column = 0, lines = 1;

	if (code < 400 || code > 599)
		return "the code is not 400 to 599";
	if (dsn != NULL && dsn[0] - '0' != code / 100)
		return "the enhanced code is of another class";
	if (text == NULL || text[0] == '\0')
		return "there is no text";
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			column = 0;
			lines++;
		} else if (*text < ' ' || *text > '~') {
			return "the text is not printable ASCII";
		} else if (++column > 980) {
			return "a line is longer than 980 bytes";
		}
	}
	return lines > 32 ? "more than 32 lines" : NULL;
}

MR_FAKE bool
fake_host_reply(
    struct mr_ctx *c, int32_t code, const char *dsn, const char *text)
{
	struct fake *f = fake_of(c);
	const char *why = fake_reply_fault(code, dsn, text);

	if (why != NULL)
		return fake_misbehaves(f, "reply", why);
	fake_note_down(
	    f, "reply %d %s %s", (int)code, dsn != NULL ? dsn : "-", text);
	return true;
}

MR_FAKE bool
fake_host_symbol(
    struct mr_ctx *c, const char *name, double score, const char *detail)
{
	struct fake *f = fake_of(c);

	fake_note_down(f, "symbol %s %.2f%s%s", name, score,
	    detail != NULL ? " " : "", detail != NULL ? detail : "");
	f->score += score;
	if (!f->in_message)
		f->session_score += score;
	return true;
}

/* Findings of the plugin itself are in the transcript, not here. */
MR_FAKE bool
fake_host_symbol_at(struct mr_ctx *c, uint32_t index, struct mr_symbol *out)
{
	const struct fake *f = fake_of(c);

	if (index >= f->nfindings)
		return false;
	*out = f->findings[index];
	return true;
}

MR_FAKE int64_t
fake_host_time_left(struct mr_ctx *c)
{
	return fake_of(c)->time_left;
}

MR_FAKE double
fake_host_score(struct mr_ctx *c)
{
	return fake_of(c)->score;
}

/* --- edits --- */

MR_FAKE bool
fake_may(struct fake *f, const char *member, uint32_t action)
{
	if (!f->in_message)
		return fake_misbehaves(f, member, "no message is open");
	if ((f->plan.actions & action) == 0)
		return fake_misbehaves(
		    f, member, "the action was not declared");
	return true;
}

MR_FAKE bool
fake_field_ok(
    struct fake *f, const char *member, const char *name, const char *value)
{
	const char *p = name;

	for (; *p > ' ' && *p <= '~' && *p != ':'; p++)
		;
	if (p == name || *p != '\0')
		return fake_misbehaves(f, member, "bad name");
	for (p = value; *p != '\0'; p++)
		if (*p == '\r' || (*p == '\n' && p[1] != ' ' && p[1] != '\t'))
			return fake_misbehaves(f, member, "bad value");
	return true;
}

MR_FAKE bool
fake_field_place(
    const struct fake *f, const char *name, uint32_t nth, size_t *place)
{
	for (size_t i = 0; i < f->nfields; i++)
		if (strcasecmp(f->fields[i].name, name) == 0 && nth-- == 1) {
			*place = i;
			return true;
		}
	return false;
}

/* A field, with the blank after its colon, at a place. */
MR_FAKE void
fake_field_put(
    struct fake *f, size_t place, const char *name, const char *value)
{
	size_t n = strlen(value) + 2;
	char *raw = fake_alloc(&f->message, n);

	if (f->nfields == FAKE_FIELDS)
		fake_broken("too many header fields", name);
	snprintf(raw, n, " %s", value);
	memmove(f->fields + place + 1, f->fields + place,
	    (f->nfields - place) * sizeof(f->fields[0]));
	f->fields[place].name = fake_copy(&f->message, name);
	f->fields[place].value = raw;
	f->nfields++;
}

MR_FAKE bool
fake_host_add_header(struct mr_ctx *c, const char *name, const char *value)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "add_header", MR_ACTION_ADD_HEADER) ||
	    !fake_field_ok(f, "add_header", name, value))
		return false;
	fake_note_down(f, "add_header %s: %s", name, value);
	fake_field_put(f, f->nfields, name, value);
	return true;
}

MR_FAKE bool
fake_host_insert_header(struct mr_ctx *c, const char *name, const char *value)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "insert_header", MR_ACTION_ADD_HEADER) ||
	    !fake_field_ok(f, "insert_header", name, value))
		return false;
	fake_note_down(f, "insert_header %s: %s", name, value);
	fake_field_put(f, 0, name, value);
	return true;
}

MR_FAKE bool
fake_host_change_header(
    struct mr_ctx *c, const char *name, uint32_t nth, const char *value)
{
	struct fake *f = fake_of(c);
	size_t place, n = strlen(value) + 2;

	if (!fake_may(f, "change_header", MR_ACTION_CHANGE_HEADER) ||
	    !fake_field_ok(f, "change_header", name, value))
		return false;
	if (!fake_field_place(f, name, nth, &place))
		return fake_misbehaves(f, "change_header", "no such field");
	fake_note_down(f, "change_header %s %u: %s", name, nth, value);
	f->fields[place].value = fake_alloc(&f->message, n);
	snprintf(f->fields[place].value, n, " %s", value);
	return true;
}

MR_FAKE bool
fake_host_delete_header(struct mr_ctx *c, const char *name, uint32_t nth)
{
	struct fake *f = fake_of(c);
	size_t place;

	if (!fake_may(f, "delete_header", MR_ACTION_CHANGE_HEADER))
		return false;
	if (!fake_field_place(f, name, nth, &place))
		return fake_misbehaves(f, "delete_header", "no such field");
	fake_note_down(f, "delete_header %s %u", name, nth);
	f->nfields--;
	memmove(f->fields + place, f->fields + place + 1,
	    (f->nfields - place) * sizeof(f->fields[0]));
	return true;
}

MR_FAKE bool
fake_host_change_sender(struct mr_ctx *c, const char *from, const char *args)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "change_sender", MR_ACTION_CHANGE_SENDER))
		return false;
	fake_note_down(f, "change_sender <%s>%s%s", from,
	    args != NULL ? " " : "", args != NULL ? args : "");
	return true;
}

MR_FAKE bool
fake_host_add_recipient(struct mr_ctx *c, const char *to, const char *args)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "add_recipient", MR_ACTION_ADD_RECIPIENT))
		return false;
	fake_note_down(f, "add_recipient <%s>%s%s", to, args != NULL ? " " : "",
	    args != NULL ? args : "");
	return true;
}

MR_FAKE bool
fake_host_delete_recipient(struct mr_ctx *c, const char *to)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "delete_recipient", MR_ACTION_DELETE_RECIPIENT))
		return false;
	fake_note_down(f, "delete_recipient <%s>", to);
	return true;
}

MR_FAKE bool
fake_host_replace_body(struct mr_ctx *c, const void *bytes, size_t len)
{
	struct fake *f = fake_of(c);

	(void)bytes;
	if (!fake_may(f, "replace_body", MR_ACTION_REPLACE_BODY))
		return false;
	fake_note_down(f, "replace_body %zu bytes", len);
	return true;
}

MR_FAKE bool
fake_host_quarantine(struct mr_ctx *c, const char *reason)
{
	struct fake *f = fake_of(c);

	if (!fake_may(f, "quarantine", MR_ACTION_QUARANTINE))
		return false;
	fake_note_down(f, "quarantine %s", reason);
	return true;
}

MR_FAKE bool
fake_host_auth_result(struct mr_ctx *c, const char *method, const char *result,
    const char *reason, const struct mr_auth_property *props, uint32_t count)
{
	struct fake *f = fake_of(c);

	if (!f->in_message)
		return fake_misbehaves(f, "auth_result", "no message is open");
	fake_note_down(f, "auth_result %s=%s%s%s", method, result,
	    reason != NULL ? " reason=" : "", reason != NULL ? reason : "");
	for (uint32_t i = 0; i < count; i++)
		if (props[i].value != NULL)
			fake_note_down(f, "auth_property %s=%s", props[i].name,
			    props[i].value);
	return true;
}

/* --- what is known of the message --- */

MR_FAKE const char *
fake_host_header(struct mr_ctx *c, const char *name, uint32_t nth)
{
	struct fake *f = fake_of(c);
	const char *value;
	size_t place;

	if ((f->plan.wants & MR_WANT_HEADERS) == 0 ||
	    !fake_field_place(f, name, nth, &place))
		return NULL;
	value = f->fields[place].value;
	return value + (*value == ' ');
}

MR_FAKE bool
fake_host_header_at(
    struct mr_ctx *c, uint32_t index, const char **name, const char **value)
{
	const struct fake *f = fake_of(c);

	if ((f->plan.wants & MR_WANT_HEADERS) == 0 || index >= f->nfields)
		return false;
	*name = f->fields[index].name;
	*value = f->fields[index].value;
	return true;
}

MR_FAKE const void *
fake_host_body(struct mr_ctx *c, size_t *len)
{
	const struct fake *f = fake_of(c);

	if ((f->plan.wants & MR_WANT_BODY) == 0 || f->body == NULL)
		return NULL;
	*len = f->body_size;
	return f->body;
}

MR_FAKE const char *
fake_host_macro(struct mr_ctx *c, const char *name)
{
	const struct fake *f = fake_of(c);

	return fake_get(f->macros, f->nmacros, name);
}

MR_FAKE bool
fake_host_note_set(struct mr_ctx *c, const char *key, const char *value)
{
	struct fake *f = fake_of(c);

	if (!f->in_message)
		return fake_misbehaves(f, "note_set", "no message is open");
	fake_note_down(f, "note_set %s=%s", key, value);
	fake_note(f, key, value);
	return true;
}

MR_FAKE const char *
fake_host_note(struct mr_ctx *c, const char *key)
{
	const struct fake *f = fake_of(c);

	return fake_get(f->notes, f->nnotes, key);
}

MR_FAKE void *
fake_host_alloc(struct mr_ctx *c, size_t n)
{
	struct fake *f = fake_of(c);

	return fake_alloc(fake_scope(f), n);
}

#endif
