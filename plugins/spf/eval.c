/* SPDX-License-Identifier: Apache-2.0 */
#include "eval.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "domain.h"
#include "eval_private.h"

enum {
	EXPLANATION = 500, /* bytes of it that are shown */
	WHY = 300,
	PATH = 300,
	NO_TIME = 20,     /* milliseconds, in which nothing is done any more */
	KEPT_BY_DNS = 150 /* dns/1 leaves as much of a callback, and less */
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- what is known --- */

static struct span *
value(struct eval *e, char letter)
{
	return &e->values.of[letter - 'a'];
}

void
eval_begin(struct eval *e, struct mr_ctx *ctx, const struct eval_facts *f)
{
	struct text dotted, pretty;

	*e = (struct eval){ .ctx = ctx, .facts = f };
	e->began = ctx->host->time_left(ctx);
	dotted = TEXT(e->addresses[0]);
	pretty = TEXT(e->addresses[1]);
	address_print_dotted(&f->client, &dotted);
	address_print(&f->client, &pretty);
	snprintf(e->now, sizeof(e->now), "%lld", (long long)time(NULL));
	*value(e, 's') = f->sender;
	*value(e, 'l') = f->local;
	*value(e, 'o') = f->domain;
	*value(e, 'i') = span_of(e->addresses[0]);
	*value(e, 'c') = span_of(e->addresses[1]);
	*value(e, 'v') = span_of(f->client.bits == 32 ? "in-addr" : "ip6");
	*value(e, 'h') = f->helo;
	*value(e, 'r') = f->receiver;
	*value(e, 't') = span_of(e->now);
}

bool
eval_stop(struct eval *e, enum result result, const char *format, ...)
{
	va_list args;
	char *why;

	if (e->stop != RESULT_NONE)
		return false;
	why = e->ctx->host->alloc(e->ctx, WHY);
	va_start(args, format);
	vsnprintf(why, WHY, format, args);
	va_end(args);
	e->stop = result;
	e->why = why;
	return false;
}

/* --- limits --- */

uint32_t
eval_asks_left(const struct eval *e)
{
	return e->facts->limits.terms - e->terms;
}

/* RFC 7208, 4.6.4 */
bool
eval_count_term(struct eval *e)
{
	if (e->stop != RESULT_NONE)
		return false;
	if (eval_asks_left(e) == 0)
		return eval_stop(e, RESULT_PERMERROR,
		    "more than %u terms ask the DNS", e->facts->limits.terms);
	e->terms++;
	return true;
}

/* --- questions --- */

static int64_t
time_left(const struct eval *e)
{
	int64_t used = e->began - e->ctx->host->time_left(e->ctx);

	return e->facts->limits.time - used;
}

/* Where an error may be due to time alone. */
static bool
is_late(const struct eval *e)
{
	return time_left(e) <= NO_TIME ||
	       e->ctx->host->time_left(e->ctx) <= KEPT_BY_DNS;
}

const struct mr_dns_answer *
eval_ask(struct eval *e, const char *name, mr_dns_type type)
{
	static const struct mr_dns_answer none = { .status = MR_DNS_TEMPFAIL,
		.why = "the time is up" };
	int64_t left = time_left(e);
	const struct mr_dns_answer *a = &none;

	if (e->stop == RESULT_NONE && left > 0)
		a = e->facts->dns->query(e->ctx, name, type, left);
	if (a->status == MR_DNS_TEMPFAIL && is_late(e)) {
		e->late = true;
		eval_stop(e, RESULT_TEMPERROR,
		    "the DNS gave no answer in time, for %.100s", name);
	}
	return a;
}

bool
eval_ask_or_stop(struct eval *e, const char *name, mr_dns_type type,
    const struct mr_dns_answer **a)
{
	*a = eval_ask(e, name, type);
	if ((*a)->status != MR_DNS_TEMPFAIL)
		return true;
	return eval_stop(e, RESULT_TEMPERROR,
	    "the DNS failed for %.100s: %.80s", name,
	    (*a)->why != NULL ? (*a)->why : "no reason known");
}

/* --- the domain of a term --- */

static bool
expand(struct eval *e, const struct eval_record *r, struct span macros,
    struct text *out)
{
	*value(e, 'd') = r->domain;
	if (macro_uses(macros, 'p'))
		*value(e, 'p') = names_client(e, r->domain);
	return macro_expand(macros, &e->values, out);
}

struct span
eval_target(struct eval *e, const struct eval_record *r, const struct term *t,
    char *buffer)
{
	struct text out = {
		.p = buffer, .size = EXPANDED, .keep = EXPANDED_KEEP
	};

	if (t->domain.n == 0)
		return r->domain;
	if (!expand(e, r, t->domain, &out))
		return (struct span){ buffer, 0 };
	return domain_shorten((struct span){ out.p, out.n });
}

/* --- records --- */

static struct span
copy(struct eval *e, struct span s)
{
	char *p = e->ctx->host->alloc(e->ctx, s.n + 1);

	memcpy(p, s.p, s.n);
	return (struct span){ p, s.n };
}

static enum eval_found
select_record(
    struct eval *e, const struct mr_dns_answer *a, struct eval_record *r)
{
	uint32_t found = 0;

