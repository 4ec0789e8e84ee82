/* SPDX-License-Identifier: Apache-2.0 */
/* From the symbols of the plugin dmarc to reports (RFC 9990). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/dmarc/evidence.c"
#include "../../plugins/dmarc/period.c"
#include "../../plugins/dmarc/post.c"
#include "../../plugins/dmarc/report.c"
#include "../../plugins/dmarc/xml.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- evidence --- */

static void
test_evidence(void **state)
{
	struct evidence e = { .values = { [EVIDENCE_FROM] = "a.example.com",
				  [EVIDENCE_DISPOSITION] = "none",
				  [EVIDENCE_SPF] = "fail",
				  [EVIDENCE_DKIM] = "pass",
				  [EVIDENCE_SP] = "",
				  [EVIDENCE_FO] = "1:d",
				  [EVIDENCE_WHY] = "no answer; 100%\n" },
		.signatures = { { "pass", "example.com", "s1" },
		    { "fail", "b=;c d", "" } },
		.nsignatures = 2,
		.reasons = { { "local_policy", NULL },
		    { "mailing_list", "lists.example" } },
		.nreasons = 2 };
	char text[EVIDENCE_BYTES + 1];
	struct evidence again;

	(void)state;
	evidence_write(&e, text);
	assert_string_equal(text,
	    "from=a.example.com disposition=none spf=fail dkim=pass fo=1:d "
	    "why=no%20answer%3B%20100%25%0A reason=local_policy "
	    "reason=mailing_list;lists.example sig=pass;example.com;s1 "
	    "sig=fail;b%3D%3Bc%20d;");
	assert_true(evidence_read(text, &again));
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		if (e.values[i] == NULL || e.values[i][0] == '\0')
			assert_null(again.values[i]);
		else
			assert_string_equal(again.values[i], e.values[i]);
	assert_int_equal(again.nsignatures, 2);
	assert_string_equal(again.signatures[0].selector, "s1");
	assert_string_equal(again.signatures[1].domain, "b=;c d");
	assert_string_equal(again.signatures[1].selector, "");
	assert_int_equal(again.nreasons, 2);
	assert_null(again.reasons[0].comment);
	assert_string_equal(again.reasons[1].comment, "lists.example");
}

/* What does not fit is left out whole, from the end. */
static void
test_evidence_length(void **state)
{
	char domain[254], text[EVIDENCE_BYTES + 1];
	struct evidence e = { .values = { [EVIDENCE_FROM] = "a.example" },
		.nsignatures = EVIDENCE_SIGNATURES };
	struct evidence again;

	(void)state;
	memset(domain, 'd', 253);
	domain[253] = '\0';
	for (size_t i = 0; i < EVIDENCE_SIGNATURES; i++)
		e.signatures[i] =
		    (struct evidence_signature){ "pass", domain, "s" };
	evidence_write(&e, text);
	assert_true(strlen(text) <= EVIDENCE_BYTES);
	assert_true(evidence_read(text, &again));
	assert_int_equal(again.nsignatures, 7);
	assert_string_equal(again.signatures[6].domain, domain);
	assert_string_equal(again.signatures[6].selector, "s");
}

static const char *const no_evidence[] = { "", "from", "disposition=none",
	"from=%", "from=%0", "from=%zz", "from=%00", "from=a spf",
	"from=a  spf=pass", "from=a sig=%4;b;c" };

static void
test_no_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(no_evidence); i++) {
		char text[100];
		struct evidence e = { .nreasons = 77 };

		strcpy(text, no_evidence[i]);
		if (evidence_read(text, &e))
			fail_msg("%s", no_evidence[i]);
		assert_int_equal(e.nreasons, 77);
	}
}

/* --- times --- */

/* 2026-03-10T15:00:00Z */
#define NOW INT64_C(1773154800)

