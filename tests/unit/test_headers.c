/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/headers/field.c"
#include "../../plugins/headers/headers.c"
#include "../../plugins/headers/macros.c"
#include "../../plugins/headers/template.c"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A message with some fields, up to its end. */
static void
run(struct fake *f)
{
	assert_true(fake_open(f));
	fake_forget(f);
	f->client.login = "alice";
	fake_macro(f, "{daemon_name}", "mx");
	fake_macro(f, "i", "4Xk2");
	fake_note(f, "spf.result", "fail");
	fake_connect(f);
	fake_helo(f, "mx.example.org");
	fake_mail(f, "a@example.org");
	f->ctx.queue_id = "4Xk2";
	fake_rcpt(f, "b@example.com");
	fake_rcpt(f, "c@example.com");
	fake_header(f, "Subject", "hello\n there");
	fake_header(f, "X-Spam-Flag", "one");
	fake_header(f, "X-Other", "kept");
	fake_header(f, "x-spam-flag", "two");
	fake_header(f, "X-Spam-Level", "three");
	fake_eoh(f);
	assert_int_equal(fake_eom(f), MR_CONTINUE);
}

static const struct edit_case {
	const char *option, *text, *want;
} edit_cases[] = {
	{ "add", "X-A: {client_addr} {client_name} {helo}",
	    "add_header X-A: 192.0.2.1 client.example.com mx.example.org\n" },
	{ "add", "X-A: <{sender}> {recipients} {login}",
	    "add_header X-A: <a@example.org> b@example.com, c@example.com "
	    "alice\n" },
	{ "add", "X-A: {queue_id} {message_id} {i} {daemon_name}",
	    "add_header X-A: 4Xk2 fake-1 4Xk2 mx\n" },
	{ "add", "X-A: {score} {note:spf.result}",
	    "add_header X-A: 0.00 fail\n" },
	{ "add", "X-A: {note:dkim|none} {tls_version|plain}",
	    "add_header X-A: none plain\n" },
	{ "add", "X-A: {header:subject}", "add_header X-A: hello  there\n" },
	{ "add", "X-A: {note:dkim}", "" },
	{ "add", "X-Spam-Flag: x", "add_header X-Spam-Flag: x\n" },
	{ "insert", "X-A: x", "insert_header X-A: x\n" },
	{ "replace", "X-A: x", "add_header X-A: x\n" },
	{ "replace", "X-Spam-Flag: {header:x-spam-flag}!",
	    "delete_header X-Spam-Flag 2\n"
	    "change_header X-Spam-Flag 1: one!\n" },
	{ "replace", "X-Spam-Flag: {note:dkim}",
	    "delete_header X-Spam-Flag 2\ndelete_header X-Spam-Flag 1\n" },
	{ "remove", "X-Other", "delete_header X-Other 1\n" },
	{ "remove", "x-none", "" },
	{ "remove", "X-Spam-*",
	    "delete_header X-Spam-Flag 2\n"
	    "delete_header X-Spam-Flag 1\n"
	    "delete_header X-Spam-Level 1\n" },
};

static void
test_edits(void **state)
{
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(edit_cases); i++) {
		fake_init(&f, &mr_plugin_headers);
		fake_set(&f, edit_cases[i].option, edit_cases[i].text);
		run(&f);
		/* which spelling of a name is used is left open */
		if (strcasecmp(fake_transcript(&f), edit_cases[i].want) != 0)
			fail_msg("%s\nwant:\n%s", fake_transcript(&f),
			    edit_cases[i].want);
		fake_finish(&f);
	}
}

static void
test_values_before_edits(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_headers);
	fake_set(&f, "remove", "X-Other");
	fake_set(&f, "replace", "Subject: [{header:X-Other}]");
	fake_set(&f, "insert", "X-Was: {header:Subject}");
	run(&f);
	assert_string_equal(fake_transcript(&f),
	    "delete_header X-Other 1\n"
	    "change_header Subject 1: [kept]\n"
	    "insert_header X-Was: hello  there\n");
	fake_finish(&f);
}

