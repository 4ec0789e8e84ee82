/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying: keys are asked for when the header is complete, signatures are
 * checked at the end, and what the postmaster has decided follows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dkim.h"
#include "publish.h"
#include "tags.h"

enum {
	DETAIL_BYTES = 1024,
	B_BYTES = 8,
	SHOWN_BYTES = 256,
};

/* A row an outcome: what it is called in symbols and in replies. */
static const struct outcome {
	const char *name, *symbol, *dsn, *text;
} outcomes[OUTCOMES] = {
	[VERIFY_PASS] = { "pass", "DKIM_PASS", NULL, NULL },
	[VERIFY_FAIL] = { "fail", "DKIM_FAIL", "7.20",
	    "The DKIM signature does not fit the message" },
	[VERIFY_POLICY] = { "policy", "DKIM_POLICY", "7.21",
	    "The DKIM signature is not acceptable here" },
	[VERIFY_NEUTRAL] = { "neutral", "DKIM_NEUTRAL", "7.20",
	    "The DKIM signature cannot be checked" },
	[VERIFY_PERMERROR] = { "permerror", "DKIM_PERMERROR", "7.20",
	    "The DKIM signature or its key is broken" },
	[VERIFY_TEMPERROR] = { "temperror", "DKIM_TEMPERROR", "7.20",
	    "The key of the DKIM signature cannot be found now" },
	[OUTCOME_NONE] = { "none", "DKIM_NONE", "7.20",
	    "The message has no DKIM signature" },
};

struct verify_field *
dkim_fields(struct mr_ctx *c, uint32_t *count)
{
	struct verify_field *fields = NULL;
	uint32_t room = 0, n = 0;
	const char *name, *value;

	while (c->host->header_at(c, n, &name, &value)) {
		if (n == room) {
			struct verify_field *grown;

			room = room > 0 ? room * 2 : 32;
			grown = c->host->alloc(c, room * sizeof(*grown));
			if (n > 0)
				memcpy(grown, fields, n * sizeof(*grown));
			fields = grown;
		}
		fields[n++] = (struct verify_field){ name, value };
	}
	*count = n;
	return fields;
}

/* Before anything later in the chain changes the header. */
static void
read_header(struct mr_ctx *c, const struct dkim *k, struct dkim_message *m)
{
	size_t most = (size_t)k->conf->max_signatures;

	m->read = true;
	m->fields = dkim_fields(c, &m->nfields);
	m->signatures = c->host->alloc(c, most * sizeof(*m->signatures));
	m->count = verify_find(k->verifier, m->fields, m->nfields, time(NULL),
	    m->signatures, &m->over);
}

mr_verdict
check_on_eoh(struct mr_ctx *c)
{
	const struct dkim *k = c->self;
	struct dkim_message *m = c->message;
	char name[PUBLISH_NAME_BYTES];

	read_header(c, k, m);
	for (uint32_t i = 0; i < m->count; i++) {
		if (!m->signatures[i].checkable)
			continue;
		publish_name(
		    name, m->signatures[i].claim.s, m->signatures[i].claim.d);
		k->dns->prefetch(c, name, MR_DNS_TXT);
	}
	return MR_CONTINUE;
}

static enum verify_key
look_up_key(void *arg, struct verify_signature *s, const char **why)
{
	struct mr_ctx *c = arg;
	const struct dkim *k = c->self;
	const struct mr_dns_answer *a;
	const struct mr_dns_record *r;
	char name[PUBLISH_NAME_BYTES];

	publish_name(name, s->claim.s, s->claim.d);
	a = k->dns->query(c, name, MR_DNS_TXT, 0);
	if (a->status == MR_DNS_TEMPFAIL) {
		*why = "the DNS does not answer for its key";
		return KEY_LATER;
	}
	if (a->status != MR_DNS_OK) {
		*why = "its key is not in the DNS";
		return KEY_NONE;
	}
	if ((r = publish_pick(a, why)) == NULL)
		return KEY_BAD;
	s->secure = a->secure;
	*why = record_read(
	    (struct span){ r->data, r->len }, s->claim.algorithm, &s->key);
	s->test = *why == NULL && s->key.test;
	return *why == NULL ? KEY_HERE : KEY_BAD;
}

/* --- what is told --- */

/* What a sender wrote, if it is plain and short; else nothing. */
static const char *
shown(struct mr_ctx *c, struct span s)
{
	char *copy;

	if (s.p == NULL || s.n == 0 || s.n > SHOWN_BYTES)
		return NULL;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return NULL;
	copy = c->host->alloc(c, s.n + 1);
	memcpy(copy, s.p, s.n);
	return copy;
}

