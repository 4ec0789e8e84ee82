/* SPDX-License-Identifier: Apache-2.0 */
/* Records and URIs of the plugin dmarc (RFC 9989, 4.7 and 4.8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../plugins/dmarc/record.c"
#include "../../plugins/dmarc/text.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is left of a record: "p sp np adkim aspf psd t fo", "-" if absent,
 * "!" if a policy is bad, "rua" if there is one; NULL: no record. */
static const struct record_case {
	const char *text, *want;
} cases[] = {
	{ "v=DMARC1; p=none", "none - - r r u n 0" },
	{ "v=DMARC1;p=reject", "reject - - r r u n 0" },
	{ "v=DMARC1 ; p = quarantine ;", "quarantine - - r r u n 0" },
	{ "v = DMARC1;p=reject;;;", "reject - - r r u n 0" },
	{ "v=DMARC1", "- - - r r u n 0" },
	{ "v=DMARC1;", "- - - r r u n 0" },
	{ "v=DMARC1; rua=mailto:a@b.example", "- - - r r u n 0 rua" },
	{ "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; "
	  "psd=y; t=y; fo=1:d:s; rua=mailto:a@b.example",
	    "reject quarantine none s s y y 1:d:s rua" },
	{ "v=DMARC1; psd=n; t=n; adkim=r", "- - - r r n n 0" },
	{ "v=DMARC1; psd=u", "- - - r r u n 0" },
	/* in any case, but for the version */
	{ "V=DMARC1; P=Reject; ADKIM=S; T=Y", "reject - - s r u y 0" },
	{ "v=dmarc1; p=none", NULL },
	/* the version comes first, and alone */
	{ "", NULL },
	{ "p=reject; v=DMARC1", NULL },
	{ " v=DMARC1; p=none", NULL },
	{ "v=DMARC1 p=none", NULL },
	{ "v=DMARC2; p=none", NULL },
	{ "v=DMARC11; p=none", NULL },
	{ "v=spf1 -all", NULL },
	{ "v;DMARC1", NULL },
	{ ";v=DMARC1", NULL },
	/* a policy that is none */
	{ "v=DMARC1; p=monitor", "- - - r r u n 0 !" },
	{ "v=DMARC1; p=", "- - - r r u n 0 !" },
	{ "v=DMARC1; p=none; sp=block", "none - - r r u n 0 !" },
	{ "v=DMARC1; p=none; np=1", "none - - r r u n 0 !" },
	{ "v=DMARC1; p=reject none", "- - - r r u n 0 !" },
	{ "v=DMARC1; p=bad; rua=mailto:a@b.example", "- - - r r u n 0 ! rua" },
	/* what is wrong behind the version counts as if it were not there */
	{ "v=DMARC1; p=reject; adkim=x; aspf=; psd=z; t=maybe; fo=2",
	    "reject - - r r u n 0" },
	{ "v=DMARC1; p=reject; fo=1:", "reject - - r r u n 0" },
	{ "v=DMARC1; junk; =; p=reject; x==y", "reject - - r r u n 0" },
	/* removed and unknown tags */
	{ "v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600; foo=bar",
	    "reject - - r r u n 0" },
	/* twice: the first counts */
	{ "v=DMARC1; p=reject; p=none; t=y; t=n", "reject - - r r u y 0" },
	{ "v=DMARC1; p=no\x01ne", "- - - r r u n 0 !" },
	/* a rua that is none */
	{ "v=DMARC1; rua=", "- - - r r u n 0" },
	{ "v=DMARC1; rua=a@b.example", "- - - r r u n 0" },
	{ "v=DMARC1; rua=mailto:", "- - - r r u n 0" },
	{ "v=DMARC1; rua=bad, mailto:a@b.example", "- - - r r u n 0 rua" },
	{ "v=DMARC1; rua=https://b.example/x", "- - - r r u n 0 rua" },
};

static void
show_policy(char *out, size_t size, bool has, enum policy p)
{
	size_t n = strlen(out);

	snprintf(out + n, size - n, "%s ", has ? policy_name(p) : "-");
}

static void
show(char *out, size_t size, const struct record *r)
{
	size_t n;

	out[0] = '\0';
	show_policy(out, size, r->has_p, r->p);
	show_policy(out, size, r->has_sp, r->sp);
	show_policy(out, size, r->has_np, r->np);
	n = strlen(out);
	snprintf(out + n, size - n, "%c %c %c %c %.*s%s%s",
	    r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r',
	    "uyn"[r->psd], r -> testing ? 'y' : 'n', (int)r->fo.n, r->fo.p,
	    r->bad_policy ? " !" : "", r->has_rua ? " rua" : "");
}