static const struct wrong wrongs[] = {
	{ "add", "X-A {sender}", "config_error add: \"X-A {sender}\": not a" },
	{ "add", "X-A:", "config_error add: \"X-A:\": there is no value" },
	{ "insert", "X-A: {sender",
	    "config_error insert: \"X-A: {sender\": the } of a macro is" },
	{ "replace", "X-A: a\r\nb", "config_error replace: " },
	{ "remove", "X-A:", "config_error remove: \"X-A:\": not a field name" },
	{ "remove", "*", "config_error remove: " },
};

static void
test_wrong(void **state)
{
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		fake_init(&f, &mr_plugin_headers);
		fake_set(&f, "add", "X-Good: {sender}");
		wrong_check(&f, &wrongs[i]);
	}
}

static const struct plan_case {
	const char *option, *text;
	uint32_t stages, actions, wants;
	const char *macros;
} plan_cases[] = {
	{ "remove", "X-A", MR_STAGE_EOM, MR_ACTION_CHANGE_HEADER,
	    MR_WANT_HEADERS, "" },
	{ "add", "X-A: {sender}", MR_STAGE_EOM, MR_ACTION_ADD_HEADER, 0, "" },
	{ "add", "X-A: {login} {i}", MR_STAGE_EOM, MR_ACTION_ADD_HEADER, 0,
	    "macros 4 {auth_authen}\nmacros 512 i\n" },
	{ "add", "X-A: {tls_version} {j} {daemon_name}", MR_STAGE_EOM,
	    MR_ACTION_ADD_HEADER, 0,
	    "macros 2 {tls_version}\nmacros 1 j\nmacros 1 {daemon_name}\n" },
	{ "insert", "X-A: {header:To}", MR_STAGE_EOM, MR_ACTION_ADD_HEADER,
	    MR_WANT_HEADERS, "" },
	{ "replace", "X-A: x", MR_STAGE_EOM,
	    MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER, MR_WANT_HEADERS,
	    "" },
};

static void
test_plan(void **state)
{
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(plan_cases); i++) {
		const struct plan_case *c = &plan_cases[i];

		fake_init(&f, &mr_plugin_headers);
		fake_set(&f, c->option, c->text);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.stages, c->stages);
		assert_int_equal(f.plan.actions, c->actions);
		assert_int_equal(f.plan.wants, c->wants);
		assert_string_equal(fake_transcript(&f), c->macros);
		fake_finish(&f);
	}
}

static void
test_nothing_to_do(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_headers);
	assert_true(fake_open(&f));
	assert_int_equal(f.plan.stages | f.plan.actions | f.plan.wants, 0);
	fake_finish(&f);
}

/* Whole addresses, and a sign that there were more. */
static void
test_many_recipients(void **state)
{
	const char *list;
	char address[80];
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_headers);
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	for (int i = 0; i < 60; i++) {
		snprintf(address, sizeof(address), "user%02d@example.com", i);
		fake_rcpt(&f, address);
	}
	list = macros_value(&f.ctx, "recipients");
	assert_true(strlen(list) <= TEMPLATE_VALUE_BYTES);
	assert_true(strlen(list) > TEMPLATE_VALUE_BYTES - 40);
	assert_string_equal(list + strlen(list) - 17, "@example.com, ...");
	fake_finish(&f);
}

static void
test_huge_recipient(void **state)
{
	char address[TEMPLATE_VALUE_BYTES + 1];
	struct fake f;

	(void)state;
	memset(address, 'a', sizeof(address));
	address[sizeof(address) - 1] = '\0';
	fake_init(&f, &mr_plugin_headers);
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	assert_string_equal(macros_value(&f.ctx, "recipients"), "");
	fake_rcpt(&f, address);
	assert_string_equal(macros_value(&f.ctx, "recipients"), "...");
	fake_finish(&f);
}

static void
test_date(void **state)
{
	char day[4], month[4];
	int mday, year, hour, min, sec, zone;
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_headers);
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	assert_int_equal(
	    sscanf(macros_value(&f.ctx, "date"), "%3s, %d %3s %d %d:%d:%d %d",
		day, &mday, month, &year, &hour, &min, &sec, &zone),
	    8);
	assert_true(year >= 2024 && mday >= 1 && mday <= 31);
	fake_finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_values_before_edits),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_huge_recipient),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
