/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/editmodel.h"
#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { WISHES = 8 };

struct wish {
	enum edit_kind kind;
	const char *by, *name;
	uint32_t nth;
	const char *value; /* or arguments, body, reason */
};

#define ADD(by, name, value)                                                   \
	{                                                                      \
		EDIT_ADD_HEADER, by, name, 0, value                            \
	}
#define INSERT(by, name, value)                                                \
	{                                                                      \
		EDIT_INSERT_HEADER, by, name, 0, value                         \
	}
#define CHANGE(by, name, nth, value)                                           \
	{                                                                      \
		EDIT_CHANGE_HEADER, by, name, nth, value                       \
	}
#define DELETE(by, name, nth)                                                  \
	{                                                                      \
		EDIT_DELETE_HEADER, by, name, nth, NULL                        \
	}
#define SENDER(by, from, args)                                                 \
	{                                                                      \
		EDIT_CHANGE_SENDER, by, from, 0, args                          \
	}
#define RCPT(by, to, args)                                                     \
	{                                                                      \
		EDIT_ADD_RECIPIENT, by, to, 0, args                            \
	}
#define UNRCPT(by, to)                                                         \
	{                                                                      \
		EDIT_DELETE_RECIPIENT, by, to, 0, NULL                         \
	}
#define BODY(by, bytes)                                                        \
	{                                                                      \
		EDIT_REPLACE_BODY, by, NULL, 0, bytes                          \
	}
#define HOLD(by, reason)                                                       \
	{                                                                      \
		EDIT_QUARANTINE, by, NULL, 0, reason                           \
	}

static bool
do_wish(struct edit_plan *p, const struct wish *w, const char **why)
{
	switch (w->kind) {
	case EDIT_ADD_HEADER:
		return edit_add(p, w->by, w->name, w->value, why);
	case EDIT_INSERT_HEADER:
		return edit_insert(p, w->by, w->name, w->value, why);
	case EDIT_CHANGE_HEADER:
		return edit_change(p, w->by, w->name, w->nth, w->value, why);
	case EDIT_DELETE_HEADER:
		return edit_delete(p, w->by, w->name, w->nth, why);
	case EDIT_CHANGE_SENDER:
		return edit_sender(p, w->by, w->name, w->value, why);
	case EDIT_ADD_RECIPIENT:
		return edit_add_recipient(p, w->by, w->name, w->value, why);
	case EDIT_DELETE_RECIPIENT:
		return edit_delete_recipient(p, w->by, w->name, why);
	case EDIT_REPLACE_BODY:
		return edit_body(p, w->by, w->value,
		    w->value != NULL ? strlen(w->value) : 0, why);
	case EDIT_QUARANTINE:
		return edit_quarantine(p, w->by, w->value, why);
	default:
		abort();
	}
}

/* "Name:value" lines, one for each field. */
static void
read_original(struct edit_plan *p, const char *lines)
{
	char *copy = strdup(lines), *at = copy, *line;

	assert_non_null(copy);
	while ((line = strsep(&at, "\n")) != NULL) {
		char *name = strsep(&line, ":");

		if (line != NULL)
			edit_original(p, name, line);
	}
	free(copy);
}

static const char *
describe(struct arena *arena, const struct edit *edits, size_t n)
{
	static const char *const words[EDIT_KINDS] = { "add", "insert",
		"change", "delete", "sender", "rcpt", "unrcpt", "body",
		"hold" };
	struct buf b = { 0 };
	const char *text;

	buf_text(&b, "");
	for (size_t i = 0; i < n; i++) {
		const struct edit *e = &edits[i];

		buf_printf(&b, "%s: %s", e->by, words[e->kind]);
		if (e->name != NULL)
			buf_printf(&b, " %s", e->name);
		if (e->index != 0)
			buf_printf(&b, " %u", (unsigned)e->index);
		if (e->value != NULL)
			buf_printf(&b, " =%s", e->value);
		if (e->kind == EDIT_REPLACE_BODY) {
			buf_text(&b, " ");
			buf_put(&b, e->bytes.p, e->bytes.n);
		}
		buf_text(&b, "\n");
	}
	text = arena_copy(arena, b.p);
	buf_finish(&b);
	return text;
}

