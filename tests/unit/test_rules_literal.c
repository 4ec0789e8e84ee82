/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/rules/literal.c"
#include "../../plugins/rules/prefilter.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* want: the literals, "|" between; NULL: it is not known. */
static const struct literal_case {
	const char *pattern, *want;
	bool utf;
} cases[] = {
	{ "free money", "free money", false },
	{ "FREE", "free", false },
	{ "ab", NULL, false },
	{ "", NULL, false },
	{ "a.b.c", NULL, false },
	{ "abc.def", "abc", false },
	{ "abc.defg", "defg", false },
	{ "\\bviagra\\b", "viagra", false },
	{ "^Dear", "dear", false },
	/* what may be left out */
	{ "colou?r", "colo", false },
	{ "abc*", NULL, false },
	{ "abcd*", "abc", false },
	{ "abc+d", "abc", false },
	{ "abc{2,3}d", "abc", false },
	{ "abcx{0,3}def", "abc", false },
	{ "abc{x", "abc{x", false },
	{ "(?:abc)?def", "def", false },
	{ "(?:abc)*", NULL, false },
	{ "abc??def", "def", false },
	/* alternatives */
	{ "abc|defg", "abc|defg", false },
	{ "abc|de", NULL, false },
	{ "abc|", NULL, false },
	{ "(?:verify|confirm) your", "verify|confirm", false },
	{ "(?:a|b) account", " account", false },
	{ "(abc|def)(ghij|klmn)", "ghij|klmn", false },
	{ "(?<name>abcd)", "abcd", false },
	/* groups that need nothing, or are not there */
	{ "(?=abcdef)xyz", "xyz", false },
	{ "(?!abcdef)xyz", "xyz", false },
	{ "(?<!abcdef)xyz", "xyz", false },
	{ "(?#comment)xyz", "xyz", false },
	{ "(?i)abc", "abc", false },
	{ "(?i:abc)", "abc", false },
	{ "(?x) a b c", NULL, false },
	{ "abc(?R)?", NULL, false },
	{ "(*ACCEPT)abc", NULL, false },
	/* classes and escapes */
	{ "[abc]def", "def", false },
	{ "[]abc]defg", "defg", false },
	{ "[[:alpha:]x]abc", "abc", false },
	{ "\\d\\d\\dabc", "abc", false },
	{ "\\x41bc", "abc", false },
	{ "\\x{41}bcd", "bcd", false },
	{ "a\\.b", "a.b", false },
	{ "a\\/b", "a/b", false },
	{ "abc\\1", "abc", false },
	{ "\\p{Lu}abc", "abc", false },
	{ "\\k<n>abc", "abc", false },
	{ "\\Qabc\\E", NULL, false },
	{ "abc\\", NULL, false },
	{ "(abc", NULL, false },
	{ "abc)", NULL, false },
	{ "[abc", NULL, false },
	/* letters with odd capitals */
	{ "desktop", "top", true },
	{ "desktop", "desktop", false },
	{ "\\xe2abc", "abc", true },
	{ "01234567890123456789012345678901234567",
	    "01234567890123456789012345678901", false },
};

static void
test_extract(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct literal_case *c = &cases[i];
		char got[LITERAL_COUNT * (LITERAL_LONGEST + 1)] = "";
		struct literals l;
		bool known =
		    literal_extract(c->pattern, strlen(c->pattern), c->utf, &l);

		for (size_t k = 0; known && k < l.count; k++) {
			size_t n = strlen(got);

			snprintf(got + n, sizeof(got) - n, "%s%.*s",
			    k > 0 ? "|" : "", l.items[k].n, l.items[k].text);
		}
		if (known != (c->want != NULL) ||
		    (known && strcmp(got, c->want) != 0))
			fail_msg("/%s/: \"%s\", want \"%s\"", c->pattern,
			    known ? got : "unknown",
			    c->want != NULL ? c->want : "unknown");
	}
}

static const struct scan_case {
	const char *words;       /* blanks between; the first is 0 */
	const char *text, *want; /* ids, blanks between */
} scans[] = {
	{ "he she his hers", "ushers", "0 1 3" },
	{ "he she his hers", "this", "2" },
	{ "abc", "xxABCxx", "0" },
	{ "abc", "ab", "" },
	{ "abcd bc c", "xbcx", "1 2" },
	{ "aaa aa a", "aa", "1 2" },
	{ "abc abc", "abc", "0 1" },
	{ "a\xff"
	  "b",
	    "\xff"
	    "a\xff"
	    "b",
	    "0" },
	{ "abc", "", "" },
};

static void
test_scan(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(scans); i++) {
		struct prefilter *f = prefilter_create();
		bool seen[8] = { false };
		char got[64] = "";
		uint32_t id = 0;

		for (const char *w = scans[i].words; *w != '\0';) {
			size_t n = strcspn(w, " ");

			prefilter_add(f, w, n, id++);
			w += n + (w[n] == ' ');
		}
		prefilter_build(f);
		prefilter_scan(f, scans[i].text, strlen(scans[i].text), seen);
		for (uint32_t k = 0; k < id; k++)
			if (seen[k]) {
				size_t n = strlen(got);

				snprintf(got + n, sizeof(got) - n, "%s%u",
				    n > 0 ? " " : "", k);
			}
		if (strcmp(got, scans[i].want) != 0)
			fail_msg("%s in %s: \"%s\"", scans[i].words,
			    scans[i].text, got);
		prefilter_destroy(&f);
	}
}

/* Many words: the table moves while it grows. */
static void
test_many(void **state)
{
	enum { WORDS = 3000 };
	struct prefilter *f = prefilter_create();
	static bool seen[WORDS];
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < WORDS; i++) {
		snprintf(text, sizeof(text), "w%05u!", i * 7);
		prefilter_add(f, text, strlen(text), i);
	}
	prefilter_build(f);
	for (uint32_t i = 0; i < WORDS; i += 97) {
		memset(seen, 0, sizeof(seen));
		snprintf(text, sizeof(text), "xx W%05u! w", i * 7);
		prefilter_scan(f, text, strlen(text), seen);
		for (uint32_t k = 0; k < WORDS; k++)
			assert_int_equal(seen[k], k == i);
	}
	prefilter_destroy(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
