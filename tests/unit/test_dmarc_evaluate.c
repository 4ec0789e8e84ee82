/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree walk, the organizational domain and what DMARC says of a message
 * (RFC 9989, 4.10 and 5.3), over records that stand in the rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../plugins/dmarc/evaluate.c"
#include "../../plugins/dmarc/record.c"
#include "../../plugins/dmarc/text.c"
#include "../../plugins/dmarc/walk.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { RECORDS = 8, ASKED = 2000 };

/* "domain text"; the text "!" fails, "2" is two records. */
struct zone {
	const char *const *records;
	const char *missing; /* a name that does not exist */
	struct record parsed[RECORDS];
	char asked[ASKED];
};

static struct walk_answer
look(void *arg, const char *domain)
{
	struct zone *z = arg;
	size_t n = strlen(domain), used = strlen(z->asked);
	struct walk_answer a = { 0 };

	snprintf(z->asked + used, sizeof(z->asked) - used, "%s%s",
	    used > 0 ? " " : "", domain);
	for (size_t i = 0; i < RECORDS && z->records[i] != NULL; i++) {
		const char *row = z->records[i];

		if (strncmp(row, domain, n) != 0 || row[n] != ' ')
			continue;
		if (row[n + 1] == '!')
			a.failure = "no answer";
		else if (row[n + 1] == '2')
			a.several = 2;
		else if (record_parse(text_of(row + n + 1), &z->parsed[i]))
			a.record = &z->parsed[i];
	}
	return a;
}

static bool
exists(void *arg, const char *domain)
{
	const struct zone *z = arg;

	return z->missing == NULL || strcmp(z->missing, domain) != 0;
}

/* Of the list: these, and every name of one label. */
static const char *
registered(void *arg, const char *domain)
{
	static const char *const suffixes[] = { "co.uk", "github.io" };
	const char *found = domain;

	(void)arg;
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (strcmp(domain, suffixes[i]) == 0)
			return NULL;
		if (is_below(domain, suffixes[i])) {
			while (strcmp(parent(found), suffixes[i]) != 0)
				found = parent(found);
			return found;
		}
	}
	if (strchr(domain, '.') == NULL)
		return NULL;
	while (strchr(parent(found), '.') != NULL)
		found = parent(found);
	return found;
}

/* --- what is asked, and what the organization is --- */

