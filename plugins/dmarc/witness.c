/* SPDX-License-Identifier: Apache-2.0 */
#include "witness.h"

#include <string.h>

static const char *
symbol_of(const struct evaluation *e)
{
	static const char *const failed[POLICIES] = {
		[POLICY_NONE] = "DMARC_NONE",
		[POLICY_QUARANTINE] = "DMARC_QUARANTINE",
		[POLICY_REJECT] = "DMARC_REJECT",
	};
	static const char *const others[RESULTS] = {
		[RESULT_NONE] = "DMARC_NO_POLICY",
		[RESULT_PASS] = "DMARC_PASS",
		[RESULT_TEMPERROR] = "DMARC_TEMPERROR",
		[RESULT_PERMERROR] = "DMARC_PERMERROR",
	};

	return e->result == RESULT_FAIL ? failed[e->disposition]
					: others[e->result];
}

static const char *
pass_or_fail(bool passed)
{
	return passed ? "pass" : "fail";
}

/* --- the symbol --- */

static const char *
copy_text(struct mr_ctx *c, struct text t)
{
	char *p = c->host->alloc(c, t.n + 1);

	memcpy(p, t.p, t.n);
	return p;
}

static void
put_policy(
    struct mr_ctx *c, const struct evaluation *e, struct evidence *w, bool psl)
{
	const struct record *r = e->walk.record;

	w->values[EVIDENCE_SPF] = pass_or_fail(e->spf_aligned);
	w->values[EVIDENCE_DKIM] = pass_or_fail(e->dkim_aligned);
	w->values[EVIDENCE_DOMAIN] = e->walk.policy_domain;
	w->values[EVIDENCE_P] = policy_name(r->p);
	w->values[EVIDENCE_SP] = r->has_sp ? policy_name(r->sp) : NULL;
	w->values[EVIDENCE_NP] = r->has_np ? policy_name(r->np) : NULL;
	w->values[EVIDENCE_ADKIM] = r->strict_dkim ? "s" : "r";
	w->values[EVIDENCE_ASPF] = r->strict_spf ? "s" : "r";
	w->values[EVIDENCE_FO] = copy_text(c, r->fo);
	w->values[EVIDENCE_T] = r->testing ? "y" : "n";
	w->values[EVIDENCE_METHOD] = psl ? "psl" : "treewalk";
	w->values[EVIDENCE_RUA] = r->has_rua ? "yes" : NULL;
}

/* RFC 9990, 3.1.3: those that tell the most come first. */
static unsigned
rank(const struct identifier *id)
{
	if (strcmp(id->result, "pass") != 0)
		return 3;
	return id->alignment == ALIGN_EXACT     ? 0
	       : id->alignment == ALIGN_RELAXED ? 1
						: 2;
}

static void
put_signatures(const struct gathered *g, struct evidence *w)
{
	for (unsigned r = 0; r <= 3; r++)
		for (size_t i = 0; i < g->count; i++) {
			const struct identifier *id = &g->ids[i];

			if (id->selector == NULL || id->domain == NULL ||
			    rank(id) != r)
				continue;
			w->signatures[w->nsignatures++] =
			    (struct evidence_signature){ id->result, id->domain,
				    id->selector };
		}
}

static void
put_symbol(struct mr_ctx *c, const struct evaluation *e,
    const struct decision *d, const struct gathered *g, bool psl)
{
	struct evidence w = { .nreasons = d->nreasons };
	char detail[EVIDENCE_BYTES + 1];

	w.values[EVIDENCE_FROM] = e->author;
	w.values[EVIDENCE_DISPOSITION] = d->disposition;
	w.values[EVIDENCE_ORG] = e->walk.org;
	w.values[EVIDENCE_WHY] = e->why;
	memcpy(w.reasons, d->reasons, sizeof(w.reasons));
	if (e->result == RESULT_PASS || e->result == RESULT_FAIL) {
		put_policy(c, e, &w, psl);
		w.values[EVIDENCE_ENVELOPE] = g->spf_domain;
		w.values[EVIDENCE_SPF_RESULT] = g->spf_result;
		put_signatures(g, &w);
	}
	evidence_write(&w, detail);
	c->host->symbol(c, symbol_of(e), d->score, detail);
}

/* --- the result --- */

/* What happens, in the words of a policy. */
static const char *
applied(const struct evaluation *e, const struct decision *d)
{
	if (e->walk.record == NULL || e->result == RESULT_PERMERROR)
		return NULL;
	return strcmp(d->disposition, "pass") == 0 ? "none" : d->disposition;
}

static void
put_result(
    struct mr_ctx *c, const struct evaluation *e, const struct decision *d)
{
	struct mr_auth_property properties[] = {
		{ "header.from", e->author },
		{ "policy.dmarc", applied(e, d) },
	};

	c->host->auth_result(
	    c, "dmarc", result_name(e->result), e->why, properties, 2);
}

void
witness(struct mr_ctx *c, const struct evaluation *e, const struct decision *d,
    const struct gathered *g, bool psl)
{
	put_symbol(c, e, d, g, psl);
	put_result(c, e, d);
}

void
witness_error(
    struct mr_ctx *c, const char *symbol, double score, const char *why)
{
	c->host->symbol(c, symbol, score, why);
	c->host->auth_result(c, "dmarc", "permerror", why, NULL, 0);
	c->host->note_set(c, "dmarc.result", "permerror");
}

/* --- notes --- */

static int
severity(enum result r)
{
	static const int order[RESULTS] = {
		[RESULT_PASS] = 0,
		[RESULT_NONE] = 1,
		[RESULT_PERMERROR] = 2,
		[RESULT_TEMPERROR] = 3,
		[RESULT_FAIL] = 4,
	};

	return order[r];
}

bool
witness_is_worse(const struct evaluation *e, const struct decision *d,
    const struct evaluation *known, const struct decision *known_decision)
{
	/* That a score is given for a pass does not make it grave. */
	bool passed = e->result == RESULT_PASS,
	     known_passed = known->result == RESULT_PASS;

	if (passed != known_passed)
		return known_passed;
	if (d->action != known_decision->action)
		return decide_graver(d->action, known_decision->action);
	return severity(e->result) > severity(known->result);
}

void
witness_notes(
    struct mr_ctx *c, const struct evaluation *e, const struct decision *d)
{
	const struct {
		const char *key, *value;
	} notes[] = {
		{ "dmarc.result", result_name(e->result) },
		{ "dmarc.domain", e->author },
		{ "dmarc.org-domain", e->walk.org },
		{ "dmarc.policy", e->walk.record != NULL && e->tag != NULL
				      ? policy_name(e->policy)
				      : NULL },
		{ "dmarc.disposition", applied(e, d) },
		{ "dmarc.aligned-spf", e->spf_aligned ? "yes" : "no" },
		{ "dmarc.aligned-dkim", e->dkim_aligned ? "yes" : "no" },
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (notes[i].value != NULL)
			c->host->note_set(c, notes[i].key, notes[i].value);
}