/* The first characters of b= tell signatures apart (RFC 6008). */
static const char *
shown_b(struct mr_ctx *c, struct span b)
{
	char *copy = c->host->alloc(c, B_BYTES + 1);
	size_t n = 0;

	if (!tags_is_base64(b))
		return NULL;
	for (size_t i = 0; i < b.n && n < B_BYTES; i++)
		if (!span_blank(b.p[i]))
			copy[n++] = b.p[i];
	return copy;
}

struct told {
	const char *domain, *selector, *identity, *algorithm, *b, *reason;
};

static struct told
told_of(struct mr_ctx *c, const struct verify_signature *s)
{
	struct told t = { .identity = shown(c, s->claim.i),
		.algorithm = shown(c, s->claim.a),
		.b = shown_b(c, s->claim.b),
		.reason = s->reason };

	if (tags_is_domain(s->claim.d))
		t.domain = shown(c, s->claim.d);
	if (tags_is_selector(s->claim.s))
		t.selector = shown(c, s->claim.s);
	return t;
}

static void
tell_symbol(struct mr_ctx *c, const struct verify_signature *s,
    const struct told *t, double score)
{
	char *detail = c->host->alloc(c, DETAIL_BYTES), bits[32] = "";

	if (s->key_bits > 0)
		snprintf(bits, sizeof(bits), " %u bits", s->key_bits);
	snprintf(detail, DETAIL_BYTES, "d=%s s=%s a=%s%s%s%s%s%s%s%s",
	    t->domain != NULL ? t->domain : "?",
	    t->selector != NULL ? t->selector : "?",
	    t->algorithm != NULL ? t->algorithm : "?", bits,
	    t->identity != NULL ? " i=" : "",
	    t->identity != NULL ? t->identity : "",
	    t->reason != NULL ? ": " : "", t->reason != NULL ? t->reason : "",
	    s->test ? " (test mode)" : "", s->secure ? " (DNSSEC)" : "");
	c->host->symbol(c, outcomes[s->result].symbol, score, detail);
}

static void
tell_note(struct mr_ctx *c, uint32_t n, const char *what, const char *value)
{
	char key[64];

	if (value == NULL)
		return;
	snprintf(key, sizeof(key), "dkim.%u.%s", (unsigned)n, what);
	c->host->note_set(c, key, value);
}

static void
tell_one(struct mr_ctx *c, const struct verify_signature *s, uint32_t n,
    double score)
{
	struct told t = told_of(c, s);
	const char *name = verify_result_name(s->result);
	const struct mr_auth_property props[] = { { "header.d", t.domain },
		{ "header.i", t.identity }, { "header.s", t.selector },
		{ "header.a", t.algorithm }, { "header.b", t.b } };

	tell_symbol(c, s, &t, score);
	c->host->auth_result(
	    c, "dkim", name, t.reason, props, sizeof(props) / sizeof(props[0]));
	tell_note(c, n, "result", name);
	tell_note(c, n, "domain", t.domain);
	tell_note(c, n, "selector", t.selector);
	tell_note(c, n, "identity", t.identity);
	if (s->test)
		tell_note(c, n, "test", "yes");
}

/*
 * The signature that speaks for the message: the first that passes, or the
 * first.  One in test mode is as none (RFC 6376, 3.6.1), if another is there.
 */
static const struct verify_signature *
speaker(const struct dkim_message *m)
{
	const struct verify_signature *first = NULL;

	for (uint32_t i = 0; i < m->count; i++)
		if (m->signatures[i].result == VERIFY_PASS &&
		    !m->signatures[i].test)
			return &m->signatures[i];
	for (uint32_t i = 0; i < m->count; i++)
		if (m->signatures[i].result == VERIFY_PASS)
			return &m->signatures[i];
	for (uint32_t i = 0; i < m->count && first == NULL; i++)
		if (!m->signatures[i].test)
			first = &m->signatures[i];
	return first != NULL || m->count == 0 ? first : &m->signatures[0];
}

static double
score_of(const struct dkim_conf *conf, uint32_t outcome, bool test)
{
	bool counts =
	    outcome == VERIFY_PASS || conf->actions[outcome] != ACTION_ACCEPT;

	return counts && !test ? conf->scores[outcome] : 0;
}

static void
tell_all(struct mr_ctx *c, const struct dkim_message *m,
    const struct verify_signature *first, uint32_t outcome)
{
	const struct dkim_conf *conf = ((const struct dkim *)c->self)->conf;
	char number[32];

	for (uint32_t i = 0; i < m->count; i++) {
		const struct verify_signature *s = &m->signatures[i];

		tell_one(c, s, i + 1,
		    s == first ? score_of(conf, outcome, s->test) : 0);
	}
	if (m->count == 0) {
		c->host->symbol(c, outcomes[OUTCOME_NONE].symbol,
		    score_of(conf, OUTCOME_NONE, false), NULL);
		c->host->auth_result(c, "dkim", "none", NULL, NULL, 0);
	}
	if (m->over > 0) {
		snprintf(number, sizeof(number), "%u", (unsigned)m->over);
		c->host->symbol(c, "DKIM_PASSED_OVER", 0, number);
	}
	snprintf(number, sizeof(number), "%u", (unsigned)m->count);
	c->host->note_set(c, "dkim.count", number);
	c->host->note_set(c, "dkim.result", outcomes[outcome].name);
}