static const struct walk_case {
	const char *about, *domain;
	const char *records[RECORDS];
	const char *org;    /* NULL: unknown */
	const char *policy; /* where the record is, or NULL */
	const char *asked;
} walks[] = {
	{ "no record anywhere: the domain itself", "a.mail.example.com", { 0 },
	    "a.mail.example.com", NULL,
	    "a.mail.example.com mail.example.com example.com com" },
	{ "RFC 9989, 4.10.2, first example", "a.mail.example.com",
	    { "mail.example.com v=DMARC1", "example.com v=DMARC1" },
	    "example.com", "example.com",
	    "a.mail.example.com mail.example.com example.com com" },
	{ "second example: psd=n ends it", "a.mail.example.com",
	    { "mail.example.com v=DMARC1; psd=n", "example.com v=DMARC1" },
	    "mail.example.com", "mail.example.com",
	    "a.mail.example.com mail.example.com" },
	{ "third example: psd=y, one label below", "a.mail.example.com",
	    { "com v=DMARC1; psd=y" }, "example.com", "com",
	    "a.mail.example.com mail.example.com example.com com" },
	{ "its own record comes first, the organization is higher",
	    "news.example.com",
	    { "news.example.com v=DMARC1; p=none",
		"example.com v=DMARC1; p=reject" },
	    "example.com", "news.example.com",
	    "news.example.com example.com com" },
	{ "its own record with psd=n", "news.example.com",
	    { "news.example.com v=DMARC1; psd=n", "example.com v=DMARC1" },
	    "news.example.com", "news.example.com", "news.example.com" },
	{ "a public suffix that sends mail itself: psd=y at the start",
	    "bank.example", { "bank.example v=DMARC1; psd=y" }, "bank.example",
	    "bank.example", "bank.example" },
	{ "appendix B: giant.bank.example", "giant.bank.example",
	    { "giant.bank.example v=DMARC1", "bank.example v=DMARC1; psd=y" },
	    "giant.bank.example", "giant.bank.example",
	    "giant.bank.example bank.example" },
	{ "appendix B: mail.giant.bank.example", "mail.giant.bank.example",
	    { "giant.bank.example v=DMARC1", "bank.example v=DMARC1; psd=y" },
	    "giant.bank.example", "giant.bank.example",
	    "mail.giant.bank.example giant.bank.example bank.example" },
	{ "appendix B: mail.mega.bank.example", "mail.mega.bank.example",
	    { "giant.bank.example v=DMARC1", "bank.example v=DMARC1; psd=y" },
	    "mega.bank.example", "bank.example",
	    "mail.mega.bank.example mega.bank.example bank.example" },
	{ "eight queries, the second at seven labels",
	    "a.b.c.d.e.f.g.h.i.j.k.example.com", { "example.com v=DMARC1" },
	    "example.com", "example.com",
	    "a.b.c.d.e.f.g.h.i.j.k.example.com g.h.i.j.k.example.com "
	    "h.i.j.k.example.com i.j.k.example.com j.k.example.com "
	    "k.example.com example.com com" },
	{ "what is between is not asked", "a.b.c.d.e.f.g.h.i.j.k.example.com",
	    { "f.g.h.i.j.k.example.com v=DMARC1" },
	    "a.b.c.d.e.f.g.h.i.j.k.example.com", NULL,
	    "a.b.c.d.e.f.g.h.i.j.k.example.com g.h.i.j.k.example.com "
	    "h.i.j.k.example.com i.j.k.example.com j.k.example.com "
	    "k.example.com example.com com" },
	{ "eight labels", "a.b.c.d.e.f.g.h", { 0 }, "a.b.c.d.e.f.g.h", NULL,
	    "a.b.c.d.e.f.g.h b.c.d.e.f.g.h c.d.e.f.g.h d.e.f.g.h e.f.g.h "
	    "f.g.h g.h h" },
	{ "psd=y above the jump", "a.b.c.d.e.f.g.h.i.example",
	    { "example v=DMARC1; psd=y" }, "i.example", "example",
	    "a.b.c.d.e.f.g.h.i.example d.e.f.g.h.i.example e.f.g.h.i.example "
	    "f.g.h.i.example g.h.i.example h.i.example i.example example" },
	{ "psd=y right below the jump: the organization is a name that was "
	  "not asked",
	    "a.b.c.d.e.f.g.h.i.example",
	    { "d.e.f.g.h.i.example v=DMARC1; psd=y" }, "c.d.e.f.g.h.i.example",
	    "d.e.f.g.h.i.example",
	    "a.b.c.d.e.f.g.h.i.example d.e.f.g.h.i.example" },
	{ "a record of one label", "example.com", { "com v=DMARC1; p=none" },
	    "com", "com", "example.com com" },
	{ "several records are none", "news.example.com",
	    { "news.example.com 2", "example.com v=DMARC1" }, "example.com",
	    "example.com", "news.example.com example.com com" },
	{ "what is no record is none", "news.example.com",
	    { "news.example.com v=spf1 -all", "example.com v=DMARC1" },
	    "example.com", "example.com", "news.example.com example.com com" },
	{ "a failure at the start", "news.example.com",
	    { "news.example.com !", "example.com v=DMARC1" }, NULL, NULL,
	    "news.example.com" },
	{ "a failure on the way up: nobody knows what is there",
	    "news.example.com", { "example.com v=DMARC1", "com !" }, NULL, NULL,
	    "news.example.com example.com com" },
	{ "a failure behind its own record", "news.example.com",
	    { "news.example.com v=DMARC1", "example.com !" }, NULL,
	    "news.example.com", "news.example.com example.com" },
	{ "a failure behind psd=n does not matter", "a.b.example.com",
	    { "b.example.com v=DMARC1; psd=n", "example.com !" },
	    "b.example.com", "b.example.com", "a.b.example.com b.example.com" },
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(walks); i++) {
		const struct walk_case *c = &walks[i];
		struct zone z = { .records = c->records };
		struct walk_source src = { &z, look, NULL, exists };
		struct walk w = walk_domain(&src, c->domain);

		if (!same(w.org, c->org) || !same(w.policy_domain, c->policy) ||
		    strcmp(z.asked, c->asked) != 0)
			fail_msg("%s: org %s, policy of %s, asked %s", c->about,
			    w.org, w.policy_domain, z.asked);
		assert_int_equal(w.record != NULL, c->policy != NULL);
		assert_int_equal(w.failure != NULL, c->org == NULL);
	}
}

