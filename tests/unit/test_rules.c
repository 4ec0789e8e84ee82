/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files, and what an instance makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/rules/rules.h"
#include "../../plugins/rules/script.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

extern const struct mr_plugin mr_plugin_rules;

/* --- what is wrong with a file --- */

static const struct error_case {
	const char *text, *want; /* how the first error begins */
} errors[] = {
	{ "rule A\n body /x/\n", "" },
	{ "# only a comment\n\n", "" },
	{ "body /x/\n", "f:1: a rule must begin" },
	{ "rule A\n", "f:1: rule A has no condition" },
	{ "rule A\nrule B\n body /x/\n", "f:1: rule A has no condition" },
	{ "rule 1A\n body /x/\n", "f:1: a rule's name is" },
	{ "rule A B\n body /x/\n", "f:1: a rule's name is" },
	{ "rule A\n body /x/\nrule A\n body /x/\n",
	    "f:3: rule A is there already, at f:1" },
	{ "rule A\n body /x/\n body /y/\n", "f:3: rule A has a condition" },
	{ "rule A\n body x\n", "f:2: a pattern must begin here" },
	{ "rule A\n body /x\n", "f:2: the pattern has no \"/\"" },
	{ "rule A\n body /x/q\n", "f:2: flags after the pattern" },
	{ "rule A\n body /x/i y\n", "f:2: \" y\" stands after" },
	{ "rule A\n body /(x/\n", "f:2: the pattern is wrong at" },
	{ "rule A\n body:raw /x/\n", "f:2: body has no part \"raw\"" },
	{ "rule A\n url:colour /x/\n", "f:2: url has no part \"colour\"" },
	{ "rule A\n header /x/\n", "f:2: header wants a name" },
	{ "rule A\n header Subject:x /x/\n", "f:2: header has no part \"x\"" },
	{ "rule A\n envelope whom /x/\n", "f:2: envelope has no \"whom\"" },
	{ "rule A\n meta B &&\n", "f:2: meta: something is missing" },
	{ "rule A\n meta A\n", "f:1: meta: rule A refers to itself" },
	{ "rule A\n meta B\nrule B\n meta !A\n", "f:1: meta: rule A refers" },
	{ "rule A\n check nothing\n", "f:2: there is no check \"nothing\"" },
	{ "rule A\n check date-off\n", "f:2: check date-off wants 1 to 1" },
	{ "rule A\n body /x/\n score much\n", "f:3: a score is a number" },
	{ "rule A\n body /x/\n score 1001\n", "f:3: a score is a number" },
	{ "rule A\n body /x/\n colour red\n", "f:3: there is no \"colour\"" },
};

static void
test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct rules r = { .count = 0 };
		const char *got;

		rules_parse(&r, "f", errors[i].text);
		rules_finish_loading(&r);
		got = r.errors != NULL ? r.errors : "";
		if (strncmp(got, errors[i].want, strlen(errors[i].want)) != 0 ||
		    (errors[i].want[0] == '\0') != (got[0] == '\0'))
			fail_msg("%s: \"%s\", want \"%s\"", errors[i].text, got,
			    errors[i].want);
		rules_finish(&r);
	}
}

/* --- what an instance finds --- */

/* Rules in a file of its own, given to an instance. */
static void
open_rules(struct fake *f, const char *text)
{
	char path[] = "/tmp/test-rules-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	fake_set(f, "files", path);
	if (!fake_open(f))
		fail_msg("%s", fake_transcript(f));
	unlink(path);
	fake_forget(f);
}

/*
 * A message from x@example.org (client.example.com, 192.0.2.1, HELO
 * mx.example.org) to a@example.com: "Subject: Hello", "From: Joe
 * <joe@example.org>", text "Some free money\n", raw "<b>raw</b>", a link
 * http://evil.test/pay shown as "bank", an attachment a.exe with the member
 * b.js, the finding BAD_CHARSET, a note k=v, and the symbol OTHER.
 */
