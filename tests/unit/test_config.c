/* SPDX-License-Identifier: Apache-2.0 */
/* What a config file is read as, and what each mistake in it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/map.h"
#include "config/config.h"

struct alpha {
	bool sign;
	int64_t count, wait, room, action;
	double score;
	const char *reply, *unset;
	const struct mr_list *words, *more;
	const struct mr_map *keys;
};

#define A(m, t) MR_OPTION(struct alpha, m, t)

/* A plugin of a later daemon: its rows are longer than ours. */
static const struct {
	struct mr_option o;
	const char *later;
} alpha_options[] = {
	{ { .name = "sign", A(sign, MR_BOOL), .text = "Whether to sign." },
	    "x" },
	{ { .name = "count",
	      A(count, MR_INT),
	      .fallback = "7",
	      .min = -5,
	      .max = INT64_MAX,
	      .text = "How many." },
	    "x" },
	{ { .name = "wait", A(wait, MR_DURATION), .fallback = "90m" }, "x" },
	{ { .name = "room", A(room, MR_SIZE), .fallback = "1536K" }, "x" },
	{ { .name = "action",
	      A(action, MR_CHOICE),
	      .fallback = "tag",
	      .choices = "reject|tag|drop" },
	    "x" },
	{ { .name = "score",
	      A(score, MR_REAL),
	      .fallback = "2.5",
	      .min = -10,
	      .max = 10 },
	    "x" },
	{ { .name = "reply", A(reply, MR_STRING), .fallback = "go away" },
	    "x" },
	{ { .name = "unset", A(unset, MR_STRING) }, "x" },
	{ { .name = "words",
	      A(words, MR_LIST),
	      .fallback = "{ one, \"two words\" }" },
	    "x" },
	{ { .name = "more", A(more, MR_LIST) }, "x" },
	{ { .name = "keys", A(keys, MR_MAP) }, "x" },
	{ { .name = NULL }, NULL },
};

struct odd {
	int64_t n;
};

#define O(...)                                                                 \
	{                                                                      \
		{ __VA_ARGS__ },                                               \
		{                                                              \
			.name = NULL                                           \
		}                                                              \
	}

static const struct mr_option odd_options[][2] = {
	O(.name = "n", .type = MR_STRING, .offset = 4),
	O(.name = "n", .type = MR_INT, .fallback = "many"),
	O(.name = "n", .type = MR_INT, .min = 1, .max = 9),
	O(.name = "n", .type = 77),
	O(.name = "n", .type = MR_INT, .min = 9, .max = 1),
	O(.name = "n", .type = MR_CHOICE),
	O(.name = "deadline", .type = MR_INT),
	O(.name = "N n", .type = MR_INT),
	O(.name = "n", .type = MR_LIST, .fallback = "{ a, b"),
};

static const struct config_plugin plugins[] = {
	{ "alpha", NULL, &alpha_options[0].o, sizeof(alpha_options[0]),
	    sizeof(struct alpha) },
	{ "beta", "alpha", NULL, 0, 0 },
	{ "gamma", "alpha  delta", NULL, 0, 0 },
	{ "delta", "", NULL, 0, 0 },
	{ "odd0", NULL, odd_options[0], sizeof(struct mr_option), 8 },
	{ "odd1", NULL, odd_options[1], sizeof(struct mr_option), 8 },
	{ "odd2", NULL, odd_options[2], sizeof(struct mr_option), 8 },
	{ "odd3", NULL, odd_options[3], sizeof(struct mr_option), 8 },
	{ "odd4", NULL, odd_options[4], sizeof(struct mr_option), 8 },
	{ "odd5", NULL, odd_options[5], sizeof(struct mr_option), 8 },
	{ "odd6", NULL, odd_options[6], sizeof(struct mr_option), 8 },
	{ "odd7", NULL, odd_options[7], sizeof(struct mr_option), 8 },
	{ "odd8", NULL, odd_options[8], sizeof(struct mr_option), 8 },
	{ "odd9", NULL, odd_options[1], 16, 8 },
	{ "threads", NULL, NULL, 0, 0 },
};
enum { NPLUGINS = sizeof(plugins) / sizeof(plugins[0]) };

