/* SPDX-License-Identifier: Apache-2.0 */
/* What a config file is read as, and how it is printed. */
#include "test_config.h"

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/map.h"

static void
test_defaults(void **state)
{
	struct config *c = must_load(MX "alpha a {}\n");
	const struct alpha *a = c->instances[0].conf;
	const struct config_common *m = &c->instances[0].common;

	(void)state;
	assert_string_equal(c->globals.user, "millrace");
	assert_null(c->globals.group);
	assert_null(c->globals.pid_file);
	assert_string_equal(c->globals.run_dir, "/run/millrace");
	assert_string_equal(c->globals.spool_dir, "/var/spool/millrace");
	assert_string_equal(c->globals.plugin_dir, MR_PLUGINDIR);
	assert_string_equal(c->globals.journal, "/var/lib/millrace/journal.db");
	assert_int_equal(c->globals.workers, 0);
	assert_int_equal(c->globals.threads, 64);
	assert_int_equal(c->globals.worker_memory, 512 << 20);
	assert_int_equal(c->globals.crash_limit, 3);
	assert_int_equal(c->globals.crash_within, 60000);
	assert_int_equal(c->globals.stop_limit, 30000);
	assert_int_equal(c->globals.spool_above, 4 << 20);
	assert_int_equal(c->globals.journal_days, 30);
	assert_int_equal(c->globals.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->globals.log_target, LOG_TARGET_STDERR);
	assert_int_equal(c->globals.log_format, LOG_FORMAT_TEXT);
	assert_int_equal(c->listeners[0].mode, 0660);
	assert_int_equal(c->listeners[0].auth_results, AUTH_RESULTS_AUTO);
	assert_null(c->listeners[0].authserv_id);
	assert_int_equal(m->mode, MODE_ENFORCE);
	assert_int_equal(m->on_error, ON_ERROR_TEMPFAIL);
	assert_int_equal(m->authenticated, AUTHENTICATED_ANY);
	assert_int_equal(m->deadline, 3000);
	assert_int_equal(m->eom_deadline, 60000);
	assert_null(m->clients);
	assert_false(a->sign);
	assert_int_equal(a->count, 7);
	assert_int_equal(a->wait, 90 * 60000);
	assert_int_equal(a->room, 1536 * 1024);
	assert_int_equal(a->action, 1);
	assert_true(a->score == 2.5);
	assert_string_equal(a->reply, "go away");
	assert_null(a->unset);
	assert_int_equal(a->words->count, 2);
	assert_string_equal(a->words->items[0], "one");
	assert_string_equal(a->words->items[1], "two words");
	assert_int_equal(a->more->count, 0);
	assert_null(a->keys);
	config_destroy(&c);
	assert_null(c);
}

static const char full[] =
    "\xef\xbb\xbf# a comment\r\n"
    "journal = \"\" // none\n"
    "log-level = debug log-target=syslog log-format = json\n"
    "/* two\n lines */ workers = 4 worker-memory = 1G\n"
    "listener \"mx\" {\n"
    "\tsocket = \"inet:8891@127.0.0.1\" # here too\n"
    "\tchain  = { \"a\", # and in a list\n \"b\", d, }\n"
    "\tauthentication-results = off authserv-id = mx.example.com\n"
    "}\n"
    "listener \"submission\" { socket = unix:/run/x.sock mode = \"0600\"\n"
    "\tchain = a group = root owner = root }\n"
    "alpha \"a\" {\n"
    "\tmode = observe\n"
    "\tsign = YES\n"
    "\tcount = -5 wait = 300ms room = 100 score = -1e-3\n"
    "\taction = drop\n"
    "\treply = \"550 5.7.1 a\\\"b\\\\ ${HOME} \\\n"
    "c\\x41\\n\"\n"
    "\tunset = 'x\\d\\'y'\n"
    "\twords = { }\n"
    "\tmore = single\n"
    "\tkeys = { \"192.0.2.0/24 net\", \"user@example.com\", \"*\" }\n"
    "\tclients = { \"198.51.100.0/24\", .example.net }\n"
    "\tdeadline = 10ms eom-deadline = 4m\n"
    "}\n"
    "beta \"b\" { on-error = continue authenticated = no mode = off }\n"
    "delta \"d\" { senders = @example.com }\n";