static const struct story {
	const char *rule, *lines;
} stories[] = {
	{ "body /free money/", "symbol R 0.00 free money\n" },
	{ "body /FREE (?:money|beer)/i\n score 1.5",
	    "symbol R 1.50 free money\n" },
	{ "body /hello/i", "symbol R 0.00 Hello\n" },
	{ "body /nothing/", "" },
	{ "body !/nothing/", "symbol R 0.00\n" },
	{ "body !/free/", "" },
	{ "rawbody /<b>/", "symbol R 0.00 <b>\n" },
	{ "header Subject /^Hello$/", "symbol R 0.00 Hello\n" },
	{ "header subject:raw /ell/", "symbol R 0.00 ell\n" },
	{ "header From:name /^Joe$/", "symbol R 0.00 Joe\n" },
	{ "header From:address /@example\\.org$/",
	    "symbol R 0.00 @example.org\n" },
	{ "header From:domain /^example\\.org$/",
	    "symbol R 0.00 example.org\n" },
	{ "header ALL /^From: Joe/", "symbol R 0.00 From: Joe\n" },
	{ "header Cc exists", "" },
	{ "header Cc missing", "symbol R 0.00\n" },
	{ "header From exists", "symbol R 0.00\n" },
	{ "header Cc /x/", "" },
	{ "header Cc !/x/", "symbol R 0.00\n" },
	{ "url /^http:\\/\\/evil\\.test\\/pay$/",
	    "symbol R 0.00 http://evil.test/pay\n" },
	{ "url:host /^evil\\.test$/", "symbol R 0.00 evil.test\n" },
	{ "url:path /pay/", "symbol R 0.00 pay\n" },
	{ "url:shown /bank/", "symbol R 0.00 bank\n" },
	{ "attachment /\\.exe$/", "symbol R 0.00 .exe\n" },
	{ "attachment:type /octet/", "symbol R 0.00 octet\n" },
	{ "attachment:detected /dosexec/", "symbol R 0.00 dosexec\n" },
	{ "attachment:member /^b\\.js$/", "symbol R 0.00 b.js\n" },
	{ "finding /^BAD_/", "symbol R 0.00 BAD_\n" },
	{ "envelope from /^x@/", "symbol R 0.00 x@\n" },
	{ "envelope to /^a@/", "symbol R 0.00 a@\n" },
	{ "envelope helo /mx/", "symbol R 0.00 mx\n" },
	{ "envelope client /^192/", "symbol R 0.00 192\n" },
	{ "envelope client-name /client/", "symbol R 0.00 client\n" },
	{ "envelope login /./", "" },
	{ "note k /^v$/", "symbol R 0.00 v\n" },
	{ "note other /./", "" },
	{ "meta OTHER", "symbol R 0.00\n" },
	{ "meta OTHER && !NOBODY", "symbol R 0.00\n" },
	{ "meta S\nrule S\n body /free/",
	    "symbol R 0.00\nsymbol S 0.00 free\n" },
	{ "meta _S\nrule _S\n body /free/", "symbol R 0.00\n" },
	{ "check sender-differs", "" },
	{ "check from-is-recipient", "" },
	/* a character matches, and not its bytes; "K" is not U+212A here */
	{ "body /free.money/u", "symbol R 0.00 free money\n" },
};

static void
tell(struct fake *f)
{
	struct mr_part *p;

	fake_helo(f, "mx.example.org");
	fake_mail(f, "x@example.org");
	fake_finding(f, "OTHER", 1, NULL);
	fake_finding(f, "NOBODY", 1, NULL);
	f->findings[1].observed = true;
	fake_note(f, "k", "v");
	fake_rcpt(f, "a@example.com");
	fake_header(f, "From", "Joe <joe@example.org>");
	fake_header(f, "Subject", "Hello");
	fake_content_subject(f, "Hello");
	fake_content_text(f, "Some free money\n");
	fake_content_raw(f, "<b>raw</b>");
	fake_content_url(f, "http", "evil.test", "/pay", "bank");
	p = fake_content_part(f, "application/octet-stream",
	    "application/x-dosexec", "a.exe", "MZ");
	p->members = "b.js\n";
	fake_content_finding(f, "BAD_CHARSET", NULL);
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		char text[400];
		struct fake f;

		fake_init(&f, &mr_plugin_rules);
		snprintf(text, sizeof(text), "rule R\n %s\n", stories[i].rule);
		open_rules(&f, text);
		tell(&f);
		assert_int_equal(fake_eom(&f), MR_CONTINUE);
		if (strcmp(fake_transcript(&f), stories[i].lines) != 0)
			fail_msg("%s:\n%s\nwant:\n%s", stories[i].rule,
			    fake_transcript(&f), stories[i].lines);
		fake_finish(&f);
	}
}

