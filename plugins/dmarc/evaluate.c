/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate.h"

#include <string.h>

const char *
result_name(enum result r)
{
	static const char *const names[RESULTS] = {
		[RESULT_NONE] = "none",
		[RESULT_PASS] = "pass",
		[RESULT_FAIL] = "fail",
		[RESULT_TEMPERROR] = "temperror",
		[RESULT_PERMERROR] = "permerror",
	};

	return names[r];
}

static bool
is_below(const char *domain, const char *parent)
{
	size_t n = strlen(domain), m = strlen(parent);

	return n > m && domain[n - m - 1] == '.' &&
	       strcmp(domain + n - m, parent) == 0;
}

/*
 * An organizational domain is the domain itself or above it.  So one that is
 * neither the author's organizational domain nor below it cannot be aligned,
 * and nobody has to be asked about it.
 */
static enum alignment
align_relaxed(const struct walk_source *src, const struct walk *author,
    const char *domain)
{
	struct walk other;

	if (author->org == NULL)
		return ALIGN_UNKNOWN;
	if (strcmp(domain, author->org) == 0)
		return ALIGN_RELAXED;
	if (!is_below(domain, author->org))
		return ALIGN_NO;
	other = walk_domain(src, domain);
	if (other.org == NULL)
		return ALIGN_UNKNOWN;
	return strcmp(other.org, author->org) == 0 ? ALIGN_RELAXED : ALIGN_NO;
}

/* Only these can make a difference. */
static bool
matters(const struct identifier *id)
{
	return id->domain != NULL && (strcmp(id->result, "pass") == 0 ||
					 strcmp(id->result, "temperror") == 0);
}

static void
align(const struct walk_source *src, const struct evaluation *e,
    struct identifier *id)
{
	const struct record *r = e->walk.record;
	bool strict = id->selector != NULL ? r->strict_dkim : r->strict_spf;

	id->alignment = ALIGN_NO;
	if (!matters(id))
		return;
	if (strcmp(id->domain, e->author) == 0)
		id->alignment = ALIGN_EXACT;
	else if (!strict)
		id->alignment = align_relaxed(src, &e->walk, id->domain);
}

/* RFC 9989, 4.10.1: the policy of whom, and in what case. */
static void
find_policy(const struct walk_source *src, struct evaluation *e)
{
	const struct record *r = e->walk.record;

	e->policy = r->p;
	e->tag = "p";
	if (strcmp(e->walk.policy_domain, e->author) == 0)
		return;
	if (r->has_np && !src->exists(src->arg, e->author)) {
		e->policy = r->np;
		e->tag = "np";
	} else if (r->has_sp) {
		e->policy = r->sp;
		e->tag = "sp";
	}
}

static void
judge(struct evaluation *e, const struct identifier *ids, size_t count)
{
	bool open = false;

	for (size_t i = 0; i < count; i++) {
		bool passed = strcmp(ids[i].result, "pass") == 0;

		if (ids[i].alignment == ALIGN_NO)
			continue;
		if (!passed || ids[i].alignment == ALIGN_UNKNOWN)
			open = true;
		else if (ids[i].selector != NULL)
			e->dkim_aligned = true;
		else
			e->spf_aligned = true;
	}
	e->result = e->spf_aligned || e->dkim_aligned ? RESULT_PASS
		    : open                            ? RESULT_TEMPERROR
						      : RESULT_FAIL;
	/* RFC 9989, 5.3.6: neither passed nor failed. */
	if (e->result == RESULT_TEMPERROR)
		e->why = e->walk.failure != NULL
			     ? e->walk.failure
			     : "SPF or DKIM could not be checked";
}

struct evaluation
evaluate(const struct walk_source *src, const char *author,
    struct identifier *ids, size_t count)
{
	struct evaluation e = { .author = author };
	const struct record *r;

	e.walk = walk_domain(src, author);
	r = e.walk.record;
	if (r == NULL) {
		e.result =
		    e.walk.failure != NULL ? RESULT_TEMPERROR : RESULT_NONE;
		e.why = e.walk.failure;
		return e;
	}
	/* RFC 9989, 4.10.1: with a rua it is as good as p=none. */
	if (r->bad_policy && !r->has_rua) {
		e.result = RESULT_PERMERROR;
		e.why = "its policy is not none, quarantine or reject";
		return e;
	}
	for (size_t i = 0; i < count; i++)
		align(src, &e, &ids[i]);
	judge(&e, ids, count);
	if (r->bad_policy)
		e.tag = "p";
	else
		find_policy(src, &e);
	e.disposition = r->testing ? policy_lower(e.policy) : e.policy;
	return e;
}