	for (uint32_t i = 0; a->status == MR_DNS_OK && i < a->count; i++) {
		struct span s = { a->records[i].data, a->records[i].len };

		if (!record_is_spf(s))
			continue;
		r->text = s;
		found++;
	}
	if (found == 0)
		return EVAL_NONE;
	if (found == 1)
		return EVAL_FOUND;
	eval_stop(e, RESULT_PERMERROR, "%.*s has %u SPF records",
	    (int)r->domain.n, r->domain.p, found);
	return EVAL_STOPPED;
}

static enum eval_found
fetch_record(struct eval *e, struct eval_record *r)
{
	char name[DOMAIN_NAME];
	const struct mr_dns_answer *a;
	const char *local;

	if (!domain_is_complete(r->domain) || !domain_name(r->domain, name))
		return EVAL_NONE;
	local = e->facts->map->name(e->ctx, e->facts->records, name);
	if (local != NULL && record_is_spf(span_of(local))) {
		r->text = span_of(local);
		r->local = true;
		return EVAL_FOUND;
	}
	if (!eval_ask_or_stop(e, name, MR_DNS_TXT, &a))
		return EVAL_STOPPED;
	return select_record(e, a, r);
}

/* What the terms of a record lead to is looked up while others are. */
static void
prefetch_includes(struct eval *e, const struct eval_record *r)
{
	struct span rest = record_terms(r->text);
	uint32_t left = eval_asks_left(e);
	char buffer[EXPANDED], name[DOMAIN_NAME];
	const char *why;
	struct term t;

	while (left > 0 && record_next(&rest, &t, &why)) {
		if (!term_asks(&t))
			continue;
		left--;
		if (t.kind == TERM_INCLUDE && !macro_uses(t.domain, 'p') &&
		    domain_name(eval_target(e, r, &t, buffer), name))
			e->facts->dns->prefetch(e->ctx, name, MR_DNS_TXT);
	}
}

static enum eval_found
add_record(struct eval *e, struct eval_record *r)
{
	enum eval_found found = EVAL_FOUND;
	struct span bad;
	const char *why;

	if (r->text.n == 0)
		found = fetch_record(e, r);
	if (found != EVAL_FOUND)
		return found;
	if ((why = record_fault(r->text, &bad)) != NULL) {
		char shown[80];
		struct text t = TEXT(shown);

		text_clean(&t, bad);
		eval_stop(e, RESULT_PERMERROR,
		    "the record of %.*s is wrong at %s: %s", (int)r->domain.n,
		    r->domain.p, shown, why);
		return EVAL_STOPPED;
	}
	/* Each but the first took a term that asks. */
	assert(e->nrecords < COUNT(e->records));
	e->records[e->nrecords++] = *r;
	prefetch_includes(e, r);
	return EVAL_FOUND;
}

enum eval_found
eval_top(struct eval *e, struct span text)
{
	struct eval_record r = { .text = text,
		.domain = e->facts->domain,
		.from = { .kind = TAG_TOP },
		.local = text.n > 0 };

	return add_record(e, &r);
}

bool
eval_enter(struct eval *e, const struct tag *tag, uint32_t *number)
{
	const struct eval_record *above = &e->records[tag->record];
	struct eval_record r = { .from = *tag };
	char buffer[EXPANDED];
	struct term t;

	if (!eval_count_term(e))
		return false;
	e->at = *tag;
	rewrite_term(above->text, tag->offset, &t);
	r.domain = copy(e, eval_target(e, above, &t, buffer));
	r.included = above->included || tag->kind == TAG_INCLUDE;
	switch (add_record(e, &r)) {
	case EVAL_FOUND:
		break;
	case EVAL_NONE:
		return eval_stop(e, RESULT_PERMERROR,
		    "%.*s leads to %.100s, which has no SPF record",
		    (int)t.text.n, t.text.p, r.domain.p);
	case EVAL_STOPPED:
		return false;
	}
	*number = e->nrecords - 1;
	/* exp= of the record that decides counts (RFC 7208, 6.2). */
	if (!r.included)
		e->explained = *number;
	return true;
}

/* --- words --- */

const char *
eval_explain(struct eval *e)
{
	const struct eval_record *r = &e->records[e->explained];
	struct span rest = record_terms(r->text), text;
	char buffer[EXPANDED], name[DOMAIN_NAME];
	const struct mr_dns_answer *a;
	struct term t = { .kind = TERM_OTHER };
	struct text out;
	const char *why;

	while (record_next(&rest, &t, &why) && t.kind != TERM_EXP)
		;
	if (t.kind != TERM_EXP ||
	    !domain_name(eval_target(e, r, &t, buffer), name))
		return NULL;
	a = eval_ask(e, name, MR_DNS_TXT);
	if (a->status != MR_DNS_OK || a->count != 1)
		return NULL;
	text = (struct span){ a->records[0].data, a->records[0].len };
	if (text.n == 0 || macro_fault(text, MACRO_EXPLANATION) != NULL)
		return NULL;
	out = (struct text){ .p = e->ctx->host->alloc(e->ctx, EXPLANATION),
		.size = EXPLANATION };
	return expand(e, r, text, &out) && out.n > 0 ? out.p : NULL;
}

const char *
eval_path(struct eval *e)
{
	struct tag steps[REWRITE_ASKS + 2];
	struct text out = { .p = e->ctx->host->alloc(e->ctx, PATH),
		.size = PATH };
	size_t n = 0;

	for (struct tag tag = e->at; tag.kind != TAG_TOP && n < COUNT(steps);
	     tag = e->records[tag.record].from)
		steps[n++] = tag;
	for (size_t i = n; i-- > 0;) {
		struct term t;

		rewrite_term(
		    e->records[steps[i].record].text, steps[i].offset, &t);
		if (i + 1 < n)
			text_string(&out, " > ");
		text_clean(&out, t.text);
	}
	return out.n > 0 ? out.p : NULL;
}
