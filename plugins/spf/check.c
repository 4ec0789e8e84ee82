/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include <millrace/address.h>

#include "domain.h"
#include "engine.h"

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* A NUL follows what is returned. */
static struct span
a_labels(struct mr_ctx *c, struct span domain)
{
	const struct mr_address_service *address;
	char *p = c->host->alloc(c, domain.n + 1);
	const char *ascii = NULL;

	memcpy(p, domain.p, domain.n);
	if (!is_ascii(domain)) {
		address = c->host->service(c->host, MR_ADDRESS_SERVICE);
		if (address != NULL)
			ascii = address->to_ascii(c, p);
	}
	return ascii != NULL ? span_of(ascii) : (struct span){ p, domain.n };
}

static struct span
join(struct mr_ctx *c, struct span local, struct span domain)
{
	char *p = c->host->alloc(c, local.n + domain.n + 2);

	memcpy(p, local.p, local.n);
	p[local.n] = '@';
	memcpy(p + local.n + 1, domain.p, domain.n);
	return (struct span){ p, local.n + 1 + domain.n };
}

void
check_identify(struct mr_ctx *c, struct eval_facts *f, const char *sender,
    const char *helo)
{
	const char *at = strrchr(sender, '@');
	struct span domain = span_of(at != NULL ? at + 1 : sender);

	f->helo = a_labels(c, span_of(helo));
	f->local = (struct span){ sender, 0 };
	if (at != NULL)
		f->local.n = (size_t)(at - sender);
	if (f->local.n == 0)
		f->local = span_of("postmaster");
	f->domain = sender[0] != '\0' ? a_labels(c, domain) : f->helo;
	f->sender = join(c, f->local, f->domain);
}

static enum result
evaluate(struct eval *e, struct span record, struct check *out)
{
	enum result result;
	bool matched;

	if (!domain_is_complete(e->facts->domain))
		return RESULT_NONE;
	switch (eval_top(e, record)) {
	case EVAL_NONE:
		return RESULT_NONE;
	case EVAL_STOPPED:
		return e->stop;
	case EVAL_FOUND:
		break;
	}
	result = engine_run(e, &matched);
	if (matched)
		out->path = eval_path(e);
	return result;
}

void
check_host(struct mr_ctx *c, const struct eval_facts *f, struct span record,
    bool explain, struct check *out)
{
	struct eval e;

	eval_begin(&e, c, f);
	*out = (struct check){ .domain = f->domain.p };
	out->result = evaluate(&e, record, out);
	out->terms = e.terms;
	out->voids = e.voids;
	out->late = e.late && out->result == RESULT_TEMPERROR;
	if (out->result == RESULT_FAIL && explain)
		out->explanation = eval_explain(&e);
	if (out->result != RESULT_TEMPERROR && out->result != RESULT_PERMERROR)
		return;
	out->broken = e.broken || e.why == NULL;
	out->why = e.why != NULL ? e.why : "libspf2 gave up";
	if (out->broken)
		c->host->log(c->host, c, MR_LOG_ERROR, out->why);
}