static const struct edit_case {
	const char *what, *original;
	struct wish wishes[WISHES];
	const char *edits, *conflicts;
} cases[] = {
	{ "nothing", "A: 1\n", { { 0 } }, "", "" },
	{ "added in order", "A: 1\n",
	    { ADD("p", "X", "1"), ADD("q", "Y", "2"), ADD("p", "X", "3") },
	    "p: add X =1\nq: add Y =2\np: add X =3\n", "" },
	{ "the last inserted is on top", "A: 1\n",
	    { INSERT("p", "X", "1"), INSERT("q", "Y", "2") },
	    "p: insert X =1\nq: insert Y =2\n", "" },
	{ "deletes from the highest down", "A: 1\nB: x\nA: 2\nA: 3\n",
	    { DELETE("p", "A", 1), DELETE("p", "a", 1) },
	    "p: delete A 2\np: delete A 1\n", "" },
	{ "nth counts what is left", "A: 1\nA: 2\nA: 3\n",
	    { DELETE("p", "A", 1), CHANGE("p", "A", 2, "x") },
	    "p: change A 3 =x\np: delete A 1\n", "" },
	{ "nth counts what is inserted", "A: 1\nA: 2\n",
	    { INSERT("p", "A", "0"), CHANGE("p", "A", 3, "x"),
		CHANGE("p", "A", 1, "y") },
	    "p: change A 2 =x\np: insert A =y\n", "" },
	{ "changes and deletes before adds and inserts", "A: 1\nB: 2\n",
	    { INSERT("p", "X", "i"), ADD("p", "Y", "a"), DELETE("p", "A", 1),
		CHANGE("p", "B", 1, "c") },
	    "p: change B 1 =c\np: delete A 1\np: add Y =a\np: insert X =i\n",
	    "" },
	{ "what was added and deleted never was", "A: 1\n",
	    { ADD("p", "X", "1"), DELETE("q", "X", 1), INSERT("p", "Y", "1"),
		DELETE("q", "Y", 1) },
	    "", "q deleted X after p\nq deleted Y after p\n" },
	{ "what was added and changed is added once", "",
	    { ADD("p", "X", "1"), CHANGE("q", "x", 1, "2") }, "q: add X =2\n",
	    "q changed X after p\n" },
	{ "changed and deleted is deleted", "A: 1\n",
	    { CHANGE("p", "A", 1, "2"), DELETE("q", "A", 1) },
	    "q: delete A 1\n", "q deleted A after p\n" },
	{ "changed back is not changed", "A: 1\n",
	    { CHANGE("p", "A", 1, "2"), CHANGE("q", "A", 1, "1") }, "",
	    "q changed A after p\n" },
	{ "the same value is no change", "A: 1\nA:2\n",
	    { CHANGE("p", "A", 1, "1"), CHANGE("p", "A", 2, "2") },
	    "p: change A 2 =2\n", "" },
	{ "each conflict once", "A: 1\nA: 2\n",
	    { CHANGE("p", "A", 1, "x"), CHANGE("p", "A", 2, "x"),
		CHANGE("q", "A", 1, "y"), CHANGE("q", "A", 2, "y"),
		CHANGE("q", "A", 2, "z"), CHANGE("p", "A", 1, "v") },
	    "q: change A 2 =z\np: change A 1 =v\n",
	    "q changed A after p\np changed A after q\n" },
	{ "nobody conflicts with oneself", "A: 1\n",
	    { CHANGE("p", "A", 1, "x"), CHANGE("p", "A", 1, "y"),
		SENDER("p", "a", NULL), SENDER("p", "b", NULL), BODY("p", "1"),
		BODY("p", "2"), RCPT("p", "c", NULL), UNRCPT("p", "c") },
	    "p: change A 1 =y\np: sender b\np: unrcpt c\np: body 2\n", "" },
	{ "the spelling of the original", "SuBject: 1\n",
	    { CHANGE("p", "subject", 1, "2") }, "p: change SuBject 1 =2\n",
	    "" },
	{ "an empty value is not a delete", "A: 1\n",
	    { CHANGE("p", "A", 1, ""), ADD("p", "X", "") },
	    "p: change A 1 = \np: add X = \n", "" },
	{ "blanks that the plugin gave stay", "A: 1\n",
	    { ADD("p", "X", " 1"), ADD("p", "X", "  2"), ADD("p", "X", "\t3"),
		ADD("p", "X", "4 ") },
	    "p: add X =1\np: add X =  2\np: add X =\t3\np: add X =4 \n", "" },
	{ "the last sender", "",
	    { SENDER("p", "a@example.com", "SIZE=1"), SENDER("q", "", NULL) },
	    "q: sender \n", "q changed the sender after p\n" },
	{ "the last body, once", "",
	    { BODY("p", "one"), ADD("p", "X", "1"), BODY("q", "two") },
	    "p: add X =1\nq: body two\n", "q replaced the body after p\n" },
	{ "an empty body", "", { BODY("p", "") }, "p: body \n", "" },
	{ "recipients: deletes first", "",
	    { RCPT("p", "new@example.com", "NOTIFY=NEVER"),
		UNRCPT("p", "old@example.com"),
		RCPT("p", "b@example.com", "") },
	    "p: unrcpt old@example.com\n"
	    "p: rcpt new@example.com =NOTIFY=NEVER\np: rcpt b@example.com\n",
	    "" },
	{ "a recipient added, then deleted", "",
	    { RCPT("p", "x@example.com", NULL), UNRCPT("q", "X@EXAMPLE.com") },
	    "q: unrcpt x@example.com\n", "q deleted x@example.com after p\n" },
	{ "a recipient deleted, then added", "",
	    { UNRCPT("p", "x@example.com"), RCPT("q", "x@example.com", "A=B") },
	    "q: unrcpt x@example.com\nq: rcpt x@example.com =A=B\n",
	    "q added x@example.com after p\n" },
	{ "two want the same recipient", "",
	    { RCPT("p", "x@example.com", NULL),
		RCPT("q", "x@example.com", NULL) },
	    "q: rcpt x@example.com\n", "" },
	{ "quarantine last, made harmless", "",
	    { HOLD("p", "first"), HOLD("q", "a\r\nb\x7f\xc3\xbc"),
		BODY("p", "x") },
	    "p: body x\nq: hold =a??b???\n", "" },
};

