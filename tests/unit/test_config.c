/* SPDX-License-Identifier: Apache-2.0 */
/* What each mistake in a config file is told. */
#include "test_config.h"

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
	      "5s" } },
	{ MX "alpha a { deadline = 5 }",
	    { "t.conf:2: alpha \"a\": deadline: \"5\" is not a duration: "
	      "write 300ms" } },
	{ MX "alpha a { wait = 99999999999999d }", { "is not a duration" } },
	{ MX "alpha a { room = 10X }",
	    { "t.conf:2: alpha \"a\": room: \"10X\" is not a size" } },
	{ "spool-above = 1K\n" MX "alpha a {}",
	    { "t.conf:1: spool-above: 1K is out of range: 64K to 4G" } },
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
	/* one of several is enough */
	{ "listener l { socket = unix:/s chain = { e, b } }\n"
	  "alpha a {}\nbeta b {}\nepsilon e {}",
	    { "t.conf:1: listener \"l\": chain: \"e\" needs plugin alpha or "
	      "beta or delta to run before it: move \"b\" to a place before "
	      "\"e\"" } },
	{ "listener l { socket = unix:/s chain = { e } }\nepsilon e {}",
	    { "t.conf:1: listener \"l\": chain: \"e\" needs plugin alpha or "
	      "beta or delta to run before it: add an instance of alpha or "
	      "beta or delta to the chain before \"e\"" } },
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
		"user = { no-such-user, root }\n" MX "alpha a {}",
		"workers = 1\nworkers = 2\n" MX "alpha a {}",
		"listener b { socket = inet:8891@0.0.0.0 chain = a }\n" MX
		"alpha a {}",
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

struct many {
	const char *begin, *each, *end;
	int times;
	const char *want;
};

static const struct many many_cases[] = {
	{ "listener l { socket = unix:/s chain = {\n", "d,",
	    "} }\ndelta d {}\n", 9999,
	    "t.conf:2: listener \"l\": chain: only 64 instances are allowed" },
	{ "user = {\n", "d,\n", "}", 10001, "t.conf:10002: list is too long" },
	{ "", "o%d = 1\n", "", 2000, "t.conf:257: too many options" },
	{ "", "p%d x {}\n", "", 2000, "t.conf:1025: too many sections" },
	{ "", "delta x { a \n", "", 2000, "t.conf:1: missing equal sign" },
	{ "", "{", "", 100000, "t.conf:1: unexpected token '{'" },
	{ MX "alpha a {}\n", "workers = 1\n", "", 300, "and 199 more" },
};

static void
repeat(struct buf *b, const char *text, int times)
{
	const char *number = strstr(text, "%d");

	for (int i = 0; i < times; i++) {
		if (number == NULL) {
			buf_text(b, text);
			continue;
		}
		buf_put(b, text, (size_t)(number - text));
		buf_printf(b, "%d", i);
		buf_text(b, number + 2);
	}
}

static void
test_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(many_cases) / sizeof(many_cases[0]);
	     i++) {
		const struct many *m = &many_cases[i];
		struct buf b = { 0 };
		char *why = NULL;

		buf_text(&b, m->begin);
		repeat(&b, m->each, m->times);
		buf_text(&b, m->end);
		assert_null(load(b.p, &why));
		if (strstr(why, m->want) == NULL)
			fail_msg("not told: %s\nbut: %.300s", m->want, why);
		free(why);
		buf_finish(&b);
	}
}

static void
test_instances(void **state)
{
	struct buf b = { 0 };
	struct config *c;
	char *why = NULL;

	(void)state;
	buf_text(&b, "listener l { socket = unix:/s chain = { ");
	repeat(&b, "d%d,", CONFIG_INSTANCES);
	buf_text(&b, "} }\n");
	repeat(&b, "delta d%d {}\n", CONFIG_INSTANCES);
	c = must_load(b.p);
	assert_int_equal(c->ninstances, CONFIG_INSTANCES);
	config_destroy(&c);
	buf_text(&b, "delta more {}\n");
	assert_null(load(b.p, &why));
	assert_string_equal(
	    why, "t.conf:66: delta \"more\": only 64 instances are allowed");
	free(why);
	buf_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