static void
check_full(const struct config *c)
{
	const struct alpha *a = c->instances[0].conf;
	struct arena *arena = arena_create(256);

	assert_null(c->globals.journal);
	assert_int_equal(c->globals.workers, 4);
	assert_int_equal(c->globals.worker_memory, 1 << 30);
	assert_int_equal(c->globals.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->globals.log_target, LOG_TARGET_SYSLOG);
	assert_int_equal(c->globals.log_format, LOG_FORMAT_JSON);
	assert_int_equal(c->nlisteners, 2);
	assert_string_equal(c->listeners[0].name, "mx");
	assert_int_equal(c->listeners[0].chain->count, 3);
	assert_string_equal(c->listeners[0].chain->items[1], "b");
	assert_string_equal(c->listeners[0].authserv_id, "mx.example.com");
	assert_int_equal(c->listeners[0].auth_results, AUTH_RESULTS_OFF);
	assert_int_equal(c->listeners[1].mode, 0600);
	assert_string_equal(c->listeners[1].owner, "root");
	assert_int_equal(c->ninstances, 3);
	assert_int_equal(c->instances[0].common.mode, MODE_OBSERVE);
	assert_int_equal(c->instances[0].common.deadline, 10);
	assert_int_equal(c->instances[0].common.eom_deadline, 240000);
	assert_true(a->sign);
	assert_int_equal(a->count, -5);
	assert_int_equal(a->wait, 300);
	assert_int_equal(a->room, 100);
	assert_int_equal(a->action, 2);
	assert_true(a->score == -1e-3);
	assert_string_equal(a->reply, "550 5.7.1 a\"b\\ ${HOME} cA\n");
	assert_string_equal(a->unset, "x\\d'y");
	assert_int_equal(a->words->count, 0);
	assert_int_equal(a->more->count, 1);
	assert_string_equal(a->more->items[0], "single");
	assert_string_equal(
	    map_client((const struct map *)a->keys, arena, "192.0.2.9"), "net");
	assert_non_null(map_address(
	    (const struct map *)a->keys, arena, "user@example.com"));
	assert_non_null(
	    map_client((const struct map *)c->instances[0].common.clients,
		arena, "198.51.100.3"));
	assert_int_equal(c->instances[1].common.on_error, ON_ERROR_CONTINUE);
	assert_int_equal(
	    c->instances[1].common.authenticated, AUTHENTICATED_NO);
	assert_string_equal(c->instances[1].plugin, "beta");
	assert_ptr_equal(c->instances[1].schema, &plugins[1]);
	assert_non_null(c->instances[2].common.senders);
	arena_destroy(&arena);
}

/* Whichever of the plugins it is that has run before. */
static void
test_needs_one_of(void **state)
{
	struct config *c =
	    must_load("listener l { socket = unix:/s chain = { d, e, a } }\n"
		      "alpha a {}\ndelta d {}\nepsilon e {}");

	(void)state;
	config_destroy(&c);
}

static void
test_full(void **state)
{
	struct config *c = must_load(full);
	struct config_place p;

	(void)state;
	check_full(c);
	assert_int_equal(c->listeners[1].place.line, 12);
	p = config_option_place(c, &c->instances[0], "action");
	assert_int_equal(p.line, 18);
	assert_string_equal(p.file, "t.conf");
	p = config_option_place(c, &c->instances[0], "eom-deadline");
	assert_int_equal(p.line, 26);
	p = config_option_place(c, &c->instances[1], "deadline");
	assert_int_equal(p.line, 28);
	config_refresh_maps(c);
	config_destroy(&c);
}

