/* SPDX-License-Identifier: Apache-2.0 */
#include "xml.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of a character of UTF-8 that XML 1.0 may hold; 0: it is none. */
static size_t
character(const unsigned char *s)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80   ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;
	unsigned code = n < 2 ? s[0] : s[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	if (n > 1 && (code < least[n] || code > 0x10ffff ||
			 (code >= 0xd800 && code <= 0xdfff) || code == 0xfffe ||
			 code == 0xffff))
		return 0;
	return n == 1 && (code < ' ' || code == 0x7f) ? 0 : n;
}

void
xml_text(FILE *f, const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&apos;" } };

	while (*text != '\0') {
		size_t n = character((const unsigned char *)text), i = 0;

		while (i < 5 && entities[i].c != *text)
			i++;
		if (i < 5)
			fputs(entities[i].entity, f);
		else if (n == 0)
			fputc('?', f);
		else
			fwrite(text, 1, n, f);
		text += n > 0 ? n : 1;
	}
}

static void
element(FILE *f, int depth, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fprintf(f, "%*s<%s>", 2 * depth, "", name);
	xml_text(f, value);
	fprintf(f, "</%s>\n", name);
}

static void
tag(FILE *f, int depth, const char *name)
{
	fprintf(f, "%*s<%s>\n", 2 * depth, "", name);
}

/* The words that a schema allows; another is told as what it is nearest. */
static const char *
known(const char *value, const char *words, const char *otherwise)
{
	size_t n = value != NULL ? strlen(value) : 0;

	while (n > 0 && *words != '\0') {
		size_t word = strcspn(words, " ");

		if (word == n && memcmp(words, value, n) == 0)
			return value;
		words += word + (words[word] == ' ');
	}
	return otherwise;
}

static const char results[] =
    "none pass fail softfail policy neutral temperror permerror";

static void
put_reasons(FILE *f, const struct evidence *e, const struct xml_row *row)
{
	static const char types[] = "local_policy mailing_list other "
				    "policy_test_mode trusted_forwarder";

	if (row->observed) {
		tag(f, 4, "reason");
		element(f, 5, "type", "local_policy");
		element(f, 5, "comment", "policies are only observed");
		tag(f, 4, "/reason");
	}
	for (size_t i = 0; i < e->nreasons; i++) {
		tag(f, 4, "reason");
		element(
		    f, 5, "type", known(e->reasons[i].type, types, "other"));
		element(f, 5, "comment", e->reasons[i].comment);
		tag(f, 4, "/reason");
	}
}

static void
put_row(FILE *f, const struct evidence *e, const struct xml_row *row)
{
	const char *disposition = known(e->values[EVIDENCE_DISPOSITION],
	    "none pass quarantine reject", "none");

	/* What fails would have had the effect, but had not. */
	if (row->observed && strcmp(disposition, "pass") != 0)
		disposition = "none";
	tag(f, 2, "row");
	element(f, 3, "source_ip", row->source_ip);
	fprintf(f, "      <count>%c</count>\n", XML_COUNT);
	tag(f, 3, "policy_evaluated");
	element(f, 4, "disposition", disposition);
	element(
	    f, 4, "dkim", known(e->values[EVIDENCE_DKIM], "pass fail", "fail"));
	element(
	    f, 4, "spf", known(e->values[EVIDENCE_SPF], "pass fail", "fail"));
	put_reasons(f, e, row);
	tag(f, 3, "/policy_evaluated");
	tag(f, 2, "/row");
}

static void
put_results(FILE *f, const struct evidence *e)
{
	tag(f, 2, "auth_results");
	for (size_t i = 0; i < e->nsignatures; i++) {
		const struct evidence_signature *s = &e->signatures[i];

		tag(f, 3, "dkim");
		element(f, 4, "domain", s->domain);
		element(f, 4, "selector", s->selector);
		element(f, 4, "result", known(s->result, results, "neutral"));
		tag(f, 3, "/dkim");
	}
	if (e->values[EVIDENCE_SPF_RESULT] != NULL &&
	    e->values[EVIDENCE_ENVELOPE] != NULL) {
		tag(f, 3, "spf");
		element(f, 4, "domain", e->values[EVIDENCE_ENVELOPE]);
		element(f, 4, "scope", "mfrom");
		element(f, 4, "result",
		    known(e->values[EVIDENCE_SPF_RESULT], results, "neutral"));
		tag(f, 3, "/spf");
	}
	tag(f, 2, "/auth_results");
}

void
xml_record(FILE *f, const struct evidence *e, const struct xml_row *row)
{
	tag(f, 1, "record");
	put_row(f, e, row);
	tag(f, 2, "identifiers");
	element(f, 3, "header_from", e->values[EVIDENCE_FROM]);
	element(f, 3, "envelope_from", e->values[EVIDENCE_ENVELOPE]);
	element(f, 3, "envelope_to", row->envelope_to);
	tag(f, 2, "/identifiers");
	put_results(f, e);
	tag(f, 1, "/record");
}

static void
put_policy(FILE *f, const char *const policy[EVIDENCE_KEYS])
{
	static const char policies[] = "none quarantine reject";

	tag(f, 1, "policy_published");
	element(f, 2, "domain", policy[EVIDENCE_DOMAIN]);
	element(f, 2, "discovery_method",
	    known(policy[EVIDENCE_METHOD], "psl treewalk", "treewalk"));
	element(f, 2, "p", known(policy[EVIDENCE_P], policies, "none"));
	element(f, 2, "sp", known(policy[EVIDENCE_SP], policies, NULL));
	element(f, 2, "np", known(policy[EVIDENCE_NP], policies, NULL));
	element(f, 2, "fo", policy[EVIDENCE_FO]);
	element(f, 2, "adkim", known(policy[EVIDENCE_ADKIM], "r s", "r"));
	element(f, 2, "aspf", known(policy[EVIDENCE_ASPF], "r s", "r"));
	element(f, 2, "testing", known(policy[EVIDENCE_T], "y n", "n"));
	tag(f, 1, "/policy_published");
}

void
xml_begin(FILE *f, const struct xml_metadata *m,
    const char *const policy[EVIDENCE_KEYS])
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
	      "  <version>1.0</version>\n",
	    f);
	tag(f, 1, "report_metadata");
	element(f, 2, "org_name", m->org);
	element(f, 2, "email", m->email);
	element(f, 2, "extra_contact_info", m->contact);
	element(f, 2, "report_id", m->report_id);
	tag(f, 2, "date_range");
	fprintf(f, "      <begin>%" PRId64 "</begin>\n", m->begin);
	fprintf(f, "      <end>%" PRId64 "</end>\n", m->end);
	tag(f, 2, "/date_range");
	element(f, 2, "generator", m->generator);
	tag(f, 1, "/report_metadata");
	put_policy(f, policy);
}

void
xml_end(FILE *f)
{
	fputs("</feedback>\n", f);
}
