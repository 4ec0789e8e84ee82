/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/rules/literal.c"
#include "../../plugins/rules/words.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { UTF = LITERAL_UTF, CASELESS = LITERAL_CASELESS };

/* want: the literals, "|" between, " & " before the second set of them;
 * NULL: it is not known. */
static const struct literal_case {
	const char *pattern, *want;
	unsigned flags;
} cases[] = {
	{ "free money", "free money", 0 },
	{ "FREE", "free", 0 },
	{ "ab", NULL, 0 },
	{ "", NULL, 0 },
	{ "a.b.c", NULL, 0 },
	{ "abc.def", "abc & def", 0 },
	{ "abc.defg", "defg & abc", 0 },
	{ "\\bviagra\\b", "viagra", 0 },
	{ "^Dear", "dear", 0 },
	/* what may be left out */
	{ "colou?r", "colo", 0 },
	{ "abc*", NULL, 0 },
	{ "abcd*", "abc", 0 },
	{ "abc+d", "abc", 0 },
	{ "abc{2,3}d", "abc", 0 },
	{ "abcx{0,3}def", "abc & def", 0 },
	{ "abc{x", "abc{x", 0 },
	{ "(?:abc)?def", "def", 0 },
	{ "(?:abc)*", NULL, 0 },
	{ "abc??def", "def", 0 },
	/* alternatives */
	{ "abc|defg", "abc|defg", 0 },
	{ "abc|de", NULL, 0 },
	/* one of each, and which of those that have no second counts twice */
	{ "abc.de.fghi.klm.", "fghi & abc", 0 },
	{ "abc.defg|hijkl", "defg|hijkl & abc|hijkl", 0 },
	{ "hijkl|abc.defg", "hijkl|defg & hijkl|abc", 0 },
	{ "(?:abc.defg|hi)jkl", "jkl", 0 },
	{ "(?:abc.defg|hijkl).mnopqr", "mnopqr & defg|hijkl", 0 },
	{ "(?:abc.defg)?hijk", "hijk", 0 },
	{ "abcd.ef", "abcd", 0 },
	{ "abc|", NULL, 0 },
	{ "(?:verify|confirm) your", "verify|confirm &  your", 0 },
	{ "(?:a|b) account", " account", 0 },
	{ "(abc|def)(ghij|klmn)", "ghij|klmn & abc|def", 0 },
	{ "(?<name>abcd)", "abcd", 0 },
	/* groups that need nothing, or are not there */
	{ "(?=abcdef)xyz", "xyz", 0 },
	{ "(?!abcdef)xyz", "xyz", 0 },
	{ "(?<!abcdef)xyz", "xyz", 0 },
	{ "(?#comment)xyz", "xyz", 0 },
	{ "abc(?#comment)?defg", NULL, 0 },
	{ "(?i)abc", "abc", 0 },
	{ "(?i:abc)", "abc", 0 },
	{ "(?x) a b c", NULL, 0 },
	{ "abc(?R)?", NULL, 0 },
	{ "(*ACCEPT)abc", NULL, 0 },
	/* classes and escapes */
	{ "[abc]def", "def", 0 },
	{ "[]abc]defg", "defg", 0 },
	{ "[[:alpha:]x]abc", "abc", 0 },
	{ "\\d\\d\\dabc", "abc", 0 },
	{ "\\x41bc", "abc", 0 },
	{ "\\x{41}bcd", "bcd", 0 },
	{ "a\\.b", "a.b", 0 },
	{ "a\\/b", "a/b", 0 },
	{ "abc\\1", "abc", 0 },
	{ "\\p{Lu}abc", "abc", 0 },
	{ "\\k<n>abc", "abc", 0 },
	{ "\\Qabc\\E", NULL, 0 },
	{ "abc\\", NULL, 0 },
	{ "(abc", NULL, 0 },
	{ "abc)", NULL, 0 },
	{ "[abc", NULL, 0 },
	/* letters with odd capitals */
	{ "desktop", "top", UTF | CASELESS },
	{ "desktop", "desktop", 0 },
	{ "desktop", "desktop", UTF },
	{ "desktop", "desktop", CASELESS },
	{ "desk(?i)desk", "deskde", UTF },
	{ "\\xe2abc", "abc", UTF | CASELESS },
	/* characters of several bytes, which have a case or a quantifier */
	{ "\303\274berall", "berall", UTF | CASELESS },
	{ "\303\274berall", "\303\274berall", UTF },
	{ "\\\303\274gel", "\303\274gel", UTF },
	{ "gr\303\274?n geld", "n geld", UTF },
	{ "gr\303\274+n", "gr\303\274", UTF },
	{ "gr\303\274n", "gr\303\274n", CASELESS },
	{ "\\N{U+41}bcdef", NULL, UTF },
	/* a quantifier or not, as the version of the library has it */
	{ "abc{,3}def", NULL, 0 },
	{ "abc{ 1 }def", NULL, 0 },
	{ "01234567890123456789012345678901234567",
	    "01234567890123456789012345678901 & 234567", 0 },
};

static void
put_set(char *out, size_t size, const struct literals *l, const char *before)
{
	for (size_t k = 0; k < l->count; k++) {
		size_t n = strlen(out);

		snprintf(out + n, size - n, "%s%.*s", k > 0 ? "|" : before,
		    l->items[k].n, l->items[k].text);
	}
}

static void
test_extract(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct literal_case *c = &cases[i];
		char got[2 * LITERAL_COUNT * (LITERAL_LONGEST + 1)] = "";
		struct literals l[LITERAL_SETS];
		bool known = literal_extract(
		    c->pattern, strlen(c->pattern), c->flags, l);

		for (size_t k = 0; known && k < LITERAL_SETS; k++)
			put_set(got, sizeof(got), &l[k], k > 0 ? " & " : "");
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
		struct words *f = words_create();
		bool seen[8] = { false };
		char got[64] = "";
		uint32_t id = 0;

		for (const char *w = scans[i].words; *w != '\0';) {
			size_t n = strcspn(w, " ");

			words_add(f, w, n, id++);
			w += n + (w[n] == ' ');
		}
		words_build(f);
		words_scan(f, scans[i].text, strlen(scans[i].text), seen);
		for (uint32_t k = 0; k < id; k++)
			if (seen[k]) {
				size_t n = strlen(got);

				snprintf(got + n, sizeof(got) - n, "%s%u",
				    n > 0 ? " " : "", k);
			}
		if (strcmp(got, scans[i].want) != 0)
			fail_msg("%s in %s: \"%s\"", scans[i].words,
			    scans[i].text, got);
		words_destroy(&f);
	}
}

/* Many words: the table moves while it grows. */
static void
test_many(void **state)
{
	enum { WORDS = 3000 };
	struct words *f = words_create();
	static bool seen[WORDS];
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < WORDS; i++) {
		snprintf(text, sizeof(text), "w%05u!", i * 7);
		words_add(f, text, strlen(text), i);
	}
	words_build(f);
	for (uint32_t i = 0; i < WORDS; i += 97) {
		memset(seen, 0, sizeof(seen));
		snprintf(text, sizeof(text), "xx W%05u! w", i * 7);
		words_scan(f, text, strlen(text), seen);
		for (uint32_t k = 0; k < WORDS; k++)
			assert_int_equal(seen[k], k == i);
	}
	words_destroy(&f);
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
