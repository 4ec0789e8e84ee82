/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/ratelimit/key.c"

/* A message: what is "later" there is not known yet. */
struct message {
	const char *client, *login, *sender, *recipient, *header;
	void *kept[200];
	size_t nkept;
};

static enum key_state
fact(void *arg, enum key_fact which, const char *name, const char **value)
{
	const struct message *m = arg;
	const char *text = NULL;

	switch (which) {
	case KEY_CLIENT:
		text = m->client;
		break;
	case KEY_LOGIN:
		text = m->login;
		break;
	case KEY_SENDER:
		text = m->sender;
		break;
	case KEY_RECIPIENT:
		text = m->recipient;
		break;
	case KEY_HEADER:
		text = strcmp(name, "X-Tenant") == 0 ? m->header : NULL;
		break;
	case KEY_MACRO:
		text = strcmp(name, "{auth_authen}") == 0 ? m->login : NULL;
		break;
	default:
		break;
	}
	if (text != NULL && strcmp(text, "later") == 0)
		return KEY_LATER;
	*value = text;
	return KEY_VALUE;
}

static const char *
table(void *arg, enum key_table which, const char *text)
{
	static const char *const names[] = { "map", "tenants", "plans" };

	(void)arg;
	return strcmp(text, "alice@example.com") == 0 ? names[which] : NULL;
}

static void *
take(void *arg, size_t n)
{
	struct message *m = arg;

	assert_true(m->nkept < 200);
	return m->kept[m->nkept++] = calloc(1, n);
}

/* "-": no value; "...": later; "?...": the complaint begins so. */
static const struct row {
	const char *expression, *want;
	const char *client, *login, *sender, *recipient, *header;
} rows[] = {
	{ "login", "Alice@Example.com", .login = "Alice@Example.com" },
	{ "{auth_authen}", "bob", .login = "bob" },
	{ "{auth_authen}", "-", .login = NULL },
	{ "{auth_authen}", "-", .login = "" },
	{ "lower({auth_authen})", "alice", .login = "ALICE" },
	{ " lower( login ) ", "alice", .login = "ALICE" },
	{ "domain(sender)", "example.com", .sender = "a@b@Example.COM" },
	{ "domain(sender)", "-", .sender = "alice" },
	{ "local(sender)", "a@b", .sender = "a@b@example.com" },
	{ "local(sender)", "alice", .sender = "alice" },
	{ "untag(sender)", "a@example.com", .sender = "a+tag@example.com" },
	{ "untag(sender)", "a", .sender = "a+b" },
	{ "untag(sender)", "a@ex+y", .sender = "a@ex+y" },
	{ "untag(sender)", "+a@example.com", .sender = "+a@example.com" },
	{ "net(client, 24, 64)", "192.0.2.0/24", .client = "192.0.2.77" },
	{ "net(client,32,64)", "192.0.2.77", .client = "192.0.2.77" },
	{ "net(client,0,0)", "0.0.0.0/0", .client = "192.0.2.77" },
	{ "net(client,25,64)", "192.0.2.128/25", .client = "192.0.2.200" },
	{ "net(client,24,64)", "2001:db8:1:2::/64",
	    .client = "2001:db8:1:2:3::4" },
	{ "net(client,24,57)", "2001:db8:1:80::/57",
	    .client = "2001:db8:1:ff:3::4" },
	{ "net(client,24,64)", "local", .client = "local" },
	{ "'server'", "server", .client = NULL },
	{ "'a' '/' 'b'", "a/b", .client = NULL },
	{ "domain(sender)'/'net(client,24,64)", "example.com/192.0.2.0/24",
	    .sender = "a@example.com", .client = "192.0.2.1" },
	{ "domain(sender) '/' login", "-", .sender = "a@example.com" },
	{ "before(header(X-Tenant), ':')", "1001", .header = "1001:x.php" },
	{ "before(header(X-Tenant), ':')", "1001", .header = "1001" },
	{ "after(header(X-Tenant), ':')", "x.php", .header = "1001:x.php" },
	{ "after(header(X-Tenant), ':')", "-", .header = "1001" },
	{ "header(X-Tenant)", "...", .header = "later" },
	{ "'a' header(X-Tenant)", "...", .header = "later" },
	{ "first(login, header(X-Tenant))", "bob", .login = "bob",
	    .header = "later" },
	{ "first(login, header(X-Tenant))", "...", .header = "later" },
	{ "first(login, header(X-Tenant), 'none')", "none", .client = NULL },
	{ "lower(first(login, sender))", "a@b", .sender = "A@B" },
	{ "domain(recipient)", "...", .recipient = "later" },
	{ "tenant(login)", "tenants", .login = "alice@example.com" },
	{ "plan(login)", "plans", .login = "alice@example.com" },
	{ "map(login)", "map", .login = "alice@example.com" },
	{ "map(login)", "-", .login = "bob" },
	{ "first(map(login), 'x')", "x", .login = "bob" },
	{ "", "?an expression is missing", .client = NULL },
	{ "lower()", "?an expression is missing", .client = NULL },
	{ "lower(login", "?a ) is missing", .client = NULL },
	{ "lower login", "?a function is written with", .client = NULL },
	{ "login)", "?there is something after", .client = NULL },
	{ "login, sender", "?there is something after", .client = NULL },
	{ "lower(login, sender)", "?a ) is missing", .client = NULL },
	{ "nobody", "?there is no such name", .client = NULL },
	{ "$x", "?there is no such name", .client = NULL },
	{ "'open", "?the closing '", .client = NULL },
	{ "''", "?a text between '' is empty", .client = NULL },
	{ "{open", "?a macro is written", .client = NULL },
	{ "{}", "?a macro is written", .client = NULL },
	{ "net(client)", "?net needs two", .client = NULL },
	{ "net(client, 24)", "?net needs two", .client = NULL },
	{ "net(client, 33, 64)", "?a prefix length", .client = NULL },
	{ "net(client, 24, 129)", "?a prefix length", .client = NULL },
	{ "net(client, 24, 1000)", "?net needs two", .client = NULL },
	{ "before(login)", "?an argument is missing", .client = NULL },
	{ "before(login, x)", "?the second argument", .client = NULL },
	{ "before(login, '')", "?the second argument", .client = NULL },
	{ "header()", "?a name is missing", .client = NULL },
	{ "lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower("
	  "lower(lower(login)))))))))))))",
	    "?the expression is nested", .client = NULL },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct message m = { r->client, r->login, r->sender,
			r->recipient, r->header, { NULL }, 0 };
		const struct key_source source = { &m, fact, table, take };
		const char *got = NULL, *why;
		char text[300];
		struct key key;

		if ((why = key_parse(&key, r->expression)) != NULL) {
			snprintf(text, sizeof(text), "?%s", why);
			got = text;
		} else if (key_eval(&key, &source, &got) != KEY_VALUE) {
			got = key_eval(&key, &source, &got) == KEY_LATER ? "..."
									 : "-";
		}
		if (r->want[0] == '?'
			? strncmp(got, r->want, strlen(r->want)) != 0
			: strcmp(got, r->want) != 0)
			fail_msg("%s: \"%s\", want \"%s\"", r->expression, got,
			    r->want);
		while (m.nkept > 0)
			free(m.kept[--m.nkept]);
	}
}

