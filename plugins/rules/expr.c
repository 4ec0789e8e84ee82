/* SPDX-License-Identifier: Apache-2.0 */
#include "expr.h"

#include <stdlib.h>
#include <string.h>

enum { NESTING = 40, STACK = 100 };

enum kind {
	NUMBER,
	NAME,
	NOT,
	MINUS,
	BINARY,
	AND_THEN, /* false: that is the value, go on at .name */
	OR_ELSE,  /* true: likewise */
	TRUTH,    /* 0 or 1 */
};

struct expr_op {
	enum kind kind;
	double number;
	size_t name; /* or the op to go on at */
	double (*compute)(double, double);
};

static double
less(double a, double b)
{
	return a < b;
}

static double
at_most(double a, double b)
{
	return a <= b;
}

static double
greater(double a, double b)
{
	return a > b;
}

static double
at_least(double a, double b)
{
	return a >= b;
}

static double
equal(double a, double b)
{
	return !(a < b) && !(a > b);
}

static double
unequal(double a, double b)
{
	return a < b || a > b;
}

static double
plus(double a, double b)
{
	return a + b;
}

static double
minus(double a, double b)
{
	return a - b;
}

static double
times(double a, double b)
{
	return a * b;
}

static const struct infix {
	const char *text;
	int level;                         /* the higher, the closer it binds */
	double (*compute)(double, double); /* NULL: not always both sides */
} infixes[] = {
	{ "||", 1, NULL },
	{ "&&", 2, NULL },
	{ "==", 3, equal },
	{ "!=", 3, unequal },
	{ "<=", 4, at_most },
	{ ">=", 4, at_least },
	{ "<", 4, less },
	{ ">", 4, greater },
	{ "+", 5, plus },
	{ "-", 5, minus },
	{ "*", 6, times },
};

struct parser {
	struct pool *pool;
	struct expr *expr;
	const char *p;
	const char *why;
	int nesting;
	int depth; /* of the stack that the value needs */
};

static void
blanks(struct parser *s)
{
	s->p += strspn(s->p, " \t");
}

static bool
refuse(struct parser *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
	return false;
}

static bool
emit(struct parser *s, struct expr_op op, int depth)
{
	struct expr *e = s->expr;

	s->depth += depth;
	if (s->depth > STACK)
		return refuse(s, "it is too long; split it in several rules");
	e->ops = pool_grow(s->pool, e->ops, e->nops, sizeof(*e->ops));
	e->ops[e->nops++] = op;
	return true;
}

static bool
is_name(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!first && ((c >= '0' && c <= '9') || c == '-' || c == '.'));
}

/* A "-" or "." within a name stands between letters or digits. */
static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (is_name(p[n], n == 0) &&
	       (strchr("-.", p[n]) == NULL || is_name(p[n + 1], false)))
		n++;
	return n;
}

static size_t
name_index(struct parser *s, const char *name, size_t n)
{
	struct expr *e = s->expr;

	for (size_t i = 0; i < e->nnames; i++)
		if (strlen(e->names[i]) == n &&
		    memcmp(e->names[i], name, n) == 0)
			return i;
	e->names = pool_grow(s->pool, e->names, e->nnames, sizeof(*e->names));
	e->names[e->nnames] = pool_copy(s->pool, name, n);
	return e->nnames++;
}

static bool binary(struct parser *, int level);

static bool
parenthesis(struct parser *s)
{
	s->p++;
	if (!binary(s, 1))
		return false;
	blanks(s);
	if (*s->p != ')')
		return refuse(s, "a \")\" is missing");
	s->p++;
	return true;
}

static bool
unary(struct parser *s)
{
	struct expr_op op = { .kind = NUMBER };
	size_t n;
	char *end;
	bool ok;

	blanks(s);
	if (s->nesting == NESTING)
		return refuse(s, "it is nested too deep");
	s->nesting++;
	if (*s->p == '(') {
		ok = parenthesis(s);
	} else if (*s->p == '!' || *s->p == '-') {
		op.kind = *s->p++ == '!' ? NOT : MINUS;
		ok = unary(s) && emit(s, op, 0);
	} else if (*s->p >= '0' && *s->p <= '9') {
		op.number = strtod(s->p, &end);
		s->p = end;
		ok = emit(s, op, 1);
	} else if ((n = name_length(s->p)) > 0) {
		op.kind = NAME;
		op.name = name_index(s, s->p, n);
		s->p += n;
		ok = emit(s, op, 1);
	} else {
		ok = refuse(s, *s->p == '\0' ? "something is missing at its end"
					     : "a name, number or \"(\" must "
					       "stand where there is none");
	}
	s->nesting--;
	return ok;
}

static const struct infix *
operator_at(const char *p)
{
	for (size_t i = 0; i < sizeof(infixes) / sizeof(infixes[0]); i++)
		if (strncmp(p, infixes[i].text, strlen(infixes[i].text)) == 0)
			return &infixes[i];
	return NULL;
}

/* The right side of "&&" and "||" may not be needed. */
static bool
lazy(struct parser *s, const struct infix *o)
{
	size_t at = s->expr->nops;

	if (!emit(s,
		(struct expr_op){ .kind = o->level == 2 ? AND_THEN : OR_ELSE },
		-1) ||
	    !binary(s, o->level + 1) ||
	    !emit(s, (struct expr_op){ .kind = TRUTH }, 0))
		return false;
	s->expr->ops[at].name = s->expr->nops;
	return true;
}

/* Operators of this level or closer, from left to right. */
static bool
binary(struct parser *s, int level)
{
	const struct infix *o;

	if (!unary(s))
		return false;
	for (;;) {
		struct expr_op op = { .kind = BINARY };

		blanks(s);
		if ((o = operator_at(s->p)) == NULL || o->level < level)
			return true;
		s->p += strlen(o->text);
		op.compute = o->compute;
		if (o->compute == NULL) {
			if (!lazy(s, o))
				return false;
			continue;
		}
		if (!binary(s, o->level + 1) || !emit(s, op, -1))
			return false;
	}
}

struct expr *
expr_parse(struct pool *pool, const char *text, const char **why)
{
	struct parser s = { .pool = pool,
		.expr = pool_alloc(pool, sizeof(*s.expr)),
		.p = text };

	if (binary(&s, 1)) {
		blanks(&s);
		if (*s.p == '\0')
			return s.expr;
		refuse(&s, "an operator must stand where there is none");
	}
	*why = pool_printf(pool, "%s: at \"%.40s\"", s.why, s.p);
	return NULL;
}

double
expr_value(
    const struct expr *e, bool (*found)(void *arg, size_t name), void *arg)
{
	double stack[STACK + 1];
	size_t n = 0;

	for (size_t i = 0; i < e->nops; i++) {
		const struct expr_op *op = &e->ops[i];

		switch (op->kind) {
		case NUMBER:
			stack[n++] = op->number;
			break;
		case NAME:
			stack[n++] = found(arg, op->name) ? 1 : 0;
			break;
		case NOT:
			stack[n - 1] = equal(stack[n - 1], 0);
			break;
		case MINUS:
			stack[n - 1] = -stack[n - 1];
			break;
		case BINARY:
			n--;
			stack[n - 1] = op->compute(stack[n - 1], stack[n]);
			break;
		case AND_THEN:
		case OR_ELSE:
			stack[n - 1] = unequal(stack[n - 1], 0);
			if ((stack[n - 1] > 0) == (op->kind == OR_ELSE))
				i = op->name - 1;
			else
				n--;
			break;
		case TRUTH:
			stack[n - 1] = unequal(stack[n - 1], 0);
			break;
		}
	}
	return stack[0];
}