static const char *
join(struct arena *arena, const char *const *lines, size_t n)
{
	const char *text = "";

	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s\n", text, lines[i]);
	return text;
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct edit_case *c = &cases[i];
		struct arena *arena = arena_create(256);
		struct edit_plan *p = edit_create(arena);
		const char *why = NULL, *const * lines;
		const struct edit *edits;
		size_t n = 0;

		read_original(p, c->original);
		for (; n < WISHES && c->wishes[n].by != NULL; n++)
			if (!do_wish(p, &c->wishes[n], &why))
				fail_msg("%s: %zu: %s", c->what, n, why);
		assert_int_equal(edit_empty(p), n == 0);
		n = edit_finish(p, &edits);
		assert_string_equal(describe(arena, edits, n), c->edits);
		n = edit_conflicts(p, &lines);
		assert_string_equal(join(arena, lines, n), c->conflicts);
		arena_destroy(&arena);
	}
}

#define X8   "xxxxxxxx"
#define X64  X8 X8 X8 X8 X8 X8 X8 X8
#define X255 X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "xxxxxxx"

/* One original: "A: 1".  What is refused must leave no trace. */
static const struct rule_case {
	struct wish wish;
	bool ok;
} rules[] = {
	{ ADD("p", "X-A_b.c!", "v"), true },
	{ ADD("p", X255, "v"), true },
	{ ADD("p", X255 "x", "v"), false },
	{ ADD("p", "", "v"), false },
	{ ADD("p", NULL, "v"), false },
	{ ADD("p", "X:", "v"), false },
	{ ADD("p", "X ", "v"), false },
	{ ADD("p", "X\n", "v"), false },
	{ ADD("p", "X\x7f", "v"), false },
	{ ADD("p", "X\xc3\xbc", "v"), false },
	{ ADD("p", "X", NULL), false },
	{ ADD("p", "X", "a\n b\n\tc\xff"), true },
	{ ADD("p", "X", "a\nBcc: b"), false },
	{ ADD("p", "X", "a\n"), false },
	{ ADD("p", "X", "a\n\n b"), false },
	{ ADD("p", "X", "a\r\n b"), false },
	{ ADD("p", "X", "a\r"), false },
	{ INSERT("p", "X", "a\nb"), false },
	{ INSERT("p", "X:", "a"), false },
	{ CHANGE("p", "A", 1, "v"), true },
	{ CHANGE("p", "A", 0, "v"), false },
	{ CHANGE("p", "A", 2, "v"), false },
	{ CHANGE("p", "B", 1, "v"), false },
	{ CHANGE("p", "A", UINT32_MAX, "v"), false },
	{ CHANGE("p", "A", 1, "a\nb"), false },
	{ CHANGE("p", "A", 1, NULL), false },
	{ DELETE("p", "a", 1), true },
	{ DELETE("p", "A", 0), false },
	{ DELETE("p", "A", 2), false },
	{ DELETE("p", NULL, 1), false },
	{ SENDER("p", "", "AUTH=<>"), true },
	{ SENDER("p", "gr\xc3\xbc\xc3\x9f@example.com", NULL), true },
	{ SENDER("p", NULL, NULL), false },
	{ SENDER("p", "<a@example.com>", NULL), false },
	{ SENDER("p", "a b@example.com", NULL), false },
	{ SENDER("p", "a\n@example.com", NULL), false },
	{ SENDER("p", "a\x7f@example.com", NULL), false },
	{ SENDER("p", "a@example.com", "SIZE=1\r\nDATA"), false },
	{ SENDER("p", "a@example.com", "X=\xc3\xbc"), false },
	{ RCPT("p", "a@example.com", "NOTIFY=NEVER"), true },
	{ RCPT("p", "", NULL), false },
	{ RCPT("p", NULL, NULL), false },
	{ RCPT("p", "a@example.com>", NULL), false },
	{ RCPT("p", "a@example.com", "\t"), false },
	{ UNRCPT("p", "a@example.com"), true },
	{ UNRCPT("p", ""), false },
	{ UNRCPT("p", "a@example.com\n"), false },
	{ BODY("p", NULL), true }, /* of no bytes */
	{ HOLD("p", ""), false },
	{ HOLD("p", NULL), false },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct arena *arena = arena_create(256);
		struct edit_plan *p = edit_create(arena);
		const struct edit *edits;
		const char *why = NULL;

		read_original(p, "A: 1");
		if (do_wish(p, &rules[i].wish, &why) != rules[i].ok)
			fail_msg("row %zu: %s", i, why);
		if (!rules[i].ok) {
			assert_non_null(why);
			assert_true(edit_empty(p));
		}
		assert_int_equal(edit_finish(p, &edits), rules[i].ok);
		assert_int_equal(edits != NULL, rules[i].ok);
		arena_destroy(&arena);
	}
}

