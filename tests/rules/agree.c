/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the prefilter let pass whatever PCRE2 matches?  Ends with 1 and says
 * which pattern and text if not; else with a line that is the same of all
 * prefilters, but for how much they spared.
 *
 * usage: agree random SEED COUNT    patterns and texts by chance
 *        agree files RULES... -- TEXT...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/rules/rules.h"

enum { BATCH = 40, ROOM = 600, TEXT_MOST = 65536 };

struct score {
	uint64_t digest;
	size_t patterns, pairs, matches, spared, always;
};

/* --- both ways --- */

static void
print_bytes(const char *label, const char *p, size_t n)
{
	printf("%s", label);
	for (size_t i = 0; i < n; i++)
		if (p[i] >= ' ' && p[i] < 0x7f && p[i] != '\\')
			putchar(p[i]);
		else
			printf("\\x%02x", (unsigned char)p[i]);
	putchar('\n');
}

static void
disagree(const struct regex *regex, const char *text, size_t n)
{
	const struct regex_text *t = regex_text(regex);

	printf("%s does not let pass what PCRE2 matches\n", prefilter_kind);
	print_bytes("pattern: ", t->p, t->n);
	printf("flags: %s%s%s%s%s\n", t->caseless ? "i" : "",
	    t->multiline ? "m" : "", t->dotall ? "s" : "",
	    t->extended ? "x" : "", t->utf ? "u" : "");
	print_bytes("text: ", text, n < 2000 ? n : 2000);
	exit(1);
}

static void
count(struct score *s, enum regex_result truth, bool may)
{
	s->pairs++;
	s->matches += truth == REGEX_YES;
	s->spared += !may;
	s->digest = (s->digest ^ (unsigned)(truth == REGEX_YES)) *
		    UINT64_C(1099511628211);
}

static void
compare(struct score *s, const struct prefilter_entry *entries, size_t n,
    struct prefilter *f, const char *text, size_t length)
{
	const struct regex_limits limits = { 20000, INT64_MAX };
	struct regex_run *run = regex_run_create(&limits);
	bool *seen = calloc(n + 1, 1);
	/* Of its own size, so that a read past the end is seen. */
	char *exact = malloc(length > 0 ? length : 1);
	size_t from, to;

	memcpy(exact, text, length);
	if (f != NULL)
		prefilter_scan(f, exact, length, seen);
	for (size_t i = 0; i < n; i++) {
		enum regex_result truth = regex_match(
		    run, entries[i].regex, exact, length, &from, &to);
		bool may = f == NULL || entries[i].always || seen[i];

		if (truth == REGEX_YES && !may)
			disagree(entries[i].regex, exact, length);
		count(s, truth, may);
	}
	free(exact);
	free(seen);
	regex_run_destroy(&run);
}

/* --- by chance --- */

struct words {
	char text[ROOM];
	size_t n;
};

struct maker {
	uint64_t state;
	struct words pattern, sample; /* what it might match */
	int nesting;
	bool odd;
};

static unsigned
chance(struct maker *m, unsigned below)
{
	m->state ^= m->state << 13;
	m->state ^= m->state >> 7;
	m->state ^= m->state << 17;
	return (unsigned)(m->state >> 33) % below;
}

static void
put(struct words *w, const char *text, size_t n)
{
	if (n >= ROOM - w->n)
		n = ROOM - 1 - w->n;
	memcpy(w->text + w->n, text, n);
	w->n += n;
	w->text[w->n] = '\0';
}

static const char *const letters[] = { "a", "b", "c", "k", "K", "s", "S", "A",
	"1", "2", "_", " ", "-", "\n", "\r", "\t", ",", "@", "]", "}", "free",
	"Money", "abc", "cash", "KISS", "a1b2", "now! ", "free", "Money",
	"cash" };

/* Not ASCII; alone they make a pattern one of characters. */
static const char *const foreign[] = { "\303\244", "\303\204", "\351",
	"\342\204\252", "\305\277", "\013", "\205", "\240", "\320\226",
	"\320\266" };

/* A construct, and something that it matches. */
struct atom {
	const char *pattern, *sample;
};