static const struct period_case {
	const char *since, *until;
	int64_t begin, end;
	const char *wrong;
} periods[] = {
	{ NULL, NULL, 1773014400, 1773100800, NULL },
	{ "2026-03-09", NULL, 1773014400, NOW + 1, NULL },
	{ "2026-03-09", "2026-03-10", 1773014400, 1773100800, NULL },
	{ NULL, "2026-03-10", 1773014400, 1773100800, NULL },
	{ "2026-03-10T12:30", "2026-03-10T13:00:01Z", 1773145800, 1773147601,
	    NULL },
	{ "2h", NULL, NOW - 7200, NOW + 1, NULL },
	{ "2d", "1d", NOW - 172800, NOW - 86400, NULL },
	{ "90m", NULL, NOW - 5400, NOW + 1, NULL },
	{ "yesterday", NULL, 0, 0, "--since is no time" },
	{ "2026-02-31", NULL, 0, 0, "--since is no time" },
	{ "2026-03-09x", NULL, 0, 0, "--since is no time" },
	{ "1w", NULL, 0, 0, "--since is no time" },
	{ "1hh", NULL, 0, 0, "--since is no time" },
	{ "h", NULL, 0, 0, "--since is no time" },
	{ "", NULL, 0, 0, "--since is no time" },
	{ "1d", "soon", 0, 0, "--until is no time" },
	{ "1d", "2d", 0, 0, "--since is not before --until" },
	{ "2026-03-10", "2026-03-10", 0, 0, "--since is not before" },
};

static void
test_period(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(periods); i++) {
		const struct period_case *c = &periods[i];
		int64_t begin = 0, end = 0;
		const char *wrong =
		    period_set(c->since, c->until, NOW, &begin, &end);

		if (c->wrong == NULL
			? wrong != NULL
			: wrong == NULL ||
			      strncmp(wrong, c->wrong, strlen(c->wrong)) != 0)
			fail_msg("%s %s: %s", c->since, c->until, wrong);
		if (begin != c->begin || end != c->end)
			fail_msg("%s %s: %lld %lld", c->since, c->until,
			    (long long)begin, (long long)end);
	}
}

/* --- reports --- */

#define POLICY                                                                 \
	" domain=example.com p=reject sp=none adkim=r aspf=s fo=0 t=n "        \
	"method=treewalk rua=yes org=example.com"
#define RECORD(addr, to, symbols)                                              \
	"{\"client\":{\"addr\":\"" addr                                        \
	"\"},\"recipients\":[{\"address\":\"" to "\"}],\"symbols\":[" symbols  \
	"]}"
#define SYMBOL(name, detail)                                                   \
	"{\"name\":\"" name "\",\"detail\":\"" detail "\",\"observed\":false}"

static const char *const journal[] = {
	RECORD("192.0.2.1", "u@here.example",
	    SYMBOL("SPF_PASS", "x") "," SYMBOL("DMARC_PASS",
		"from=example.com disposition=pass spf=pass dkim=fail" POLICY
		" envelope=example.com spf-result=pass "
		"sig=fail;example.com;s1")),
	RECORD("192.0.2.1", "v@here.example",
	    SYMBOL("DMARC_PASS",
		"from=example.com disposition=pass spf=pass dkim=fail" POLICY
		" envelope=example.com spf-result=pass "
		"sig=fail;example.com;s1")),
	RECORD("2001:db8::1", "u@here.example",
	    "{\"name\":\"DMARC_REJECT\",\"detail\":\"from=x.example.com "
	    "disposition=reject spf=fail dkim=fail" POLICY
	    " envelope=evil.example spf-result=strange "
	    "sig=odd;%3C%22'%26%3E%0A;%FF\",\"observed\":true}"),
	RECORD("192.0.2.9", "u@here.example",
	    SYMBOL("DMARC_REJECT",
		"from=example.com disposition=none spf=fail dkim=fail" POLICY
		" reason=mailing_list;lists.example reason=odd;x")),
	/* another policy of the same domain, and another domain */
	RECORD("192.0.2.9", "u@here.example",
	    SYMBOL("DMARC_NONE",
		"from=example.com disposition=none spf=fail dkim=fail "
		"domain=example.com p=none adkim=r aspf=r fo=0 t=n "
		"method=treewalk")),
	RECORD("192.0.2.9", "u@here.example",
	    SYMBOL("DMARC_QUARANTINE",
		"from=a.example disposition=quarantine spf=fail dkim=fail "
		"domain=a.example p=quarantine adkim=r aspf=r fo=0 t=n "
		"method=psl rua=yes")),
	/* what is passed over */
	RECORD("192.0.2.9", "u@here.example",
	    SYMBOL("DMARC_TEMPERROR", "from=a.example why=x")),
	RECORD("192.0.2.9", "u@here.example",
	    SYMBOL("DMARC_NONE", "from=a.example domain=../../x p=none")),
	RECORD("192.0.2.9", "u@here.example", SYMBOL("DMARC_NONE", "junk")),
	"{\"symbols\":[{\"name\":\"DMARC_PASS\"}]}",
	"{\"symbols\":[" SYMBOL("DMARC_PASS", "from=a domain=a.example") "]}",
	"{}",
	"no JSON",
};