static void
test_long_values(void **state)
{
	struct arena *arena = arena_create(256);
	struct edit_plan *p = edit_create(arena);
	char *text = arena_alloc(arena, 60002);
	const char *why = NULL;

	(void)state;
	memset(text, 'x', 60001);
	assert_false(edit_add(p, "p", "X", text, &why));
	assert_false(edit_body(p, "p", NULL, 1, &why));
	text[60000] = '\0';
	assert_true(edit_add(p, "p", "X", text, &why));
	text[2049] = '\0';
	assert_false(edit_sender(p, "p", text, NULL, &why));
	assert_false(edit_add_recipient(p, "p", "a", text, &why));
	text[2048] = '\0';
	assert_true(edit_sender(p, "p", text, text, &why));
	arena_destroy(&arena);
}

/* What instances are shown: no blank in front, the raw value, in order. */
static void
test_view(void **state)
{
	static const struct {
		const char *name, *raw, *plain;
	} want[] = { { "Top", " t", "t" }, { "A", " new", "new" },
		{ "A", "  2", " 2" }, { "B", "3\n\tx", "3\n\tx" },
		{ "C", "\n c", "\n c" }, { "D", "\t", "" },
		{ "Last", " l", "l" } };
	struct arena *arena = arena_create(256);
	struct edit_plan *p = edit_create(arena);
	const char *why, *name, *value;

	(void)state;
	assert_true(edit_add(p, "p", "Last", "l", &why));
	edit_original(p, "A", " 1");
	edit_original(p, "A", "  2");
	edit_original(p, "Gone", " g");
	edit_original(p, "B", "3\n\tx");
	edit_original(p, "C", "\n c");
	assert_true(edit_delete(p, "p", "gone", 1, &why));
	edit_original(p, "D", "\t");
	assert_true(edit_insert(p, "p", "Top", "t", &why));
	assert_true(edit_change(p, "p", "A", 1, "new", &why));
	for (uint32_t i = 0; i < COUNT(want); i++) {
		assert_true(edit_header_at(p, i, &name, &value));
		assert_string_equal(name, want[i].name);
		assert_string_equal(value, want[i].raw);
		assert_string_equal(
		    edit_header(p, name, 1 + (i == 2)), want[i].plain);
	}
	assert_false(edit_header_at(p, COUNT(want), &name, &value));
	assert_false(edit_header_at(p, UINT32_MAX, &name, &value));
	assert_null(edit_header(p, "Gone", 1));
	assert_null(edit_header(p, "A", 0));
	assert_null(edit_header(p, "A", 3));
	arena_destroy(&arena);
}