static const struct walk_case list_walks[] = {
	{ "its own", "a.example.com",
	    { "a.example.com v=DMARC1", "example.com v=DMARC1" }, "example.com",
	    "a.example.com", "a.example.com" },
	{ "the registered domain's, nothing between", "a.b.c.example.com",
	    { "c.example.com v=DMARC1", "example.com v=DMARC1" }, "example.com",
	    "example.com", "a.b.c.example.com example.com" },
	{ "no record: the organization is there all the same", "a.example.com",
	    { 0 }, "example.com", NULL, "a.example.com example.com" },
	{ "a public suffix", "co.uk", { "co.uk v=DMARC1" }, "co.uk", "co.uk",
	    "co.uk" },
	{ "below one", "a.victim.co.uk", { "co.uk v=DMARC1" }, "victim.co.uk",
	    NULL, "a.victim.co.uk victim.co.uk" },
	{ "psd= means nothing there", "a.b.example.com",
	    { "a.b.example.com v=DMARC1; psd=n" }, "example.com",
	    "a.b.example.com", "a.b.example.com" },
};

static void
test_list_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(list_walks); i++) {
		const struct walk_case *c = &list_walks[i];
		struct zone z = { .records = c->records };
		struct walk_source src = { &z, look, registered, exists };
		struct walk w = walk_domain(&src, c->domain);

		if (!same(w.org, c->org) || !same(w.policy_domain, c->policy) ||
		    strcmp(z.asked, c->asked) != 0)
			fail_msg("%s: org %s, policy of %s, asked %s", c->about,
			    w.org, w.policy_domain, z.asked);
	}
}

/* --- pass or fail, and what is asked for --- */

enum { IDS = 4 };