static const struct atom common[] = {
	{ ".", "x" },
	{ ".", "\n" },
	{ "\\d", "1" },
	{ "\\D", "a" },
	{ "\\w", "a" },
	{ "\\w", "\303\244" },
	{ "\\W", "-" },
	{ "\\s", "\013" },
	{ "\\s", " " },
	{ "\\S", "\205" },
	{ "\\b", "" },
	{ "\\B", "" },
	{ "\\A", "" },
	{ "\\Z", "\n" },
	{ "\\z", "" },
	{ "^", "" },
	{ "^", "\n" },
	{ "$", "" },
	{ "$", "\n" },
	{ "\\x41", "a" },
	{ "\\xe9", "\351" },
	{ "\\.", "." },
	{ "\\]", "]" },
	{ "\\-", "-" },
	{ "\\_", "_" },
	{ "\\n", "\n" },
	{ "\\e", "\033" },
	{ "[abc]", "B" },
	{ "[^abc]", "x" },
	{ "[^abc]", "\n" },
	{ "[]a]", "]" },
	{ "[^]a]", "b" },
	{ "[a\\]b]", "]" },
	{ "[\\w-.]", "-" },
	{ "[\\w.-]", "-" },
	{ "[a-\\d]", "-" },
	{ "[a-c-e]", "-" },
	{ "[--1]", "." },
	{ "[\\x30-\\x39]", "5" },
	{ "[[:alpha:]]", "a" },
	{ "[[:^alpha:]]", "1" },
	{ "[[:punct:]]", "$" },
	{ "[[:space:]x]", "\013" },
	{ "[[:upper:]]", "a" },
	{ "[[:lower:]]", "A" },
	{ "[[:cntrl:]]", "\177" },
	{ "[[:word:]]", "_" },
	{ "[\\s\\S]", "\n" },
	{ "[^\\s]", "a" },
	{ "[\\D]", "a" },
	{ "[k]", "\342\204\252" },
	{ "[^k]", "\342\204\252" },
	{ "a{2}{2}", "aaaa" },
	{ "(?i)", "" },
	{ "(?-i)", "" },
	{ "(?s)", "" },
	{ "(?m)", "" },
	{ "(?=a)", "a" },
	{ "(?!b)", "a" },
	{ "(?<=a)", "" },
	{ "(?<!b)", "" },
};

/* What one library may read in another way than the other. */
static const struct atom odd[] = {
	{ "\\h", "\240" },
	{ "\\v", "\205" },
	{ "\\H", "a" },
	{ "\\V", "a" },
	{ "\\R", "\r\n" },
	{ "\\N", "a" },
	{ "\\X", "a" },
	{ "\\G", "" },
	{ "\\K", "" },
	{ "\\1", "a" },
	{ "\\2", "b" },
	{ "\\8", "8" },
	{ "\\10", "\010" },
	{ "\\012", "\n" },
	{ "\\g{1}", "a" },
	{ "(?1)", "a" },
	{ "\\Qa.b\\E", "a.b" },
	{ "\\x{e9}", "\303\251" },
	{ "\\x4", "\004" },
	{ "\\cA", "\001" },
	{ "\\o{101}", "A" },
	{ "\\p{L}", "a" },
	{ "\\pL", "\303\244" },
	{ "[\\b]", "\010" },
	{ "[[:print:]]", " " },
	{ "[[:<:]]", "" },
	{ "[[.a.]]", "a" },
	{ "[\\h]", "\t" },
	{ "[\\pL]", "a" },
	{ "[\\Qa]\\E]", "]" },
	{ "[a-\303\244]", "z" },
	{ "[\303\204-\303\226]", "\303\244" },
	{ "[\320\220-\320\257]", "\320\266" },
	{ "a{,2}", "a{,2}" },
	{ "{", "{" },
	{ "{2", "{2" },
	{ "(?x)", "" },
	{ "(?x) a b", "ab" },
	{ "(?xx)[^a b]", " " },
	{ "(?x)a#b", "a" },
	{ "(?U)", "" },
	{ "(?^)", "" },
	{ "(?#b)", "" },
	{ "(?(1)a|b)", "b" },
	{ "(?|(a)|(b))", "b" },
	{ "(?<n>a)", "a" },
	{ "(?P<n>a)", "a" },
	{ "\\k<n>", "a" },
	{ "(?P=n)", "a" },
	{ "(?R)?", "" },
	{ "(*UTF)", "" },
	{ "(*ACCEPT)", "" },
	{ "(*CRLF)", "\n" },
	{ "\\N{U+41}", "A" },
	{ "\303\244", "\303\204" },
	{ "\320\226", "\320\266" },
	{ "\\\303\244", "\303\244" },
};