static const struct xml_metadata metadata = { "Org & Co", "d@here.example",
	NULL, "1.2@here.example", "millrace", 1000, 1999 };

static char *
written(const struct report *r)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	report_write(r, &metadata, f);
	fclose(f);
	return text;
}

static struct report_set *
collect(const char *domain)
{
	struct report_set *set = report_create(domain);

	for (size_t i = 0; i < COUNT(journal); i++)
		report_add(set, journal[i]);
	return set;
}

static const char want_rows[] =
    "  <record>\n"
    "    <row>\n"
    "      <source_ip>192.0.2.1</source_ip>\n"
    "      <count>2</count>\n"
    "      <policy_evaluated>\n"
    "        <disposition>pass</disposition>\n"
    "        <dkim>fail</dkim>\n"
    "        <spf>pass</spf>\n"
    "      </policy_evaluated>\n"
    "    </row>\n"
    "    <identifiers>\n"
    "      <header_from>example.com</header_from>\n"
    "      <envelope_from>example.com</envelope_from>\n"
    "      <envelope_to>here.example</envelope_to>\n"
    "    </identifiers>\n"
    "    <auth_results>\n"
    "      <dkim>\n"
    "        <domain>example.com</domain>\n"
    "        <selector>s1</selector>\n"
    "        <result>fail</result>\n"
    "      </dkim>\n"
    "      <spf>\n"
    "        <domain>example.com</domain>\n"
    "        <scope>mfrom</scope>\n"
    "        <result>pass</result>\n"
    "      </spf>\n"
    "    </auth_results>\n"
    "  </record>\n";