static void
note(void *arg, enum key_fact which, const char *name)
{
	char *out = arg;

	snprintf(out + strlen(out), 200 - strlen(out), "%d%s ", which, name);
}

static void
test_what_it_needs(void **state)
{
	char out[200] = "";
	struct key key;

	(void)state;
	assert_null(key_parse(&key,
	    "first(tenant({auth_authen}), header(X-A), note(n.x), client)"));
	key_facts(&key, note, out);
	/* A fact without a name bears the text at 0: its kind alone counts. */
	assert_non_null(strstr(out, "6{auth_authen} 7X-A 8n.x 1"));
	assert_true(key_uses(&key, KEY_TENANTS));
	assert_false(key_uses(&key, KEY_MAP));
	assert_true(key_uses_notes(&key));
}

static void
test_spelling(void **state)
{
	static const struct {
		const char *in, *want;
	} spelt[] = {
		{ "alice@example.com", "alice@example.com" },
		{ "a b", "a%20b" },
		{ "100%", "100%25" },
		{ "a\r\nDEL", "a%0D%0ADEL" },
		{ "\xc3\xa4@example.com", "%C3%A4@example.com" },
	};
	char out[KEY_VALUE_BYTES + 1], other[KEY_VALUE_BYTES + 1];
	char longest[1000];

	(void)state;
	for (size_t i = 0; i < COUNT(spelt); i++) {
		key_spell(out, spelt[i].in);
		assert_string_equal(out, spelt[i].want);
	}
	memset(longest, 'a', sizeof(longest));
	longest[999] = '\0';
	key_spell(out, longest);
	longest[998] = 'b';
	key_spell(other, longest);
	assert_true(strlen(out) <= KEY_VALUE_BYTES);
	assert_string_not_equal(out, other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_what_it_needs),
		cmocka_unit_test(test_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