static const struct left_case {
	const char *given[4];
	struct wish wishes[4];
	bool none;
} lefts[] = {
	{ { "a@x" }, { { 0 } }, false },
	{ { NULL }, { UNRCPT("p", "a@x") }, false },
	{ { "a@x" }, { UNRCPT("p", "a@x") }, true },
	{ { "<A@X>" }, { UNRCPT("p", "a@x") }, true },
	{ { "a@x", "b@x" }, { UNRCPT("p", "a@x") }, false },
	{ { "a@x", "b@x" }, { UNRCPT("p", "b@x"), UNRCPT("q", "a@x") }, true },
	{ { "a@x" }, { UNRCPT("p", "a@x"), RCPT("p", "c@x", NULL) }, false },
	{ { "a@x" }, { UNRCPT("p", "a@x"), RCPT("p", "a@x", NULL) }, false },
	{ { "a@x" }, { RCPT("p", "a@x", NULL), UNRCPT("p", "a@x") }, true },
	{ { "a@x" }, { UNRCPT("p", "a@y") }, false },
};

static void
test_nobody_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lefts); i++) {
		struct arena *arena = arena_create(256);
		struct edit_plan *p = edit_create(arena);
		const char *why;

		for (size_t k = 0; lefts[i].wishes[k].by != NULL; k++)
			assert_true(do_wish(p, &lefts[i].wishes[k], &why));
		assert_int_equal(
		    edit_leaves_no_recipient(p, lefts[i].given), lefts[i].none);
		arena_destroy(&arena);
	}
}