#define MX     "listener mx { socket = \"inet:8891@127.0.0.1\" chain = { a } }\n"
#define ODD(n) MX "alpha a {}\nodd" n " o {}\n"

static const struct bad_case {
	const char *text;
	const char *want[4]; /* in this order in what is told */
} bad_cases[] = {
	/* names */
	{ MX "alpha a {\n\n acton = tag\n}\n",
	    { "t.conf:4: alpha \"a\": unknown option \"acton\"; did you mean "
	      "\"action\"?" } },
	{ "usr = root\n" MX "alpha a {}",
	    { "t.conf:1: unknown option \"usr\"; did you mean \"user\"?" } },
	{ "listener mx {\n sockt = x\n}",
	    { "t.conf:1: listener \"mx\": socket: missing", "chain: missing",
		"t.conf:2: listener \"mx\": unknown option \"sockt\"; did you "
		"mean \"socket\"?" } },
	{ MX "alpha a {}\nalpa b { x = 1 y = { 2 } }",
	    { "t.conf:3: no plugin \"alpa\" is installed in "
	      "/usr/local/lib/millrace/plugins; did you mean \"alpha\"?" } },
	{ "plugin-dir = /p\n" MX "alpha a {}\nzzzzzz b {}",
	    { "t.conf:4: no plugin \"zzzzzz\" is installed in /p: install" } },
	{ "deadline = 5s\n" MX "alpha a {}",
	    { "t.conf:1: unknown option \"deadline\" here: it belongs in a "
	      "plugin's section" } },
	{ "chain = a\n" MX "alpha a {}",
	    { "t.conf:1: unknown option \"chain\" here: it belongs in a "
	      "listener's section" } },
	{ MX "alpha a { user = root }",
	    { "t.conf:2: alpha \"a\": unknown option \"user\" here: it "
	      "stands outside" } },
	{ "include = \"x\"\n" MX "alpha a {}",
	    { "t.conf:1: unknown option \"include\" here: write include(" } },
	{ MX "alpha a { qqqqqqqqqq = { 1, 2 } }",
	    { "t.conf:2: alpha \"a\": unknown option \"qqqqqqqqqq\"; "
	      "\"millrace config\"" } },
	{ "\"listener=mx|socket\" = x\n" MX,
	    { "t.conf:1: \"listener=mx|socket\" is not a name" } },
	{ "\"\" = x\n" MX, { "t.conf:1: \"\" is not a name" } },
	/* values */
	{ MX "alpha a { mode = observ }",
	    { "t.conf:2: alpha \"a\": mode: \"observ\" is not one of enforce, "
	      "observe, off; did you mean \"observe\"?" } },
	{ "workers = 65\n" MX "alpha a {}",
	    { "t.conf:1: workers: 65 is out of range: 0 to 64" } },
	{ "workers = many\n" MX "alpha a {}",
	    { "t.conf:1: workers: \"many\" is not a whole number" } },
	{ "workers = 99999999999999999999\n" MX "alpha a {}",
	    { "t.conf:1: workers: \"99999999999999999999\" is not" } },
	{ MX "alpha a { deadline = 20s }",
	    { "t.conf:2: alpha \"a\": deadline: 20s is out of range: 10ms to "
	      "8s" } },
	{ MX "alpha a { deadline = 5 }",
	    { "t.conf:2: alpha \"a\": deadline: \"5\" is not a duration: "
	      "write 300ms" } },
	{ MX "alpha a { wait = 99999999999999d }", { "is not a duration" } },
	{ MX "alpha a { room = 10X }",
	    { "t.conf:2: alpha \"a\": room: \"10X\" is not a size" } },
	{ "message-limit = 1K\n" MX "alpha a {}",
	    { "t.conf:1: message-limit: 1K is out of range: 64K to 4G" } },
	{ MX "alpha a { sign = maybe }",
	    { "t.conf:2: alpha \"a\": sign: \"maybe\" is neither true nor "
	      "false" } },
	{ MX "alpha a { score = 1.5x }", { "score: \"1.5x\" is not a num" } },
	{ MX "alpha a { score = inf }", { "score: \"inf\" is not a num" } },
	{ MX "alpha a { score = 10.5 }",
	    { "score: 10.5 is out of range: -10 to 10" } },
	{ MX "alpha a { count = -6 }",
	    { "count: -6 is out of range: at least -5" } },
	{ MX "alpha a { reply = {\n a, b } }",
	    { "t.conf:3: alpha \"a\": reply: takes one value, not a list" } },
	{ MX "alpha a { reply = { } }",
	    { "t.conf:2: alpha \"a\": reply: takes one value, not a list" } },
	{ MX "alpha a { keys = {\n \"192.0.2.1\",\n \"192.0.2.0/33\" } }",
	    { "t.conf:4: alpha \"a\": keys: " } },
	{ MX "alpha a { keys = \"map:file:/nonexistent/list\" }",
	    { "t.conf:2: alpha \"a\": keys: ", "/nonexistent/list",
		"No such file" } },
	{ MX "alpha a { clients = { } }",
	    { "t.conf:2: alpha \"a\": clients: the list is empty" } },
	{ MX "alpha a { clients = a@example.com }",
	    { "t.conf:2: alpha \"a\": clients: \"a@example.com\" is a mail "
	      "address" } },
	{ MX "alpha a { senders = { a@example.com,\n\n 192.0.2.0/24 } }",
	    { "t.conf:4: alpha \"a\": senders: \"192.0.2.0/24\" is a "
	      "network" } },
	{ MX "alpha a {\n sign = true\n count = 1\n sign = false\n}",
	    { "t.conf:5: sign is said twice in one section: it stands in "
	      "t.conf:3 already" } },
	{ "workers = 1\nworkers = {}\n" MX "alpha a {}",
	    { "t.conf:2: workers is said twice: it stands in t.conf:1" } },
	{ "run-dir = run\n" MX "alpha a {}",
	    { "t.conf:1: run-dir: \"run\" is not a whole path" } },
	{ "run-dir = \"\"\n" MX "alpha a {}",
	    { "t.conf:1: run-dir: must name a folder" } },
	{ "user = no-such-user\n" MX "alpha a {}",
	    { "t.conf:1: user: there is no user \"no-such-user\"" } },
	{ "group = no-such-group\n" MX "alpha a {}",
	    { "t.conf:1: group: there is no group \"no-such-group\"" } },
	/* sections */
	{ MX "alpha a {}\n\nbeta a {}",
	    { "t.conf:4: beta \"a\": the name is taken by alpha \"a\" of "
	      "t.conf:2" } },
	{ MX "alpha a { sign = true }\nalpha a { sign = true }",
	    { "t.conf:3: alpha \"a\": the name is taken by alpha \"a\" of "
	      "t.conf:2" } },
	{ MX "alpha a {}\n" MX,
	    { "t.conf:3: listener \"mx\": the name is taken by listener "
	      "\"mx\" of t.conf:1",
		"socket: listener \"mx\" of t.conf:1 has the same" } },
	{ MX "alpha a {}\nlistener b { socket = inet:8891@0.0.0.0 chain = a }",
	    { "t.conf:3: listener \"b\": socket: listener \"mx\" of t.conf:1 "
	      "has the same socket" } },
	{ "listener b {\n socket = 8891\n chain = a }\nalpha a {}",
	    { "t.conf:2: listener \"b\": socket: \"8891\" is not a socket" } },
	{ "listener b { socket = inet:8891@::1 chain = a }\nalpha a {}",
	    { "t.conf:1: listener \"b\": socket: \"::1\" is not an IPv4" } },
	{ "listener b { socket = unix:/s mode = 0999 chain = a }\nalpha a {}",
	    { "t.conf:1: listener \"b\": mode: \"0999\" is not a file mode" } },
	{ "listener b { socket = unix:/s mode = 7777 chain = a }\nalpha a {}",
	    { "mode: 7777 is out of range: 0000 to 0777" } },
	{ "listener b { socket = unix:/s owner = nobody-here chain = a }\n"
	  "alpha a {}",
	    { "t.conf:1: listener \"b\": owner: there is no user" } },
	{ "listener b { socket = unix:/s authserv-id = \"a b\" chain = a }\n"
	  "alpha a {}",
	    { "t.conf:1: listener \"b\": authserv-id: write a host name" } },
	{ MX "alpha a {}\nalpha \"a b\" {}",
	    { "t.conf:3: alpha \"a b\": bad name" } },
	{ "alpha a {}", { "t.conf: no listener" } },
	{ "", { "t.conf: no listener" } },
	/* chains */
	{ "listener l {\n socket = unix:/s\n chain = {\n  alpha,\n  spf-im }\n"
	  "}\nalpha alpha {}\nalpha spf-in {}",
	    { "t.conf:5: listener \"l\": chain: there is no instance "
	      "\"spf-im\"; did you mean \"spf-in\"?" } },
	{ "listener l { socket = unix:/s chain = { } }",
	    { "t.conf:1: listener \"l\": chain: missing" } },
	{ "listener l { socket = unix:/s chain = { a, a } }\nalpha a {}",
	    { "t.conf:1: listener \"l\": chain: \"a\" stands in it twice" } },
	{ "listener l { socket = unix:/s\n chain = { b, a } }\n"
	  "alpha a {}\nbeta b {}",
	    { "t.conf:2: listener \"l\": chain: \"b\" needs plugin alpha to "
	      "run before it: move \"a\" to a place before \"b\"" } },
	{ "listener l { socket = unix:/s\n chain = { b } }\nbeta b {}",
	    { "t.conf:2: listener \"l\": chain: \"b\" needs plugin alpha to "
	      "run before it: add an instance of alpha" } },
	{ "listener l { socket = unix:/s chain = { a, c } }\n"
	  "alpha a {}\ngamma c {}",
	    { "t.conf:1: listener \"l\": chain: \"c\" needs plugin delta" } },
	/* the plugin's own faults */
	{ ODD("0"), { "t.conf:3: plugin \"odd0\" is at fault, not this file: "
		      "option \"n\": offset 4 lies beyond" } },
	{ ODD("1"), { "default is bad: \"many\" is not a whole" } },
	{ ODD("2"), { "it has no default, and 0 is out of its range" } },
	{ ODD("3"), { "type 77 is unknown" } },
	{ ODD("4"), { "its minimum is above its maximum" } },
	{ ODD("5"), { "it has no choices" } },
	{ ODD("6"), { "option \"deadline\": the name is taken" } },
	{ ODD("7"), { "its name is not of small letters" } },
	{ ODD("8"), { "its default is bad: not a list" } },
	{ ODD("9"), { "option_size is 16" } },
	/* syntax */
	{ MX "alpha a {\n sign = true\n",
	    { "t.conf:2: alpha \"a\" is not closed: } is missing" } },
	{ MX "alpha {\n}\n", { "t.conf:2: a section needs a name: alpha" } },
	{ MX "alpha a {\n\n reply \"x\"\n}",
	    { "t.conf:4: missing equal sign after option 'reply'" } },
	{ "# c\n\n/* x\ny */\nworkers 5",
	    { "t.conf:5: the file ends in the middle of this" } },
	{ "# c\n\n/* x\ny */\nworkers 5\nthreads = 4\n",
	    { "t.conf:5: missing equal sign after option 'workers'" } },
	{ MX "alpha a { words = { a\n b } }",
	    { "t.conf:3: unexpected token 'b': is a comma" } },
	{ MX "}", { "t.conf:2: unexpected closing brace" } },
	{ MX "alpha a { words = { a, { b } } }",
	    { "t.conf:2: unexpected token '{'" } },
	{ MX "alpha a { listener b { } }", { "t.conf:2: missing equal sign" } },
	{ "user \"x\" { }", { "t.conf:1: missing equal sign" } },
	{ "listener = 5", { "t.conf:1: missing title" } },
	{ "a = 1\na \"x\" {}\n", { "t.conf:2: missing equal sign" } },
	{ "user = \"x\ny\"", { "t.conf:1: text is not closed" } },
	{ "user = \"x", { "t.conf:1: text is not closed" } },
	{ "user = 'x", { "t.conf:1: text is not closed" } },
	{ "\n\nuser = \"a\\d\"", { "t.conf:3: unknown escape" } },
	{ "user = \"a\\x00\"", { "t.conf:1: unknown escape" } },
	{ "user = \"a\x01\"", { "t.conf:1: control character in text" } },
	{ "user = a\x01", { "t.conf:1: control character in the file" } },
	{ "user = *", { "t.conf:1: text with + or * needs quotes" } },
	{ "user = a*", { "t.conf:1: text with + or * needs quotes" } },
	{ "user += a", { "t.conf:1: += is not known" } },
	{ "user = a\n/* b\n", { "t.conf:1: comment is not closed" } },
	{ "user =", { "t.conf:1: the file ends in the middle of this" } },
	{ "alpha a { words = { a", { "t.conf:1: list is not closed" } },
	{ "include(a b)", { "t.conf:1: write include(\"file\")" } },
	{ "include(", { "t.conf:1: the file ends in the middle" } },
	{ "alpha a { include(\"x\") }",
	    { "t.conf:1: include stands outside of sections" } },
	{ "\ninclude(\"/nonexistent/x.conf\")",
	    { "t.conf:2: include: /nonexistent/x.conf: No such file" } },
	{ "include(\"/dev/zero\")",
	    { "t.conf:1: include: /dev/zero: not a regular file" } },
	/* all of it in one go, in the order of the lines */
	{ "threads = 0\nlog-level = loud\n" MX "alpha a {\n sgn = on\n"
	  " wait = soon\n}\nalpa x {}\n",
	    { "t.conf:1: threads: 0 is out of range: 1 to 512\n"
	      "t.conf:2: log-level: \"loud\" is not one of",
		"\nt.conf:5: alpha \"a\": unknown option \"sgn\"",
		"\nt.conf:6: alpha \"a\": wait: \"soon\"",
		"\nt.conf:8: no plugin \"alpa\"" } },
};