static const char four[] = "rule A\n body /free money/\n score 1\n"
			   "rule B\n body /no such words/\n score 1\n"
			   "rule C\n body /f.e{2}/\n score 1\n"
			   "rule D\n body /(?:some|many) free/i\n score 1\n";

/* So many that a prefilter decides which are tried. */
static void
test_prefilter(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_rules);
	open_rules(&f, four);
	tell(&f);
	fake_eom(&f);
	assert_string_equal(fake_transcript(&f),
	    "symbol A 1.00 free money\nsymbol C 1.00 free\n"
	    "symbol D 1.00 Some free\n");
	fake_finish(&f);
}

static void
test_options(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_rules);
	fake_set(&f, "scores", "A 7.5");
	fake_set(&f, "disable", "C");
	fake_set(&f, "disable", "D");
	open_rules(&f, four);
	tell(&f);
	fake_eom(&f);
	assert_string_equal(fake_transcript(&f), "symbol A 7.50 free money\n");
	fake_finish(&f);
}

static void
test_wrong_options(void **state)
{
	static const struct wrong rows[] = {
		{ "files", "/nonexistent/*.rules",
		    "config_error files: /nonexistent/*.rules:0: there is no" },
		{ "scores", "A 1", "config_error scores: \"A 1\" names a" },
		{ "scores", "A", "config_error scores: \"A\" is not a rule" },
		{ "disable", "A", "config_error disable: \"A\" names a rule" },
	};

	(void)state;
	wrong_check_all(&mr_plugin_rules, rows, COUNT(rows));
}

/* --- patterns that backtrack --- */

/* n times the letter, and "!". */
static const struct hostile_case {
	const char *pattern;
	char letter;
	size_t n;
	const char *want;
} hostile[] = {
	{ "/(a+)+$/", 'a', 1 << 20, "symbol RULES_LIMIT" },
	{ "/^(?:a|a)+$/", 'a', 1 << 20, "symbol RULES_LIMIT" },
	{ "/^(?:a+)*!!/", 'a', 1 << 20, "symbol RULES_LIMIT" },
	{ "/(.*,){20}!!/", ',', 1 << 20, "symbol RULES_LIMIT" },
	/* one that a prefilter cannot know to fail */
	{ "/^(?:a|a)+(?=b)!/", 'a', 1 << 20, "symbol RULES_LIMIT" },
	{ "/^(a+)+(?<!a)!/", 'a', 1 << 20, "symbol RULES_LIMIT" },
	/* quick from each place, but there are many */
	{ "/a{1,60}a{1,60}(?=b)!/", 'a', 1 << 20, "symbol RULES_TIME" },
};

static void
run_hostile(struct fake *f, const struct hostile_case *c, const char *more)
{
	char rules[400], *text = malloc(c->n + 2);

	memset(text, c->letter, c->n);
	strcpy(text + c->n, "!");
	fake_init(f, &mr_plugin_rules);
	/* Only who wants to run out of time may. */
	fake_set(f, "time-limit",
	    strstr(c->want, "RULES_TIME") != NULL ? "50ms" : "10s");
	fake_set(f, "text-limit", "2M");
	snprintf(
	    rules, sizeof(rules), "rule R\n body %s\n%s", c->pattern, more);
	open_rules(f, rules);
	fake_mail(f, "");
	fake_content_text(f, text);
	assert_int_equal(fake_eom(f), MR_CONTINUE);
	free(text);
}

static void
test_backtracking(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct fake f;

		run_hostile(&f, &hostile[i], "");
		if (!fake_did(&f, hostile[i].want))
			fail_msg(
			    "%s: %s", hostile[i].pattern, fake_transcript(&f));
		assert_false(fake_did(&f, "symbol R "));
		fake_finish(&f);
	}
}