static void
test_copies(void **state)
{
	struct arena *arena = arena_create(256);
	struct edit_plan *p = edit_create(arena);
	char name[] = "Name", value[] = "value", body[] = "body";
	const struct edit *edits;
	const char *why;

	(void)state;
	edit_original(p, name, value);
	assert_true(edit_add(p, "p", name, value, &why));
	assert_true(edit_sender(p, "p", name, value, &why));
	assert_true(edit_body(p, "p", body, 4, &why));
	memset(name, 'x', 4);
	memset(value, 'x', 5);
	memset(body, 'x', 4);
	assert_string_equal(edit_header(p, "Name", 1), "value");
	assert_int_equal(edit_finish(p, &edits), 3);
	assert_string_equal(describe(arena, edits, 3),
	    "p: add Name =value\np: sender Name =value\np: body body\n");
	arena_destroy(&arena);
}

/*
 * A sender chooses how many fields there are.  With steps that cost as much
 * as the fields before them this would take hours.
 */
static void
test_many_fields(void **state)
{
	enum { MANY = 200000 };
	struct arena *arena = arena_create(4096);
	struct edit_plan *p = edit_create(arena);
	const char *why, *name, *value;
	const struct edit *edits;
	char text[32];
	uint32_t n = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "N%06d", i); /* sorted */
		edit_original(p, i % 2 == 0 ? "Same" : text, " v");
	}
	while (edit_header(p, "same", n + 1) != NULL)
		n++;
	assert_int_equal(n, MANY / 2);
	for (uint32_t i = 0; edit_header_at(p, i, &name, &value); i++)
		if (i % 2 == 1)
			assert_true(edit_change(p, "p", name, 1, "x", &why));
	for (int i = 0; i < MANY; i++)
		assert_true(edit_header_at(
		    p, i % 2 == 0 ? 0 : MANY - 1, &name, &value));
	for (; n > 0; n--)
		assert_true(edit_delete(p, "q", "Same", n, &why));
	assert_int_equal(edit_finish(p, &edits), MANY);
	assert_string_equal(edits[MANY - 1].name, "Same");
	assert_int_equal(edits[MANY - 1].index, 1);
	arena_destroy(&arena);
}

static void
test_many_conflicts(void **state)
{
	struct arena *arena = arena_create(256);
	struct edit_plan *p = edit_create(arena);
	const char *why, *const *lines;
	char name[16];

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "X%d", i);
		assert_true(edit_add(p, "p", name, "v", &why));
		assert_true(edit_delete(p, "q", name, 1, &why));
	}
	assert_int_equal(edit_conflicts(p, &lines), 64);
	assert_string_equal(lines[0], "q deleted X0 after p");
	assert_string_equal(lines[63], "q deleted X63 after p");
	arena_destroy(&arena);
}

/* xorshift: the same scripts on every machine. */
static uint8_t
random_byte(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint8_t)(*seed >> 32);
}

/* Short texts out of few letters, so that values and names meet again. */
static size_t
random_script(uint64_t *seed, uint8_t *script, size_t size)
{
	size_t n = 0, length = 20 + random_byte(seed);

	while (n < length && n + 8 < size) {
		script[n++] = random_byte(seed);
		script[n++] = random_byte(seed) % 8;
		script[n++] = random_byte(seed) % 5;
		for (int k = random_byte(seed) % 3; k > 0; k--)
			script[n++] =
			    (uint8_t) " \tab\n"[random_byte(seed) % 5];
		script[n++] = 0xff;
	}
	return n;
}

static void
test_random(void **state)
{
	uint64_t seed = 88172645463325252u;
	uint8_t script[512];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = random_script(&seed, script, sizeof(script));
		const char *fault = editmodel_script(script, n);

		if (fault != NULL)
			fail_msg("script %d: %s", i, fault);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_nobody_left),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_many_fields),
		cmocka_unit_test(test_many_conflicts),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