static struct config *
load(const char *text, char **why)
{
	return config_load_text("t.conf", (struct span){ text, strlen(text) },
	    plugins, NPLUGINS, why);
}

/* What is written to stderr until quiet_end. */
static int quiet_old;
static FILE *quiet_file;

static void
quiet_begin(void)
{
	fflush(stderr);
	quiet_old = dup(STDERR_FILENO);
	quiet_file = tmpfile();
	assert_non_null(quiet_file);
	assert_true(dup2(fileno(quiet_file), STDERR_FILENO) != -1);
}

static void
quiet_end(char *said, size_t size)
{
	size_t n;

	fflush(stderr);
	dup2(quiet_old, STDERR_FILENO);
	close(quiet_old);
	rewind(quiet_file);
	n = fread(said, 1, size - 1, quiet_file);
	said[n] = '\0';
	fclose(quiet_file);
}

/* Whatever is wrong: it comes back in *why and is written nowhere. */
static void
test_silent(void **state)
{
	char said[2000];

	(void)state;
	quiet_begin();
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		char *why = NULL;
		struct config *c = load(bad_cases[i].text, &why);

		config_destroy(&c);
		free(why);
	}
	quiet_end(said, sizeof(said));
	assert_string_equal(said, "");
}

static void
test_unused(void **state)
{
	struct config *c;
	char said[2000], *why = NULL;

	(void)state;
	quiet_begin();
	c = load(MX "alpha a {}\n\ndelta d {}", &why);
	quiet_end(said, sizeof(said));
	assert_non_null(c);
	assert_non_null(strstr(said, "t.conf:4: delta \"d\" is in no"));
	assert_null(strstr(said, "t.conf:2"));
	config_destroy(&c);
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		const struct bad_case *b = &bad_cases[i];
		char *why = NULL;
		struct config *c = load(b->text, &why);
		const char *at = why;

		if (c != NULL || why == NULL)
			fail_msg("accepted: %s", b->text);
		for (size_t j = 0; j < 4 && b->want[j] != NULL; j++) {
			const char *found = strstr(at, b->want[j]);

			if (found == NULL)
				fail_msg("in\n%s\nnot told: %s\nbut: %s",
				    b->text, b->want[j], why);
			at = found;
		}
		free(why);
	}
}