static void
test_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record r = { .p = POLICY_REJECT };
		bool ok = record_parse(text_of(cases[i].text), &r);
		char out[200];

		if (ok != (cases[i].want != NULL))
			fail_msg("%s", cases[i].text);
		if (!ok) {
			assert_int_equal(r.p, POLICY_REJECT);
			continue;
		}
		show(out, sizeof(out), &r);
		if (strcmp(out, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].text, out);
		if (!r.has_p)
			assert_int_equal(r.p, POLICY_NONE);
	}
}

/* "address limit", one a line; "other" of another scheme; "bad". */
static const struct uri_case {
	const char *list, *want;
} uris[] = {
	{ "", "" },
	{ " , ,", "" },
	{ "mailto:a@b.example", "a@b.example b.example 0\n" },
	{ "MAILTO:a@B.example", "a@B.example B.example 0\n" },
	{ "mailto:a@b.example!10m", "a@b.example b.example 10485760\n" },
	{ "mailto:a@b.example!10M, mailto:c.d+e@f.example!5",
	    "a@b.example b.example 10485760\nc.d+e@f.example f.example 5\n" },
	{ "mailto:a@b.example!1k,mailto:a@b.example!1g",
	    "a@b.example b.example 1024\na@b.example b.example 1073741824\n" },
	{ "mailto:a%2Bb@c.example", "a+b@c.example c.example 0\n" },
	{ "mailto:a@b.example?subject=x", "a@b.example b.example 0\n" },
	{ "mailto:-f@b.example", "-f@b.example b.example 0\n" },
	{ "https://b.example/x", "other\n" },
	{ "mailto:a@b.example!10x", "bad\n" },
	{ "mailto:a@b.example!", "bad\n" },
	{ "mailto:a@b.example!0", "bad\n" },
	{ "mailto:a@b.example!10m!5", "bad\n" },
	{ "mailto:a@b.example!9999999999", "bad\n" },
	{ "mailto:a", "bad\n" },
	{ "mailto:a@", "bad\n" },
	{ "mailto:@b.example", "bad\n" },
	{ "mailto:a@@b.example", "bad\n" },
	{ "mailto:a@b..example", "bad\n" },
	{ "mailto:a@.b.example", "bad\n" },
	{ "mailto:a..b@c.example", "bad\n" },
	{ "mailto:a b@c.example", "bad\n" },
	{ "mailto:\"a\"@c.example", "bad\n" },
	{ "mailto:a@[192.0.2.1]", "bad\n" },
	/* what would be more than an address */
	{ "mailto:a%0A@b.example", "bad\n" },
	{ "mailto:a%00@b.example", "bad\n" },
	{ "mailto:a@b.example%00x", "bad\n" },
	{ "mailto:a%2Cb@c.example", "bad\n" },
	{ "mailto:a%20-oQ/tmp@c.example", "bad\n" },
	{ "mailto:a%4@c.example", "bad\n" },
	{ "mailto:a%zz@c.example", "bad\n" },
	{ "a@b.example", "bad\n" },
	{ ":a@b.example", "bad\n" },
	{ "1mailto:a@b.example", "bad\n" },
	{ "bad, mailto:a@b.example", "bad\na@b.example b.example 0\n" },
};

static void
test_uri(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++) {
		struct text list = text_of(uris[i].list);
		char out[400] = "";
		struct uri u;
		size_t n;
		bool ok;

		while (uri_next(&list, &u, &ok)) {
			n = strlen(out);
			if (!ok)
				strcat(out, "bad\n");
			else if (!u.mailto)
				strcat(out, "other\n");
			else
				snprintf(out + n, sizeof(out) - n,
				    "%s %s %llu\n", u.address, uri_domain(&u),
				    u.limit);
		}
		if (strcmp(out, uris[i].want) != 0)
			fail_msg("%s: %s", uris[i].list, out);
	}
}

static void
test_long_address(void **state)
{
	char list[700] = "mailto:";
	struct text t;
	struct uri u;
	bool ok = true;

	(void)state;
	memset(list + 7, 'a', 400);
	strcpy(list + 407, "@b.example");
	t = text_of(list);
	assert_true(uri_next(&t, &u, &ok));
	assert_false(ok);
}

static void
test_lower(void **state)
{
	(void)state;
	assert_int_equal(policy_lower(POLICY_REJECT), POLICY_QUARANTINE);
	assert_int_equal(policy_lower(POLICY_QUARANTINE), POLICY_NONE);
	assert_int_equal(policy_lower(POLICY_NONE), POLICY_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_long_address),
		cmocka_unit_test(test_lower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