static const char *const openings[] = { "(", "(", "(?:", "(?:", "(?:", "(?>",
	"(?i:", "(?s:", "(?m:", "(?-i:", "(?is-m:", "(?=", "(?!",
	"(?<=", "(?<!", "(?*", "(?<x>" };

static const struct times {
	const char *text;
	unsigned least, most;
} times[] = { { "?", 0, 1 }, { "*", 0, 3 }, { "+", 1, 3 }, { "??", 0, 1 },
	{ "*?", 0, 3 }, { "+?", 1, 3 }, { "?+", 0, 1 }, { "*+", 0, 3 },
	{ "++", 1, 3 }, { "{2}", 2, 2 }, { "{0}", 0, 0 }, { "{0,2}", 0, 2 },
	{ "{1,3}", 1, 3 }, { "{2,}", 2, 4 }, { "{0,}", 0, 2 },
	{ "{1,40}", 1, 30 }, { "{2}?", 2, 2 }, { "{1,3}+", 1, 3 },
	{ "{,2}", 0, 2 }, { "{2}{2}", 4, 4 } };

#define ANY(m, table) (&(table)[chance(m, sizeof(table) / sizeof((table)[0]))])

static void make_sequence(struct maker *);

static void
make_group(struct maker *m)
{
	const char *opening = *ANY(m, openings);
	unsigned branches = chance(m, 3) == 0 ? 2 : 1;
	size_t from = m->sample.n;

	put(&m->pattern, opening, strlen(opening));
	m->nesting++;
	for (unsigned i = 0; i < branches; i++) {
		if (i > 0) {
			put(&m->pattern, "|", 1);
			if (chance(m, 2) == 0)
				m->sample.n = from;
		}
		make_sequence(m);
	}
	m->nesting--;
	put(&m->pattern, ")", 1);
}

static void
make_atom(struct maker *m)
{
	unsigned what = chance(m, 10);

	if (what < 5) {
		const char *letter = m->odd && chance(m, 4) == 0
					 ? *ANY(m, foreign)
					 : *ANY(m, letters);

		put(&m->pattern, letter, strlen(letter));
		put(&m->sample, letter, strlen(letter));
	} else if (what < 8 || m->nesting > 3) {
		const struct atom *a =
		    m->odd && chance(m, 3) == 0 ? ANY(m, odd) : ANY(m, common);

		put(&m->pattern, a->pattern, strlen(a->pattern));
		put(&m->sample, a->sample, strlen(a->sample));
	} else {
		make_group(m);
	}
}

static void
make_piece(struct maker *m)
{
	struct words one = { .n = 0 };
	const struct times *t;
	size_t from = m->sample.n;
	unsigned n;

	make_atom(m);
	if (chance(m, 3) != 0)
		return;
	t = ANY(m, times);
	put(&m->pattern, t->text, strlen(t->text));
	put(&one, m->sample.text + from, m->sample.n - from);
	m->sample.n = from;
	n = t->least + chance(m, t->most - t->least + 1);
	while (n-- > 0)
		put(&m->sample, one.text, one.n);
}

static void
make_sequence(struct maker *m)
{
	for (unsigned n = 1 + chance(m, m->nesting > 0 ? 4 : 6); n > 0; n--)
		make_piece(m);
}

/* NULL: PCRE2 does not take it. */
static struct regex *
make_regex(struct maker *m, struct pool *pool)
{
	static const char *const flags[] = { "", "", "i", "i", "im", "is", "m",
		"s", "u", "iu", "x", "isu" };
	char text[ROOM + 20];
	const char *end, *why, *flag = *ANY(m, flags);

	m->odd = chance(m, 3) == 0;
	m->pattern.n = m->sample.n = 0;
	make_sequence(m);
	snprintf(text, sizeof(text), "/%.*s/%s", (int)m->pattern.n,
	    m->pattern.text, flag);
	return regex_parse(pool, text, &end, &why);
}

/* Around the sample there may be something else, and its case another. */
static void
put_some(struct maker *m, struct words *out)
{
	for (unsigned n = chance(m, 4); n > 0; n--) {
		const char *some =
		    chance(m, 3) == 0 ? *ANY(m, foreign) : *ANY(m, letters);

		put(out, some, strlen(some));
	}
}