static struct config *
must_load(const char *text)
{
	char *why = NULL;
	struct config *c = load(text, &why);

	if (c == NULL)
		fail_msg("%s\nrefused: %s", text, why);
	assert_null(why);
	return c;
}

/* One mistake must not be told as several. */
static void
test_alone(void **state)
{
	static const char *const texts[] = {
		MX "alpa a {}\n",
		MX "alpha a { mode = observ }",
		MX "alpha a {}\nalpha a {}",
		MX "alpha a { foo \"x\" }",
		MX "alpha a {}\nbeta b { x = { } }",
		ODD("0"),
		"listener l { socket = unix:/s chain = { x, b } }\n"
		"alpha x { sign = 1 }\nbeta b {}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *why = NULL;

		assert_null(load(texts[i], &why));
		if (strchr(why, '\n') != NULL)
			fail_msg("told more than once: %s", why);
		free(why);
	}
}

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
	assert_int_equal(c->globals.message_limit, 64 << 20);
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
	    "\t# duration, 10ms to 8s; default 3s\n\tdeadline = 10ms\n"));
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
	static const struct config_plugin two[] = {
		{ .name = "access" },
		{ .name = "headers" },
	};
	char *why = NULL;
	struct config *c = config_load(NULL, two, 2, &why);

	(void)state;
	if (c == NULL)
		fail_msg("%s", why);
	assert_int_equal(c->nlisteners, 1);
	assert_string_equal(c->listeners[0].socket, "inet:8891@127.0.0.1");
	assert_int_equal(c->ninstances, 2);
	assert_int_equal(c->instances[0].common.mode, MODE_OBSERVE);
	assert_int_equal(c->instances[1].common.mode, MODE_OBSERVE);
	assert_string_equal(c->listeners[0].place.file, "built-in");
	config_destroy(&c);
}