static const struct evaluate_case {
	const char *about, *author;
	const char *records[RECORDS];
	const char *ids[IDS]; /* "spf pass example.com", "dkim fail ..." */
	const char *want;     /* "result spf dkim tag policy disposition" */
	bool list;            /* by the public suffix list */
	const char *missing;
} evaluations[] = {
#define P "v=DMARC1; p=reject"
	{ "SPF of the same domain", "example.com", { "example.com " P },
	    { "spf pass example.com" }, .want = "pass yes no p reject reject" },
	{ "a signature of the same domain", "example.com", { "example.com " P },
	    { "dkim pass example.com" },
	    .want = "pass no yes p reject reject" },
	{ "nothing passed", "example.com", { "example.com " P },
	    { "spf fail example.com", "dkim fail example.com" },
	    .want = "fail no no p reject reject" },
	{ "others passed", "example.com", { "example.com " P },
	    { "spf pass example.net", "dkim pass example.org" },
	    .want = "fail no no p reject reject" },
	{ "no results at all", "example.com", { "example.com " P }, { 0 },
	    .want = "fail no no p reject reject" },
	{ "no record", "example.com", { 0 }, { "spf pass example.com" },
	    .want = "none" },
	{ "a record without p", "example.com", { "example.com v=DMARC1" },
	    { 0 }, .want = "fail no no p none none" },
	{ "softfail and neutral are no pass", "example.com",
	    { "example.com " P },
	    { "spf softfail example.com", "dkim neutral example.com" },
	    .want = "fail no no p reject reject" },

	/* relaxed */
	{ "a sub-domain signs", "example.com", { "example.com " P },
	    { "dkim pass a.b.example.com" },
	    .want = "pass no yes p reject reject" },
	{ "the parent signs", "news.example.com", { "example.com " P },
	    { "dkim pass example.com" },
	    .want = "pass no yes p reject reject" },
	{ "a cousin signs", "news.example.com", { "example.com " P },
	    { "dkim pass mail.example.com" },
	    .want = "pass no yes p reject reject" },
	{ "a sub-domain that is its own organization", "example.com",
	    { "example.com " P, "team.example.com v=DMARC1; psd=n" },
	    { "dkim pass a.team.example.com" },
	    .want = "fail no no p reject reject" },
	{ "and the parent does not speak for it", "a.team.example.com",
	    { "example.com " P, "team.example.com v=DMARC1; psd=n; p=none" },
	    { "dkim pass example.com" }, .want = "fail no no p none none" },
	{ "a name that only ends alike", "example.com", { "example.com " P },
	    { "dkim pass badexample.com" },
	    .want = "fail no no p reject reject" },
	{ "only SPF is aligned, only the signature passed", "example.com",
	    { "example.com " P },
	    { "spf fail example.com", "dkim pass example.net" },
	    .want = "fail no no p reject reject" },

	/* strict */
	{ "adkim=s, a sub-domain signs", "example.com",
	    { "example.com " P "; adkim=s" }, { "dkim pass a.example.com" },
	    .want = "fail no no p reject reject" },
	{ "adkim=s, but SPF is relaxed", "example.com",
	    { "example.com " P "; adkim=s" },
	    { "spf pass a.example.com", "dkim pass a.example.com" },
	    .want = "pass yes no p reject reject" },
	{ "aspf=s", "example.com", { "example.com " P "; aspf=s" },
	    { "spf pass a.example.com", "dkim pass a.example.com" },
	    .want = "pass no yes p reject reject" },
	{ "strict and the same", "example.com",
	    { "example.com " P "; aspf=s; adkim=s" },
	    { "spf pass example.com", "dkim pass example.com" },
	    .want = "pass yes yes p reject reject" },

	/* what libopendmarc gets wrong */
	{ "adkim=s with a sub-domain, by the list", "example.com",
	    { "example.com " P "; adkim=s" }, { "dkim pass sub.example.com" },
	    .want = "fail no no p reject reject", .list = true },
	{ "d=co.uk for victim.co.uk", "victim.co.uk", { "victim.co.uk " P },
	    { "dkim pass co.uk" }, .want = "fail no no p reject reject" },
	{ "the same by the list", "victim.co.uk", { "victim.co.uk " P },
	    { "dkim pass co.uk" }, .want = "fail no no p reject reject",
	    .list = true },
	{ "d=com for example.com", "example.com", { "example.com " P },
	    { "dkim pass com" }, .want = "fail no no p reject reject" },
	{ "the same by the list", "example.com", { "example.com " P },
	    { "dkim pass com" }, .want = "fail no no p reject reject",
	    .list = true },
	{ "evil.github.io for github.io, which says what it is", "github.io",
	    { "github.io " P "; psd=y" }, { "dkim pass evil.github.io" },
	    .want = "fail no no p reject reject" },
	{ "the same by the list", "github.io", { "github.io " P },
	    { "dkim pass evil.github.io" },
	    .want = "fail no no p reject reject", .list = true },
	{ "siblings below a public suffix", "a.github.io",
	    { "github.io " P "; psd=y" }, { "dkim pass b.github.io" },
	    .want = "fail no no p reject reject" },
	{ "a pass, and then a failure of the same domain", "example.com",
	    { "example.com " P },
	    { "dkim pass a.example.com", "dkim fail a.example.com" },
	    .want = "pass no yes p reject reject" },
	{ "the other way round", "example.com", { "example.com " P },
	    { "dkim fail example.com", "dkim pass example.com" },
	    .want = "pass no yes p reject reject" },
	{ "a failure, and a foreign pass", "example.com", { "example.com " P },
	    { "dkim fail example.com", "dkim pass example.net" },
	    .want = "fail no no p reject reject" },
	{ "t=y: one step down", "example.com", { "example.com " P "; t=y" },
	    { 0 }, .want = "fail no no p reject quarantine" },
	{ "t=y from quarantine", "example.com",
	    { "example.com v=DMARC1; p=quarantine; t=y" }, { 0 },
	    .want = "fail no no p quarantine none" },
	{ "t=y from none", "example.com",
	    { "example.com v=DMARC1; p=none; t=y" }, { 0 },
	    .want = "fail no no p none none" },
	{ "pct=0 says nothing", "example.com", { "example.com " P "; pct=0" },
	    { 0 }, .want = "fail no no p reject reject" },

	/* whose policy */
	{ "sp for a sub-domain", "a.example.com",
	    { "example.com " P "; sp=quarantine" }, { 0 },
	    .want = "fail no no sp quarantine quarantine" },
	{ "p for a sub-domain without sp", "a.example.com",
	    { "example.com " P }, { 0 }, .want = "fail no no p reject reject" },
	{ "sp is not for the domain itself", "example.com",
	    { "example.com " P "; sp=none" }, { 0 },
	    .want = "fail no no p reject reject" },
	{ "sp of a sub-domain's own record is not for it", "a.example.com",
	    { "a.example.com " P "; sp=none", "example.com v=DMARC1; p=none" },
	    { 0 }, .want = "fail no no p reject reject" },
	{ "np for what is not there", "x.example.com",
	    { "example.com v=DMARC1; p=none; sp=quarantine; np=reject" }, { 0 },
	    .want = "fail no no np reject reject", .missing = "x.example.com" },
	{ "sp for what is there", "x.example.com",
	    { "example.com v=DMARC1; p=none; sp=quarantine; np=reject" }, { 0 },
	    .want = "fail no no sp quarantine quarantine" },
	{ "without np sp is for what is not there", "x.example.com",
	    { "example.com v=DMARC1; p=none; sp=quarantine" }, { 0 },
	    .want = "fail no no sp quarantine quarantine",
	    .missing = "x.example.com" },
	{ "np and no sp: p for what is there", "x.example.com",
	    { "example.com v=DMARC1; p=none; np=reject" }, { 0 },
	    .want = "fail no no p none none" },
	{ "np of a public suffix", "a.typo.bank.example",
	    { "bank.example v=DMARC1; psd=y; p=none; np=reject" }, { 0 },
	    .want = "fail no no np reject reject",
	    .missing = "a.typo.bank.example" },
	{ "the public suffix does not speak for an organization that has a "
	  "record",
	    "a.giant.bank.example",
	    { "giant.bank.example v=DMARC1; p=none",
		"bank.example v=DMARC1; psd=y; p=reject" },
	    { 0 }, .want = "fail no no p none none" },
	{ "appendix B: SPF is aligned, the signature is not",
	    "giant.bank.example",
	    { "giant.bank.example v=DMARC1", "bank.example v=DMARC1; psd=y" },
	    { "spf pass mail.giant.bank.example",
		"dkim pass mail.mega.bank.example" },
	    .want = "pass yes no p none none" },

	/* a bad policy */
	{ "p is bad, nobody to tell", "example.com",
	    { "example.com v=DMARC1; p=monitor" }, { "spf pass example.com" },
	    .want = "permerror" },
	{ "p is bad, with a rua: as p=none", "example.com",
	    { "example.com v=DMARC1; p=monitor; rua=mailto:a@b.example" },
	    { 0 }, .want = "fail no no p none none" },
	{ "sp is bad, with a rua", "a.example.com",
	    { "example.com " P "; sp=block; rua=mailto:a@b.example" }, { 0 },
	    .want = "fail no no p none none" },
	{ "sp is bad, without", "example.com",
	    { "example.com " P "; sp=block" }, { 0 }, .want = "permerror" },

	/* what could not be found out */
	{ "the record", "example.com", { "example.com !" },
	    { "spf pass example.com" }, .want = "temperror" },
	{ "the top, with an aligned pass of the same name", "example.com",
	    { "example.com " P, "com !" }, { "spf pass example.com" },
	    .want = "pass yes no p reject reject" },
	{ "the top, with a pass that needs it", "example.com",
	    { "example.com " P, "com !" }, { "spf pass a.example.com" },
	    .want = "temperror" },
	{ "the top, with strict alignment", "example.com",
	    { "example.com " P "; aspf=s", "com !" },
	    { "spf pass a.example.com" },
	    .want = "fail no no p reject reject" },
	{ "the signer's record", "example.com",
	    { "example.com " P, "a.example.com !" },
	    { "dkim pass b.a.example.com" }, .want = "temperror" },
	{ "an aligned SPF", "example.com", { "example.com " P },
	    { "spf temperror example.com" }, .want = "temperror" },
	{ "an aligned signature", "example.com", { "example.com " P },
	    { "spf fail example.com", "dkim temperror a.example.com" },
	    .want = "temperror" },
	{ "a foreign SPF does not matter", "example.com", { "example.com " P },
	    { "spf temperror example.net" },
	    .want = "fail no no p reject reject" },
	{ "nor does one beside a pass", "example.com", { "example.com " P },
	    { "spf temperror example.com", "dkim pass example.com" },
	    .want = "pass no yes p reject reject" },
	{ "a name that is none", "example.com", { "example.com " P },
	    { "dkim pass -" }, .want = "fail no no p reject reject" },
#undef P
};

