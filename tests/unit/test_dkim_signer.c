/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin as a whole: whose mail it signs, with which keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "dkim_world.h"

struct table {
	char folder[64], path[96];
};

static void
save(const struct table *t, const char *name, const char *text, size_t n)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	assert_non_null(out = fopen(path, "w"));
	assert_int_equal(fchmod(fileno(out), 0600), 0);
	assert_int_equal(fwrite(text, 1, n, out), n);
	fclose(out);
}

static void
save_new_key(const struct table *t, const char *name,
    enum signature_algorithm algorithm, unsigned bits, char *public)
{
	struct key k;
	char *pem;
	size_t n;

	assert_true(key_generate(algorithm, bits, &k));
	assert_non_null(pem = key_pem(&k, &n));
	save(t, name, pem, n);
	if (public != NULL)
		snprintf(public, RECORD_KEY_BYTES + 1, "%s", k.public);
	free(pem);
	key_finish(&k);
}

static void
make_table(struct table *t, const char *text)
{
	snprintf(t->folder, sizeof(t->folder), "/tmp/millrace-dkim-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/table", t->folder);
	save(t, "table", text, strlen(text));
}

static void
remove_table(const struct table *t)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", t->folder);
	assert_int_equal(system(command), 0);
}

static void
sign_example(struct fake *f, const char *login)
{
	fake_forget(f);
	f->client.login = login;
	send_example(f, 0, RFC_BODY);
	assert_int_equal(fake_eom(f), MR_CONTINUE);
	assert_false(fake_did(f, "misbehaves"));
}

#define SIGNED_RSA "symbol DKIM_SIGNED 0.00 d=football.example.com s=r a=rsa"
#define SIGNED_ED                                                              \
	"symbol DKIM_SIGNED 0.00 d=football.example.com s=e "                  \
	"a=ed25519-sha256\n"

static void
test_signing(void **state)
{
	struct table t;
	struct fake f;

	(void)state;
	make_table(&t, "football.example.com r r.key\n"
		       "football.example.com e e.key\n");
	save_new_key(&t, "r.key", ALGORITHM_RSA_SHA256, 1024, NULL);
	save_new_key(&t, "e.key", ALGORITHM_ED25519, 0, NULL);
	start(&f);
	fake_set(&f, "sign", "true");
	fake_set(&f, "keys", t.path);
	fake_set(&f, "sign-clients", "198.51.100.0/24");
	assert_true(fake_open(&f));
	assert_true(fake_did(&f, "log warn "));
	assert_int_equal(f.plan.actions, MR_ACTION_ADD_HEADER);
	/* A stranger's mail is not signed. */
	sign_example(&f, NULL);
	assert_string_equal(fake_transcript(&f), "");
	sign_example(&f, "joe");
	assert_true(fake_did(&f, SIGNED_RSA));
	assert_true(fake_did(&f, SIGNED_ED));
	assert_true(
	    fake_did(&f, "insert_header DKIM-Signature: v=1; a=rsa-sha256; "
			 "c=relaxed/relaxed;"));
	/* Nothing is asked while there is nothing to choose. */
	assert_string_equal(world.asked, "");
	f.client.addr = "198.51.100.7";
	sign_example(&f, NULL);
	assert_true(fake_did(&f, SIGNED_RSA));
	fake_finish(&f);
	remove_table(&t);
}

static void
test_what_is_not_signed(void **state)
{
	static const struct {
		unsigned parts;
		const char *from, *body, *want;
	} rows[] = {
		{ TWO_FROM, NULL, RFC_BODY,
		    "symbol DKIM_UNSIGNED 0.00 there are several From "
		    "fields\n" },
		{ 0, NULL, "a\nb\r\n",
		    "symbol DKIM_UNSIGNED 0.00 the body has line ends other "
		    "than CRLF\n" },
	};
	struct table t;
	struct fake f;

	(void)state;
	make_table(&t, "* e e.key d=football.example.com\n");
	save_new_key(&t, "e.key", ALGORITHM_ED25519, 0, NULL);
	start(&f);
	fake_set(&f, "sign", "true");
	fake_set(&f, "keys", t.path);
	assert_true(fake_open(&f));
	f.client.login = "joe";
	for (size_t i = 0; i < COUNT(rows); i++) {
		fake_forget(&f);
		send_example(&f, rows[i].parts, rows[i].body);
		assert_int_equal(fake_eom(&f), MR_CONTINUE);
		assert_true(fake_did(&f, rows[i].want));
		assert_false(fake_did(&f, "insert_header"));
	}
	fake_finish(&f);
	remove_table(&t);
}

static void
test_selection_by_sender_and_login(void **state)
{
	static const struct {
		const char *select, *login, *want;
	} rows[] = {
		{ "sender", "x", "symbol DKIM_SIGNED 0.00 d=sender.example" },
		{ "login", "alice", "symbol DKIM_SIGNED 0.00 d=login.example" },
		{ "login", "carol@Login.Example",
		    "symbol DKIM_SIGNED 0.00 d=login.example" },
		{ "from", "alice", "symbol DKIM_SIGNED 0.00 d=author.example" },
	};
	struct table t;
	struct fake f;

	(void)state;
	make_table(&t, "football.example.com e e.key d=author.example\n"
		       "joe@football.example.com e e.key d=sender.example\n"
		       "alice e e.key d=login.example\n"
		       "login.example e e.key d=*\n");
	save_new_key(&t, "e.key", ALGORITHM_ED25519, 0, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		start(&f);
		fake_set(&f, "sign", "true");
		fake_set(&f, "keys", t.path);
		fake_set(&f, "select", rows[i].select);
		assert_true(fake_open(&f));
		sign_example(&f, rows[i].login);
		/* The exact address is the more exact one, for From too. */
		if (strcmp(rows[i].select, "from") == 0)
			assert_true(fake_did(&f, "symbol DKIM_SIGNED 0.00 "
						 "d=sender.example"));
		else if (!fake_did(&f, rows[i].want))
			fail_msg("%s: %s", rows[i].select, fake_transcript(&f));
		fake_finish(&f);
	}
	remove_table(&t);
}