static void
test_limits(void **state)
{
	struct buf b = { 0 };
	struct config *c;
	char *why = NULL;

	(void)state;
	buf_text(&b, "listener l { socket = unix:/s chain = { ");
	for (int i = 0; i < CONFIG_INSTANCES; i++)
		buf_printf(&b, "d%d,", i);
	buf_text(&b, "} }\n");
	for (int i = 0; i < CONFIG_INSTANCES; i++)
		buf_printf(&b, "delta d%d {}\n", i);
	c = must_load(b.p);
	assert_int_equal(c->ninstances, CONFIG_INSTANCES);
	config_destroy(&c);
	buf_text(&b, "delta more {}\n");
	assert_null(load(b.p, &why));
	assert_string_equal(
	    why, "t.conf:66: delta \"more\": only 64 instances are allowed");
	free(why);
	buf_cut(&b, 0);
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "o%d = 1\n", i);
	assert_null(load(b.p, &why));
	assert_non_null(strstr(why, "t.conf:257: too many options"));
	free(why);
	buf_cut(&b, 0);
	for (int i = 0; i < 2000; i++)
		buf_text(&b, "delta x { a \n");
	assert_null(load(b.p, &why));
	free(why);
	buf_cut(&b, 0);
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "p%d x {}\n", i);
	assert_null(load(b.p, &why));
	assert_non_null(strstr(why, "t.conf:1025: too many sections"));
	free(why);
	buf_finish(&b);
}