static void
must_have(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void
test_report(void **state)
{
	struct report_set *set = collect(NULL);
	struct report *const *list;
	char *text;
	size_t n, strict;

	(void)state;
	list = report_list(set, &n);
	assert_int_equal(n, 3);
	assert_string_equal(list[0]->values[EVIDENCE_DOMAIN], "a.example");
	assert_true(list[0]->wanted);
	assert_string_equal(list[1]->values[EVIDENCE_DOMAIN], "example.com");
	assert_string_equal(list[2]->values[EVIDENCE_DOMAIN], "example.com");
	assert_true(list[1]->id != list[2]->id);
	strict = list[1]->messages == 4 ? 1 : 2;
	assert_int_equal(list[strict]->messages, 4);
	assert_int_equal(list[strict]->nrows, 3);
	assert_true(list[strict]->wanted);
	assert_false(list[3 - strict]->wanted);
	text = written(list[strict]);
	must_have(text, want_rows);
	must_have(text, "<org_name>Org &amp; Co</org_name>");
	must_have(text, "<end>1999</end>");
	must_have(text, "  <policy_published>\n"
			"    <domain>example.com</domain>\n"
			"    <discovery_method>treewalk</discovery_method>\n"
			"    <p>reject</p>\n"
			"    <sp>none</sp>\n"
			"    <fo>0</fo>\n"
			"    <adkim>r</adkim>\n"
			"    <aspf>s</aspf>\n"
			"    <testing>n</testing>\n"
			"  </policy_published>\n");
	/* observed: it would have, but has not */
	must_have(text, "<source_ip>2001:db8::1</source_ip>\n"
			"      <count>1</count>\n"
			"      <policy_evaluated>\n"
			"        <disposition>none</disposition>\n"
			"        <dkim>fail</dkim>\n"
			"        <spf>fail</spf>\n"
			"        <reason>\n"
			"          <type>local_policy</type>\n");
	must_have(text, "<domain>&lt;&quot;&apos;&amp;&gt;?</domain>\n"
			"        <selector>?</selector>\n"
			"        <result>neutral</result>");
	must_have(text, "<type>mailing_list</type>\n"
			"          <comment>lists.example</comment>");
	must_have(text, "<type>other</type>");
	free(text);
	report_destroy(&set);
	assert_null(set);
	report_destroy(&set);
}

static void
test_of_one_domain(void **state)
{
	struct report_set *set = collect("a.example");
	struct report *const *list;
	char *text;
	size_t n;

	(void)state;
	list = report_list(set, &n);
	assert_int_equal(n, 1);
	assert_int_equal(list[0]->messages, 1);
	text = written(list[0]);
	must_have(text, "<discovery_method>psl</discovery_method>");
	free(text);
	report_destroy(&set);
}

/* Many rows: the table grows, and counts what it has. */
static void
test_many(void **state)
{
	struct report_set *set = report_create(NULL);
	struct report *const *list;
	char json[600];
	uint64_t sum = 0;
	size_t n;

	(void)state;
	for (int i = 0; i < 6000; i++) {
		snprintf(json, sizeof(json),
		    "{\"client\":{\"addr\":\"10.0.%d.%d\"},\"symbols\":[%s]}",
		    i % 3000 / 250, i % 250,
		    SYMBOL("DMARC_NONE", "from=a.example domain=a.example"));
		report_add(set, json);
	}
	list = report_list(set, &n);
	assert_int_equal(n, 1);
	assert_int_equal(list[0]->nrows, 3000);
	assert_int_equal(list[0]->messages, 6000);
	for (size_t i = 0; i < list[0]->nrows; i++) {
		assert_int_equal(list[0]->rows[i]->count, 2);
		sum += list[0]->rows[i]->count;
	}
	assert_int_equal(sum, 6000);
	report_destroy(&set);
}

/* --- the file and the mail --- */

static const struct post_sender sender = { .org = "Org",
	.email = "d@here.example",
	.generator = "millrace",
	.domain = "here.example" };

static void
test_post(void **state)
{
	struct report_set *set = collect("a.example");
	const struct report *r;
	struct post p, again;
	char *mail = NULL;
	char name[200];
	size_t n;
	FILE *f;

	(void)state;
	r = report_list(set, &n)[0];
	assert_true(post_make(&sender, r, 1000, 2000, &p));
	snprintf(name, sizeof(name),
	    "here.example!a.example!1000!1999!%08x"
	    ".xml.gz",
	    r->id);
	assert_string_equal(p.name, name);
	assert_memory_equal(p.bytes, "\x1f\x8b", 2);
	/* the same report is the same file */
	assert_true(post_make(&sender, r, 1000, 2000, &again));
	assert_int_equal(again.size, p.size);
	assert_memory_equal(again.bytes, p.bytes, p.size);
	assert_string_equal(again.report_id, p.report_id);
	f = open_memstream(&mail, &n);
	post_mail(f, &p, &sender, "a.example", "r@b.example", 1773154800);
	fclose(f);
	must_have(mail, "From: d@here.example\nTo: r@b.example\n"
			"Subject: Report Domain: a.example\n"
			"\tSubmitter: here.example\n"
			"\tReport-ID: <1000.1999.");
	must_have(mail, "\nDate: Tue, 10 Mar 2026 15:00:00 +0000\n");
	must_have(mail, "\nContent-Type: application/gzip\n");
	must_have(mail, "\n\nH4sI"); /* what base64 makes of gzip */
	for (const char *line = mail; *line != '\0';
	     line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 200);
	free(mail);
	post_finish(&p);
	post_finish(&again);
	report_destroy(&set);
}

static void
test_xml_text(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = { { "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&apos;" },
		{ "\x01\n\x7f", "???" }, { "\xc3\xbc", "\xc3\xbc" },
		{ "\xfc", "?" }, { "\xc0\xbc", "??" },
		{ "\xed\xa0\x80", "???" }, { "\xef\xbf\xbf", "???" },
		{ "\xf0\x9f\x93\xa7", "\xf0\x9f\x93\xa7" },
		{ "\xf0\x9f\x93", "???" }, { "]]>", "]]&gt;" } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		xml_text(f, rows[i].in);
		fclose(f);
		assert_string_equal(text, rows[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_evidence_length),
		cmocka_unit_test(test_no_evidence),
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_of_one_domain),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_xml_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