/* A new key waits until it has been seen for its TTL. */
static void
test_rotation(void **state)
{
	char public[RECORD_KEY_BYTES + 1], record_text[1400], seen[64];
	const char *name = "new._domainkey.football.example.com";
	struct table t;
	struct fake f;

	(void)state;
	make_table(&t, "football.example.com old old.key\n"
		       "football.example.com new new.key\n");
	save_new_key(&t, "old.key", ALGORITHM_ED25519, 0, NULL);
	save_new_key(&t, "new.key", ALGORITHM_ED25519, 0, public);
	record_write(record_text, sizeof(record_text), true, public, false);
	start(&f);
	fake_set(&f, "sign", "true");
	fake_set(&f, "keys", t.path);
	fake_set(&f, "publish-wait", "60s");
	assert_true(fake_open(&f));
	/* It is not there. */
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=old"));
	assert_string_equal(
	    world.fetched, "new._domainkey.football.example.com ");
	assert_string_equal(world.stored, "");
	/* It is there now: that is written down. */
	publish_at(0, name, record_text);
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=old"));
	assert_non_null(strstr(world.stored, " 300"));
	/* It was there all the time. */
	rotate_write(world.stored, sizeof(world.stored), time(NULL) - 301, 300);
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=new"));
	/* No answer is no news; another key there is. */
	world.names[0].text = NULL;
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=new"));
	world.names[0].text = RFC_ED25519_RECORD;
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=old"));
	/* Without the store each worker remembers for itself. */
	world.store_is_down = true;
	world.names[0].text = record_text;
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=old"));
	snprintf(seen, sizeof(seen), "%s", world.stored);
	atomic_store(((struct dkim *)f.ctx.self)->seen + 1, time(NULL) - 301);
	sign_example(&f, "joe");
	assert_true(fake_did(
	    &f, "symbol DKIM_SIGNED 0.00 d=football.example.com s=new"));
	assert_string_equal(seen, world.stored);
	fake_finish(&f);
	remove_table(&t);
}

/* --- options --- */

static const struct bad {
	const char *about;
	struct {
		const char *name, *text;
	} set[3];
	const char *want;
} bad_options[] = {
	{ "no table", { { "sign", "true" } },
	    "config_error keys: sign = true needs a key table" },
	{ "no such table", { { "sign", "true" }, { "keys", "/nowhere/keys" } },
	    "config_error keys: /nowhere/keys: No such file or directory" },
	{ "a name that is none", { { "sign", "true" }, { "oversign", "a:" } },
	    "config_error oversign: \"a:\" is not a field name" },
	{ "a field that changes",
	    { { "sign", "true" }, { "sign-headers", "Received" } },
	    "config_error sign-headers: \"Received\" changes on the way" },
	{ "a field twice",
	    { { "sign", "true" }, { "oversign", "To" }, { "oversign", "to" } },
	    "config_error oversign: \"to\" stands there twice" },
};

static void
test_bad_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_options); i++) {
		const struct bad *b = &bad_options[i];
		struct fake f;

		start(&f);
		for (int k = 0; k < 3 && b->set[k].name != NULL; k++)
			fake_set(&f, b->set[k].name, b->set[k].text);
		assert_false(fake_open(&f));
		if (!fake_did(&f, b->want))
			fail_msg("%s: %s", b->about, fake_transcript(&f));
		fake_finish(&f);
	}
}

static void
test_services(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_dkim);
	fake_service(&f, MR_DNS_SERVICE, NULL);
	assert_false(fake_open(&f));
	assert_true(fake_did(
	    &f, "config_error instance: this daemon has no service dns/1\n"));
	fake_finish(&f);
}

static void
test_signed_names(void **state)
{
	struct table t;
	struct fake f;
	const struct dkim *k;

	(void)state;
	make_table(&t, "example.com e e.key\n");
	save_new_key(&t, "e.key", ALGORITHM_ED25519, 0, NULL);
	start(&f);
	fake_set(&f, "sign", "true");
	fake_set(&f, "keys", t.path);
	fake_set(&f, "sign-headers", "Subject");
	fake_set(&f, "oversign", "to");
	fake_set(&f, "canonicalization", "relaxed/simple");
	assert_true(fake_open(&f));
	k = f.ctx.self;
	assert_string_equal(k->rules.headers[0], "From");
	assert_string_equal(k->rules.headers[1], "Subject");
	assert_string_equal(k->rules.headers[2], "to");
	assert_null(k->rules.headers[3]);
	assert_true(sign_lists(k->rules.oversigned, "From"));
	assert_true(sign_lists(k->rules.oversigned, "To"));
	assert_true(k->rules.relaxed_header);
	assert_false(k->rules.relaxed_body);
	fake_finish(&f);
	remove_table(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_what_is_not_signed),
		cmocka_unit_test(test_selection_by_sender_and_login),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_signed_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