/* Around the sample there may be something else, and its case another. */
static void
make_text(struct maker *m, struct words *out)
{
	out->n = 0;
	put_some(m, out);
	put(out, m->sample.text, m->sample.n);
	put_some(m, out);
	for (size_t i = 0; i < out->n; i++)
		if (chance(m, 6) == 0 &&
		    strchr("abckKsSAfreMony", out->text[i]) != NULL)
			out->text[i] ^= 0x20;
}

static void
compare_batch(struct maker *m, struct score *s)
{
	static struct words texts[BATCH];
	struct prefilter_entry entries[BATCH];
	struct regex *regexes[BATCH];
	struct prefilter *f;
	struct pool pool = { NULL };
	uint32_t n = 0;

	while (n < BATCH) {
		if ((regexes[n] = make_regex(m, &pool)) == NULL)
			continue;
		entries[n] = (struct prefilter_entry){ n, regexes[n], false };
		make_text(m, &texts[n++]);
	}
	f = prefilter_create(entries, n);
	for (uint32_t i = 0; i < n; i++)
		compare(s, entries, n, f, texts[i].text, texts[i].n);
	for (uint32_t i = 0; i < n; i++) {
		s->always += entries[i].always;
		regex_destroy(&regexes[i]);
	}
	s->patterns += n;
	prefilter_destroy(&f);
	pool_finish(&pool);
}

static void
compare_random(struct score *s, const char *seed, const char *wanted)
{
	struct maker m = { .state = strtoull(seed, NULL, 10) *
					UINT64_C(0x9e3779b97f4a7c15) +
				    1 };

	while (s->patterns < strtoull(wanted, NULL, 10))
		compare_batch(&m, s);
}

/* --- files --- */

/* The patterns of all rules together, for whatever source they are. */
static struct prefilter_entry *
entries_of(const struct rules *rules, size_t *n)
{
	struct prefilter_entry *all = calloc(rules->count + 1, sizeof(*all));

	*n = 0;
	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].regex != NULL) {
			all[*n].regex = rules->items[i].regex;
			all[*n].id = (uint32_t)*n;
			++*n;
		}
	return all;
}

/* The whole file, and each of its lines. */
static void
compare_file(struct score *s, const struct prefilter_entry *entries, size_t n,
    struct prefilter *f, const char *path)
{
	static char text[TEXT_MOST];
	FILE *in = fopen(path, "rb");
	size_t length;

	if (in == NULL) {
		perror(path);
		exit(2);
	}
	length = fread(text, 1, sizeof(text), in);
	fclose(in);
	compare(s, entries, n, f, text, length);
	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t one =
		    end != NULL ? (size_t)(end - text) - at : length - at;

		compare(s, entries, n, f, text + at, one);
		at += one + 1;
	}
}

static void
compare_files(struct score *s, int argc, char **argv)
{
	struct rules rules = { .count = 0 };
	struct prefilter_entry *entries;
	struct prefilter *f;
	int i = 0;
	size_t n;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	rules_load(&rules, (const char *const *)argv, (size_t)i);
	if (rules.nerrors > 0) {
		puts(rules.errors);
		exit(2);
	}
	entries = entries_of(&rules, &n);
	f = prefilter_create(entries, n);
	for (i++; i < argc; i++)
		compare_file(s, entries, n, f, argv[i]);
	s->patterns = n;
	for (size_t k = 0; k < n; k++)
		s->always += entries[k].always;
	prefilter_destroy(&f);
	free(entries);
	rules_finish(&rules);
}

int
main(int argc, char **argv)
{
	struct score s = { .digest = UINT64_C(14695981039346656037) };

	if (argc == 4 && strcmp(argv[1], "random") == 0) {
		compare_random(&s, argv[2], argv[3]);
	} else if (argc > 3 && strcmp(argv[1], "files") == 0) {
		compare_files(&s, argc - 2, argv + 2);
	} else {
		fprintf(stderr, "usage: agree random SEED COUNT | agree files "
				"RULES... -- TEXT...\n");
		return 2;
	}
	printf("patterns=%zu pairs=%zu matches=%zu digest=%016llx "
	       "kind=%s spared=%zu always=%zu\n",
	    s.patterns, s.pairs, s.matches, (unsigned long long)s.digest,
	    prefilter_kind, s.spared, s.always);
	return 0;
}