static const struct socket_case {
	const char *text;
	const char *host; /* NULL: why is in want */
	int kind;
	uint16_t port;
	const char *want;
} socket_cases[] = {
	{ "inet:8891@127.0.0.1", "127.0.0.1", SOCKET_INET, 8891, NULL },
	{ "inet:25@localhost", "127.0.0.1", SOCKET_INET, 25, NULL },
	{ "inet6:1@[::1]", "::1", SOCKET_INET6, 1, NULL },
	{ "inet6:65535@2001:db8::0:1", "2001:db8::1", SOCKET_INET6, 65535,
	    NULL },
	{ "unix:/run/m.sock", "/run/m.sock", SOCKET_UNIX, 0, NULL },
	{ "local:/run/m.sock", "/run/m.sock", SOCKET_UNIX, 0, NULL },
	{ "systemd:mx", "mx", SOCKET_SYSTEMD, 0, NULL },
	{ "inet:127.0.0.1:8891", NULL, 0, 0, "write inet:8891@127.0.0.1" },
	{ "inet:8891", NULL, 0, 0, "say on which address: write inet:8891@" },
	{ "inet:", NULL, 0, 0, "say on which address" },
	{ "inet:0@127.0.0.1", NULL, 0, 0, "\"0\" is not a port" },
	{ "inet:65536@127.0.0.1", NULL, 0, 0, "\"65536\" is not a port" },
	{ "inet:x@127.0.0.1", NULL, 0, 0, "\"x\" is not a port" },
	{ "inet:25@mx.example.com", NULL, 0, 0, "is not an IPv4 address" },
	{ "inet6:25@192.0.2.1", NULL, 0, 0, "is not an IPv6 address" },
	{ "unix:run/m.sock", NULL, 0, 0, "write the whole path" },
	{ "unix:", NULL, 0, 0, "write the whole path" },
	{ "systemd:", NULL, 0, 0, "write systemd:name" },
	{ "tcp:1", NULL, 0, 0, "is not a socket" },
	{ "", NULL, 0, 0, "is not a socket" },
};

static void
test_socket(void **state)
{
	size_t n = sizeof(socket_cases) / sizeof(socket_cases[0]);
	struct config_socket s;
	char path[200], *why;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct socket_case *k = &socket_cases[i];
		bool ok = config_socket_parse(k->text, &s, &why);

		if (ok != (k->host != NULL))
			fail_msg("%s: %s", k->text, ok ? "accepted" : why);
		if (!ok && strstr(why, k->want) == NULL)
			fail_msg("%s: %s", k->text, why);
		free(why);
		if (!ok)
			continue;
		assert_string_equal(s.host, k->host);
		assert_int_equal(s.kind, k->kind);
		assert_int_equal(s.port, k->port);
	}
	memset(path, 'x', sizeof(path));
	memcpy(path, "unix:/", 6);
	path[5 + 107] = '\0';
	assert_true(config_socket_parse(path, &s, &why));
	path[5 + 107] = 'x';
	path[5 + 108] = '\0';
	assert_false(config_socket_parse(path, &s, &why));
	assert_non_null(strstr(why, "at most 107 bytes"));
	free(why);
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
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_plugin_dir),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