/* "dkim pass example.com" */
static struct identifier
identifier_of(const char *row, char *room)
{
	char *result, *domain;

	strcpy(room, row);
	result = strchr(room, ' ') + 1;
	domain = strchr(result, ' ');
	*domain++ = '\0';
	return (struct identifier){ strcmp(domain, "-") == 0 ? NULL : domain,
		result, row[0] == 'd' ? "s" : NULL, ALIGN_NO };
}

static void
test_evaluate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(evaluations); i++) {
		const struct evaluate_case *c = &evaluations[i];
		struct zone z = { .records = c->records,
			.missing = c->missing };
		struct walk_source src = { &z, look,
			c->list ? registered : NULL, exists };
		struct identifier ids[IDS];
		struct evaluation e;
		char room[IDS][100], out[200];
		size_t n = 0;

		for (; n < IDS && c->ids[n] != NULL; n++)
			ids[n] = identifier_of(c->ids[n], room[n]);
		e = evaluate(&src, c->author, ids, n);
		snprintf(out, sizeof(out), "%s", result_name(e.result));
		if (e.result == RESULT_PASS || e.result == RESULT_FAIL)
			snprintf(out, sizeof(out), "%s %s %s %s %s %s",
			    result_name(e.result), e.spf_aligned ? "yes" : "no",
			    e.dkim_aligned ? "yes" : "no", e.tag,
			    policy_name(e.policy), policy_name(e.disposition));
		if (strcmp(out, c->want) != 0)
			fail_msg("%s: %s", c->about, out);
		assert_int_equal(
		    e.why != NULL, e.result == RESULT_TEMPERROR ||
				       e.result == RESULT_PERMERROR);
	}
}

/* Nobody is asked about who cannot be aligned anyway. */
static void
test_asks_little(void **state)
{
	static const char *const records[RECORDS] = { "example.com v=DMARC1" };
	struct zone z = { .records = records };
	struct walk_source src = { &z, look, NULL, exists };
	struct identifier ids[] = {
		{ "example.net", "pass", "s", ALIGN_NO },
		{ "a.b.example.org", "pass", "s", ALIGN_NO },
		{ "badexample.com", "pass", "s", ALIGN_NO },
		{ "a.example.com", "fail", "s", ALIGN_NO },
		{ "example.com", "pass", NULL, ALIGN_NO },
	};

	(void)state;
	evaluate(&src, "example.com", ids, COUNT(ids));
	assert_string_equal(z.asked, "example.com com");
	assert_int_equal(ids[4].alignment, ALIGN_EXACT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_list_walk),
		cmocka_unit_test(test_evaluate),
		cmocka_unit_test(test_asks_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