/* What is printed reads as the same again. */
static void
test_print(void **state)
{
	struct config *c = must_load(full), *again;
	struct buf first = { 0 }, second = { 0 }, json = { 0 }, other = { 0 };

	(void)state;
	config_print(c, &first, true);
	assert_non_null(strstr(first.p, "# How many processes run plugins;"));
	assert_non_null(strstr(first.p, "\nworkers = 4\n"));
	assert_non_null(strstr(first.p, "\nthreads = 64 # default\n"));
	assert_non_null(strstr(first.p, "\njournal = \"\"\n"));
	assert_non_null(strstr(first.p, "\n# pid-file = \"\" # not set\n"));
	assert_non_null(strstr(first.p, "\teom-deadline = 4m\n"));
	assert_non_null(strstr(first.p,
	    "\t# duration, 10ms to 5s; default 3s\n\tdeadline = 10ms\n"));
	again = must_load(first.p);
	check_full(again);
	config_print(again, &second, false);
	assert_null(strstr(second.p, "How many processes"));
	config_destroy(&c);
	c = must_load(second.p);
	check_full(c);
	config_print_json(again, &json);
	config_print_json(c, &other);
	config_destroy(&c);
	config_destroy(&again);
	buf_finish(&first);
	buf_finish(&second);
	buf_finish(&json);
	buf_finish(&other);
}

static const cJSON *
item(const cJSON *j, const char *option)
{
	const cJSON *o =
	    cJSON_GetObjectItem(cJSON_GetObjectItem(j, "options"), option);

	assert_non_null(o);
	return cJSON_GetObjectItem(o, "value");
}

static void
test_json(void **state)
{
	struct config *c = must_load(full);
	struct buf out = { 0 };
	const cJSON *a, *l;
	cJSON *j;

	(void)state;
	config_print_json(c, &out);
	j = cJSON_Parse(out.p);
	assert_non_null(j);
	assert_int_equal(item(j, "workers")->valueint, 4);
	assert_true(cJSON_IsNull(item(j, "journal")));
	assert_string_equal(item(j, "log-level")->valuestring, "debug");
	l = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "listeners"), 1);
	assert_string_equal(item(l, "mode")->valuestring, "0600");
	a = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "instances"), 0);
	assert_string_equal(
	    cJSON_GetObjectItem(a, "plugin")->valuestring, "alpha");
	assert_int_equal(cJSON_GetObjectItem(a, "line")->valueint, 14);
	assert_true(cJSON_IsTrue(item(a, "sign")));
	assert_int_equal(item(a, "deadline")->valueint, 10);
	assert_int_equal(cJSON_GetArraySize(item(a, "keys")), 3);
	assert_int_equal(cJSON_GetArraySize(item(a, "words")), 0);
	cJSON_Delete(j);
	buf_finish(&out);
	config_destroy(&c);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static char *
load_dir(const char *dir, struct config **c)
{
	char path[256], *why = NULL;

	snprintf(path, sizeof(path), "%s/main.conf", dir);
	*c = config_load(path, plugins, NPLUGINS, &why);
	return why;
}

static void
want(const char *text, const char *dir, const char *rest)
{
	char line[512];

	assert_non_null(text);
	snprintf(line, sizeof(line), "%s/%s", dir, rest);
	if (strstr(text, line) == NULL)
		fail_msg("%s\nis not told in\n%s", line, text);
}

static void
test_include(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	struct config *c;
	char *why;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "main.conf",
	    "# main\n\ninclude(\"one.conf\") workers = 3\n" MX
	    "\ninclude ( two.conf )\nthreads = 2\n");
	write_file(dir, "one.conf", "# one\n# two\nalpha \"a\" {\n}\n");
	write_file(dir, "two.conf", "/*\n*/ log-level = warn");
	assert_null(load_dir(dir, &c));
	assert_non_null(c);
	assert_int_equal(c->globals.workers, 3);
	assert_int_equal(c->globals.threads, 2);
	assert_int_equal(c->globals.log_level, LOG_LEVEL_WARN);
	want(c->instances[0].place.file, dir, "one.conf");
	assert_int_equal(c->instances[0].place.line, 3);
	config_destroy(&c);

	write_file(dir, "one.conf", "\n\nalpha \"a\" {\n sgn = 1\n}\n");
	write_file(dir, "two.conf", "# x\nworkers = 5\nlog-level = wrn\n");
	why = load_dir(dir, &c);
	assert_null(c);
	want(why, dir, "one.conf:4: alpha \"a\": unknown option \"sgn\"");
	want(why, dir, "two.conf:2: workers is said twice");
	want(why, dir, "two.conf:3: log-level: \"wrn\"");
	free(why);

	write_file(dir, "two.conf", "# x\n\n\nalpha b { = }\n");
	why = load_dir(dir, &c);
	want(why, dir, "two.conf:4: unexpected token '='");
	free(why);

	write_file(dir, "two.conf", "\ninclude(\"main.conf\")\n");
	why = load_dir(dir, &c);
	want(why, dir, "two.conf:2: ");
	assert_non_null(strstr(why, "main.conf is included twice"));
	free(why);
	remove_file(dir, "two.conf");
	why = load_dir(dir, &c);
	want(why, dir, "main.conf:6: include: ");
	free(why);
	remove_file(dir, "one.conf");
	remove_file(dir, "main.conf");
	rmdir(dir);
}