/* It is found, though it takes more room than there is to begin with. */
static void
test_much_to_remember(void **state)
{
	static const struct hostile_case c = { "/^(?:a|b)+!$/", 'a', 4000, "" };
	struct fake f;

	(void)state;
	run_hostile(&f, &c, "");
	assert_true(fake_did(&f, "symbol R "));
	assert_false(fake_did(&f, "symbol RULES_LIMIT"));
	fake_finish(&f);
}

/*
 * Among others: what is stopped is told, unless the prefilter knew that it
 * does not match; where it cannot know, it is stopped.
 */
static void
test_backtracking_behind_prefilter(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		bool known = strstr(hostile[i].pattern, "(?=b)") == NULL &&
			     strstr(hostile[i].pattern, "(?<!a)") == NULL;
		struct fake f;

		run_hostile(&f, &hostile[i],
		    "rule S\n body /free money/\nrule T\n body /[0-9]%/\n"
		    "rule U\n body /!/\n");
		if (!fake_did(&f, hostile[i].want) &&
		    (!known || !fake_did(&f, "symbol U ")))
			fail_msg(
			    "%s: %s", hostile[i].pattern, fake_transcript(&f));
		assert_false(fake_did(&f, "symbol R "));
		assert_false(fake_did(&f, "symbol S "));
		assert_false(fake_did(&f, "symbol T "));
		fake_finish(&f);
	}
}

/* --- import --- */

static const struct import_case {
	const char *in, *rules;
	size_t left;
} imports[] = {
	{ "body A /free money/i\nscore A 2.5\ndescribe A Free money\n",
	    "rule A\n    body /free money/i\n    score 2.5\n"
	    "    describe Free money\n\n",
	    0 },
	{ "# comment\nheader A Subject =~ /x\\/y/\n",
	    "rule A\n    header Subject /x\\/y/\n    score 1.0\n\n", 0 },
	{ "header A From:addr !~ /x/\n",
	    "rule A\n    header From:address !/x/\n    score 1.0\n\n", 0 },
	{ "header A exists:X-Foo\n",
	    "rule A\n    header X-Foo exists\n    score 1.0\n\n", 0 },
	{ "header A EnvelopeFrom =~ /x/\n",
	    "rule A\n    envelope from /x/\n    score 1.0\n\n", 0 },
	{ "uri __A m{^http://a\\.test/}i\n",
	    "rule __A\n    url /^http:\\/\\/a\\.test\\//i\n\n", 0 },
	{ "rawbody A m!a\\!b/c!\n",
	    "rule A\n    rawbody /a!b\\/c/\n    score 1.0\n\n", 0 },
	{ "meta A (__B + __C) > 1\nscore A 0.1 0.2 0.3 0.4\n",
	    "rule A\n    meta (__B + __C) > 1\n    score 0.1\n\n", 0 },
	{ "header A eval:check_it('x')\nscore A 1\n", "", 1 },
	{ "body A eval:check_it()\n", "", 1 },
	{ "full A /x/\n", "", 1 },
	{ "header A X-Spam-Foo =~ /x/\n", "", 1 },
	{ "header A Subject =~ /x/ [if-unset: y]\n", "", 1 },
	{ "body A /(x/\n", "", 1 },
	{ "meta A B &&\n", "", 1 },
	{ "ifplugin X\nbody A /x/\nif Y\nendif\nbody B /y/\nendif\n"
	  "body C /z/\n",
	    "rule C\n    body /z/\n    score 1.0\n\n", 1 },
	{ "tflags A nice\nlang de describe A x\n", "", 0 },
	{ "score A (0.5)\n", "", 1 },
	{ "loadplugin Mail\n", "", 1 },
};

static void
test_import(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(imports); i++) {
		struct import in;

		import_rules(&in, "f.cf", imports[i].in);
		if (strcmp(in.rules, imports[i].rules) != 0 ||
		    in.left != imports[i].left)
			fail_msg("%s:\n%s\n%zu left: %s", imports[i].in,
			    in.rules, in.left, in.report);
		free(in.rules);
		free(in.report);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_prefilter),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_wrong_options),
		cmocka_unit_test(test_backtracking),
		cmocka_unit_test(test_much_to_remember),
		cmocka_unit_test(test_backtracking_behind_prefilter),
		cmocka_unit_test(test_import),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
