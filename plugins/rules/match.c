/* SPDX-License-Identifier: Apache-2.0 */
#include "match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "check.h"

enum { DETAIL_BYTES = 60 };

/* The texts of one source, and which of its rules can match them. */
struct gathered {
	bool ready;
	struct texts texts;
	bool *seen; /* by index of the rule; NULL: there is no prefilter */
};

struct run {
	const struct rules *rules;
	struct view *view;
	struct matches *out;
	struct gathered *sources;
	struct regex_run *regexes;
};

static int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const struct gathered *
gather(struct run *r, uint32_t index)
{
	const struct source *s = &r->rules->sources[index];
	struct gathered *g = &r->sources[index];

	if (g->ready)
		return g;
	g->ready = true;
	g->texts = view_texts(r->view, s);
	if (s->prefilter == NULL)
		return g;
	g->seen = pool_alloc(r->view->pool, r->rules->count * sizeof(bool));
	for (size_t i = 0; i < g->texts.count; i++)
		prefilter_scan(s->prefilter, g->texts.items[i].p,
		    g->texts.items[i].n, g->seen);
	return g;
}

/* Where it matched, cut at whole characters. */
static const char *
excerpt(struct run *r, const struct text *t, size_t from, size_t to)
{
	size_t n = to - from;

	if (n > DETAIL_BYTES) {
		n = DETAIL_BYTES;
		while (n > 0 && ((unsigned char)t->p[from + n] & 0xc0) == 0x80)
			n--;
	}
	return pool_copy(r->view->pool, t->p + from, n);
}

static void
stopped(struct run *r, const struct rule *rule, enum regex_result why)
{
	if (why == REGEX_LATE) {
		r->out->late = true;
		return;
	}
	if (r->out->stopped++ == 0)
		r->out->first_stopped = rule->name;
}

static bool
find_pattern(struct run *r, uint32_t index, const char **detail)
{
	const struct rule *rule = &r->rules->items[index];
	const struct gathered *g = gather(r, rule->source);
	size_t from = 0, to = 0;

	if (g->seen != NULL && !rule->always && !g->seen[index])
		return rule->negate;
	for (size_t i = 0; i < g->texts.count && !r->out->late; i++) {
		const struct text *t = &g->texts.items[i];
		enum regex_result result = regex_match(
		    r->regexes, rule->regex, t->p, t->n, &from, &to);

		if (result == REGEX_YES) {
			*detail = rule->negate ? NULL : excerpt(r, t, from, to);
			return !rule->negate;
		}
		/* What is not known is no match, either way. */
		if (result != REGEX_NO) {
			stopped(r, rule, result);
			return false;
		}
	}
	return rule->negate && !r->out->late;
}

static bool
find_field(struct run *r, const struct rule *rule)
{
	const char *name = r->rules->sources[rule->source].name;
	bool there = false;

	for (size_t i = 0; i < r->view->nfields && !there; i++)
		there = strcasecmp(r->view->fields[i].name, name) == 0;
	return there != rule->negate;
}

static bool is_match(struct run *, uint32_t index);

struct names {
	struct run *run;
	const struct rule *rule;
};

static bool
is_found(void *arg, size_t name)
{
	const struct names *n = arg;
	int32_t other = n->rule->refers[name];

	return other >= 0
		   ? is_match(n->run, (uint32_t)other)
		   : view_has_symbol(n->run->view, n->rule->expr->names[name]);
}

static bool
evaluate(struct run *r, uint32_t index, const char **detail)
{
	const struct rule *rule = &r->rules->items[index];
	struct names names = { r, rule };

	switch (rule->kind) {
	case RULE_PATTERN:
		return find_pattern(r, index, detail);
	case RULE_EXISTS:
		return find_field(r, rule);
	case RULE_CHECK:
		return rule->check->find(
		    r->view, rule->words, rule->nwords, detail);
	case RULE_META:
		return expr_value(rule->expr, is_found, &names) != 0;
	default:
		return false;
	}
}

/* Once a message; what a rule that is off would find is not known. */
static bool
is_match(struct run *r, uint32_t index)
{
	struct match *m = &r->out->items[index];

	if (m->state == MATCH_OPEN)
		m->state = !r->rules->items[index].off &&
				   evaluate(r, index, &m->detail)
			       ? MATCH_YES
			       : MATCH_NO;
	return m->state == MATCH_YES;
}

static void
begin(struct run *r, const struct match_limits *limits)
{
	const struct regex_limits l = { .match = limits->steps,
		.until_us = clock_us() + limits->time_ms * 1000 };

	*r->out = (struct matches){ 0 };
	r->out->items = pool_alloc(
	    r->view->pool, (r->rules->count + 1) * sizeof(*r->out->items));
	r->sources = pool_alloc(
	    r->view->pool, (r->rules->nsources + 1) * sizeof(*r->sources));
	r->regexes = regex_run_create(&l);
}

void
match_all(const struct rules *rules, struct view *view,
    const struct match_limits *limits, struct matches *out)
{
	struct run r = { .rules = rules, .view = view, .out = out };

	begin(&r, limits);
	/* Hidden ones only where another rule asks for them. */
	for (uint32_t i = 0; i < rules->count; i++)
		if (!rules->items[i].hidden)
			is_match(&r, i);
	regex_run_destroy(&r.regexes);
}

bool
match_one(const struct rules *rules, struct view *view,
    const struct match_limits *limits, uint32_t rule)
{
	struct matches out;
	struct run r = { .rules = rules, .view = view, .out = &out };
	bool yes;

	begin(&r, limits);
	yes = is_match(&r, rule);
	regex_run_destroy(&r.regexes);
	return yes;
}