static void
test_files(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char path[256], *why = NULL;
	struct config *c;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	why = load_dir(dir, &c);
	want(why, dir, "main.conf: No such file");
	free(why);
	snprintf(path, sizeof(path), "%s/main.conf", dir);
	assert_null(config_plugin_dir(path, &why));
	want(why, dir, "main.conf: No such file");
	free(why);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite("user = a\n\0 = b\n", 1, 15, f);
	fclose(f);
	why = load_dir(dir, &c);
	want(why, dir, "main.conf:2: control character");
	free(why);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 200000; i++)
		fputs("# 67890\n", f);
	fclose(f);
	why = load_dir(dir, &c);
	want(why, dir, "main.conf: larger than");
	free(why);
	unlink(path);
	rmdir(dir);
}

static void
test_plugin_dir(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char path[256], *why = NULL, *got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/main.conf", dir);
	/* sections of plugins that nobody knows yet are no error */
	write_file(dir, "main.conf",
	    MX "spf a { x = { 1 } y = 2 }\nworkers = x\nfoo = 1\n"
	       "plugin-dir = \"/opt/p\"\n");
	got = config_plugin_dir(path, &why);
	assert_null(why);
	assert_string_equal(got, "/opt/p");
	free(got);
	write_file(dir, "main.conf", "plugin-dir = { a, b }\n");
	assert_null(config_plugin_dir(path, &why));
	want(why, dir, "main.conf:1: plugin-dir: takes one value");
	free(why);
	write_file(dir, "main.conf", "\nplugin-dir /opt\nuser = x\n");
	assert_null(config_plugin_dir(path, &why));
	want(why, dir, "main.conf:2: missing equal sign");
	free(why);
	unlink(path);
	rmdir(dir);
	got = config_plugin_dir(NULL, &why);
	assert_null(why);
	assert_string_equal(got, MR_PLUGINDIR);
	free(got);
}

/* What stands in conf/millrace.conf, with the plugins that it uses. */
static void
test_built_in(void **state)
{
	static const struct config_plugin used[] = {
		{ .name = "access" },
		{ .name = "dkim" },
		{ .name = "dmarc" },
		{ .name = "headers" },
		{ .name = "spf" },
	};
	char *why = NULL;
	struct config *c = config_load(NULL, used, 5, &why);

	(void)state;
	if (c == NULL)
		fail_msg("%s", why);
	assert_int_equal(c->nlisteners, 1);
	assert_string_equal(c->listeners[0].socket, "inet:8891@127.0.0.1");
	assert_int_equal(c->ninstances, 5);
	for (size_t i = 0; i < c->ninstances; i++)
		assert_int_equal(c->instances[i].common.mode, MODE_OBSERVE);
	assert_string_equal(c->listeners[0].place.file, "built-in");
	config_destroy(&c);
}

/* Every option of our own is fit to be shown to a postmaster. */
static void
test_tables(void **state)
{
	const struct mr_option *tables[] = { config_global_options(),
		config_listener_options(), config_common_options() };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (const struct mr_option *o = tables[i]; o->name; o++) {
			assert_non_null(o->text);
			assert_true(o->text[strlen(o->text) - 1] == '.');
			assert_true(strlen(o->text) < 160);
		}
}

/* Errors in one file leave nothing behind for the next. */
static void
test_again(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct config *c;
		char *why = NULL;

		assert_null(
		    load(MX "alpha a {\n words = { \"x\" \"y\" }", &why));
		free(why);
		why = NULL;
		assert_null(load("user \"x", &why));
		free(why);
		c = must_load(full);
		config_destroy(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_needs_one_of),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_plugin_dir),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