/* --- what follows --- */

static mr_verdict
act(struct mr_ctx *c, int64_t action, const char *dsn, const char *text)
{
	char status[16];

	if (action == ACTION_QUARANTINE) {
		c->host->quarantine(c, text);
		return MR_QUARANTINE;
	}
	if (action != ACTION_REJECT && action != ACTION_TEMPFAIL)
		return MR_CONTINUE;
	snprintf(status, sizeof(status), "%d.%s",
	    action == ACTION_REJECT ? 5 : 4, dsn);
	c->host->reply(c, action == ACTION_REJECT ? 550 : 451, status, text);
	return action == ACTION_REJECT ? MR_REJECT : MR_TEMPFAIL;
}

/* Is it one of "a.example, b.example", or the domain itself? */
static bool
may_sign_for(struct span signer, const char *domain, const char *list)
{
	struct span left = span_of(list);

	if (span_is(signer, domain))
		return true;
	while (left.p != NULL)
		if (span_same(span_trim(span_cut(&left, ',')), signer))
			return true;
	return false;
}

/* Is mail of that author domain signed as it must be? */
static bool
is_signed_for(const struct dkim_message *m, const char *domain,
    const char *list, bool *later)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct verify_signature *s = &m->signatures[i];

		if (!may_sign_for(s->claim.d, domain, list))
			continue;
		if (s->result == VERIFY_PASS && !s->test)
			return true;
		*later = *later || s->result == VERIFY_TEMPERROR;
	}
	return false;
}

static mr_verdict
refuse_unsigned(struct mr_ctx *c, const char *domain, bool later)
{
	const struct dkim_conf *conf = ((const struct dkim *)c->self)->conf;
	int64_t action = conf->required_action;

	c->host->symbol(c, "DKIM_REQUIRED",
	    action == ACTION_ACCEPT ? 0 : conf->required_score,
	    shown(c, span_of(domain)));
	if (later && action == ACTION_REJECT)
		return act(c, ACTION_TEMPFAIL, "7.22",
		    outcomes[VERIFY_TEMPERROR].text);
	return act(c, action, "7.22",
	    "Mail of this author's domain must be signed by it");
}

/* Each author whose domain is listed must be vouched for. */
static mr_verdict
check_authors(struct mr_ctx *c, const struct dkim_message *m, const char *from)
{
	const struct dkim *k = c->self;
	const struct mr_mailboxes *boxes = k->address->mailboxes(c, from);

	for (uint32_t i = 0; i < boxes->count; i++) {
		const char *domain = boxes->items[i].domain, *list;
		bool later = false;

		list = k->map->name(c, k->conf->required, domain);
		if (list != NULL && !is_signed_for(m, domain, list, &later))
			return refuse_unsigned(c, domain, later);
	}
	return MR_CONTINUE;
}

static mr_verdict
check_required(struct mr_ctx *c, const struct dkim_message *m)
{
	const struct dkim *k = c->self;
	mr_verdict v = MR_CONTINUE;

	if (k->conf->required == NULL)
		return v;
	for (uint32_t i = 0; i < m->nfields && v == MR_CONTINUE; i++)
		if (strcasecmp(m->fields[i].name, "From") == 0)
			v = check_authors(c, m, m->fields[i].value);
	return v;
}

mr_verdict
check_on_eom(struct mr_ctx *c)
{
	const struct dkim *k = c->self;
	struct dkim_message *m = c->message;
	const struct verify_signature *first;
	struct verify_message message = { 0 };
	uint32_t outcome;
	mr_verdict v;

	if (!m->read) /* it applies to some recipients only, say */
		read_header(c, k, m);
	message.fields = m->fields;
	message.nfields = m->nfields;
	message.body = c->host->body(c, &message.body_bytes);
	if (message.body == NULL)
		return MR_ERROR;
	verify_run(
	    k->verifier, &message, m->signatures, m->count, look_up_key, c);
	first = speaker(m);
	outcome = first != NULL ? first->result : OUTCOME_NONE;
	tell_all(c, m, first, outcome);
	if ((v = check_required(c, m)) != MR_CONTINUE)
		return v;
	if (outcome == VERIFY_PASS || (first != NULL && first->test))
		return MR_CONTINUE;
	return act(c, k->conf->actions[outcome], outcomes[outcome].dsn,
	    outcomes[outcome].text);
}
