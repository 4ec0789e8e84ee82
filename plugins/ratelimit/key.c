/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum kind { JOIN, CALL, FACT, TEXT };

struct parser {
	struct key *key;
	const char *at;
	const char *why;
	int depth;
};

struct eval {
	const struct key *key;
	const struct key_source *source;
};

static enum key_state value_of(
    const struct eval *, uint8_t node, const char **value);

/* --- functions of one argument: text to text, "" for nothing --- */

static const char *
copy(const struct eval *e, const char *text, size_t n)
{
	char *out = e->source->alloc(e->source->arg, n + 1);

	memcpy(out, text, n);
	return out;
}

static const char *
do_lower(const struct eval *e, const struct key_node *node, const char *text)
{
	size_t n = strlen(text);
	char *out = e->source->alloc(e->source->arg, n + 1);

	(void)node;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z'
				    ? text[i] + ('a' - 'A')
				    : text[i]);
	return out;
}

static const char *
do_domain(const struct eval *e, const struct key_node *node, const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL ? do_lower(e, node, at + 1) : "";
}

static const char *
do_local(const struct eval *e, const struct key_node *node, const char *text)
{
	const char *at = strrchr(text, '@');

	(void)node;
	return at != NULL ? copy(e, text, (size_t)(at - text)) : text;
}

/* user+tag@domain is user@domain. */
static const char *
do_untag(const struct eval *e, const struct key_node *node, const char *text)
{
	const char *at = strrchr(text, '@');
	const char *plus = strchr(text, '+');
	char *out;

	(void)node;
	if (plus == NULL || plus == text || (at != NULL && plus > at))
		return text;
	out = e->source->alloc(e->source->arg, strlen(text) + 1);
	memcpy(out, text, (size_t)(plus - text));
	if (at != NULL)
		memcpy(out + (plus - text), at, strlen(at));
	return out;
}

static const char *
do_net(const struct eval *e, const struct key_node *node, const char *text)
{
	unsigned char bytes[16] = { 0 };
	char *out = e->source->alloc(e->source->arg, INET6_ADDRSTRLEN + 8);
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned bits = node->number[family == AF_INET6];
	unsigned size = family == AF_INET6 ? 16 : 4;

	if (inet_pton(family, text, bytes) != 1)
		return text; /* "local", "unknown" */
	for (unsigned i = 0; i < size; i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			bytes[i] &= (unsigned char)(0xff00 >> kept);
	}
	if (inet_ntop(family, bytes, out, INET6_ADDRSTRLEN) == NULL)
		return text;
	if (bits < 8 * size)
		snprintf(out + strlen(out), 8, "/%u", bits);
	return out;
}

static const char *
mark_of(const struct eval *e, const struct key_node *node)
{
	return e->key->texts + node->text;
}

static const char *
do_before(const struct eval *e, const struct key_node *node, const char *text)
{
	const char *found = strstr(text, mark_of(e, node));

	return found != NULL ? copy(e, text, (size_t)(found - text)) : text;
}

static const char *
do_after(const struct eval *e, const struct key_node *node, const char *text)
{
	const char *found = strstr(text, mark_of(e, node));

	return found != NULL ? found + strlen(mark_of(e, node)) : "";
}

static const char *
look_up(const struct eval *e, enum key_table table, const char *text)
{
	const char *found = e->source->look_up(e->source->arg, table, text);

	return found != NULL ? found : "";
}

static const char *
do_map(const struct eval *e, const struct key_node *node, const char *text)
{
	(void)node;
	return look_up(e, KEY_MAP, text);
}

static const char *
do_tenant(const struct eval *e, const struct key_node *node, const char *text)
{
	(void)node;
	return look_up(e, KEY_TENANTS, text);
}

static const char *
do_plan(const struct eval *e, const struct key_node *node, const char *text)
{
	(void)node;
	return look_up(e, KEY_PLANS, text);
}

enum extra { NOTHING, NETS, MARK, LIST, NAME };

static const struct function {
	const char *name;
	enum extra extra; /* what follows the first argument, or replaces it */
	const char *(*change)(
	    const struct eval *, const struct key_node *, const char *);
	int8_t table, fact;
} functions[] = {
	{ "lower", NOTHING, do_lower, -1, -1 },
	{ "domain", NOTHING, do_domain, -1, -1 },
	{ "local", NOTHING, do_local, -1, -1 },
	{ "untag", NOTHING, do_untag, -1, -1 },
	{ "net", NETS, do_net, -1, -1 },
	{ "before", MARK, do_before, -1, -1 },
	{ "after", MARK, do_after, -1, -1 },
	{ "map", NOTHING, do_map, KEY_MAP, -1 },
	{ "tenant", NOTHING, do_tenant, KEY_TENANTS, -1 },
	{ "plan", NOTHING, do_plan, KEY_PLANS, -1 },
	{ "first", LIST, NULL, -1, -1 },
	{ "header", NAME, NULL, -1, KEY_HEADER },
	{ "note", NAME, NULL, -1, KEY_NOTE },
};

static const struct {
	const char *name;
	enum key_fact fact;
} fact_names[] = {
	{ "login", KEY_LOGIN },
	{ "client", KEY_CLIENT },
	{ "helo", KEY_HELO },
	{ "sender", KEY_SENDER },
	{ "recipient", KEY_RECIPIENT },
	{ "listener", KEY_LISTENER },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- parsing --- */

static uint8_t
fault(struct parser *p, const char *why)
{
	if (p->why == NULL)
		p->why = why;
	return 0;
}

static void
blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t");
}

static uint8_t
new_node(struct parser *p, enum kind kind)
{
	struct key *k = p->key;

	if (k->count + 1 >= KEY_NODES)
		return fault(p, "the expression has too many parts");
	k->nodes[++k->count] = (struct key_node){ .kind = (uint8_t)kind };
	return k->count;
}

static bool
keep_text(struct parser *p, const char *text, size_t n, uint16_t *offset)
{
	struct key *k = p->key;

	if (n + 1 > sizeof(k->texts) - k->used) {
		fault(p, "the expression is too long");
		return false;
	}
	memcpy(k->texts + k->used, text, n);
	k->texts[k->used + n] = '\0';
	*offset = k->used;
	k->used = (uint16_t)(k->used + n + 1);
	return true;
}

static size_t
name_length(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
	       (s[n] >= '0' && s[n] <= '9') || s[n] == '_' || s[n] == '-' ||
	       s[n] == '.')
		n++;
	return n;
}

static bool
expect(struct parser *p, char c, const char *why)
{
	blanks(p);
	if (*p->at != c) {
		fault(p, why);
		return false;
	}
	p->at++;
	blanks(p);
	return true;
}

static uint8_t
parse_text(struct parser *p)
{
	const char *end = strchr(p->at + 1, '\'');
	uint8_t node = new_node(p, TEXT);

	if (end == NULL)
		return fault(p, "the closing ' of a text is missing");
	if (end == p->at + 1)
		return fault(p, "a text between '' is empty");
	if (node == 0 || !keep_text(p, p->at + 1, (size_t)(end - p->at) - 1,
			     &p->key->nodes[node].text))
		return 0;
	p->at = end + 1;
	return node;
}

static uint8_t
parse_macro(struct parser *p)
{
	size_t n = name_length(p->at + 1);
	uint8_t node = new_node(p, FACT);

	if (n == 0 || p->at[n + 1] != '}')
		return fault(p, "a macro is written like {auth_authen}");
	if (node == 0 || !keep_text(p, p->at, n + 2, &p->key->nodes[node].text))
		return 0;
	p->key->nodes[node].fact = KEY_MACRO;
	p->at += n + 2;
	return node;
}

static uint8_t parse_join(struct parser *);

static bool
parse_bits(struct parser *p, uint8_t most, uint8_t *bits)
{
	unsigned n = 0;
	size_t digits = strspn(p->at, "0123456789");

	if (digits == 0 || digits > 3) {
		fault(p, "net needs two prefix lengths: net(client, 24, 64)");
		return false;
	}
	for (; digits > 0; digits--)
		n = n * 10 + (unsigned)(*p->at++ - '0');
	if (n > most) {
		fault(p, "a prefix length is at most 32, then at most 128");
		return false;
	}
	*bits = (uint8_t)n;
	return true;
}

static bool
parse_extra(struct parser *p, uint8_t node, enum extra extra)
{
	static const char comma[] = "an argument is missing";
	struct key_node *n = &p->key->nodes[node];
	const char *end;

	switch (extra) {
	case NETS:
		return expect(p, ',',
			   "net needs two prefix lengths: net(client, 24, "
			   "64)") &&
		       parse_bits(p, 32, &n->number[0]) &&
		       expect(p, ',',
			   "net needs two prefix lengths: net(client, 24, "
			   "64)") &&
		       parse_bits(p, 128, &n->number[1]);
	case MARK:
		if (!expect(p, ',', comma))
			return false;
		end = *p->at == '\'' ? strchr(p->at + 1, '\'') : NULL;
		if (end == NULL || end == p->at + 1) {
			fault(p, "the second argument is a text: before(login, "
				 "'@')");
			return false;
		}
		if (!keep_text(
			p, p->at + 1, (size_t)(end - p->at) - 1, &n->text))
			return false;
		p->at = end + 1;
		return true;
	default:
		return true;
	}
}

static bool
parse_list(struct parser *p, uint8_t node)
{
	uint8_t last = p->key->nodes[node].first;

	for (blanks(p); *p->at == ','; blanks(p)) {
		uint8_t next;

		p->at++;
		if ((next = parse_join(p)) == 0)
			return false;
		p->key->nodes[last].next = next;
		last = next;
	}
	return true;
}

static uint8_t
parse_call(struct parser *p, const struct function *f)
{
	uint8_t node = new_node(p, f->extra == NAME ? FACT : CALL);
	uint8_t first;
	size_t n;

	if (node == 0)
		return 0;
	p->key->nodes[node].function = (uint8_t)(f - functions);
	if (!expect(p, '(', "a function is written with its argument in ()"))
		return 0;
	if (f->extra == NAME) {
		n = name_length(p->at);
		if (n == 0)
			return fault(p, "a name is missing: header(X-Tenant)");
		if (!keep_text(p, p->at, n, &p->key->nodes[node].text))
			return 0;
		p->key->nodes[node].fact = (uint8_t)f->fact;
		p->at += n;
	} else {
		if ((first = parse_join(p)) == 0)
			return 0;
		p->key->nodes[node].first = first;
		if (!parse_extra(p, node, f->extra) ||
		    (f->extra == LIST && !parse_list(p, node)))
			return 0;
	}
	return expect(p, ')', "a ) is missing") ? node : 0;
}

static uint8_t
parse_name(struct parser *p)
{
	size_t n = name_length(p->at);
	uint8_t node;

	for (size_t i = 0; i < COUNT(functions); i++)
		if (strlen(functions[i].name) == n &&
		    memcmp(functions[i].name, p->at, n) == 0 && n > 0) {
			p->at += n;
			return parse_call(p, &functions[i]);
		}
	for (size_t i = 0; i < COUNT(fact_names); i++)
		if (strlen(fact_names[i].name) == n &&
		    memcmp(fact_names[i].name, p->at, n) == 0 && n > 0) {
			if ((node = new_node(p, FACT)) == 0)
				return 0;
			p->key->nodes[node].fact = (uint8_t)fact_names[i].fact;
			p->at += n;
			return node;
		}
	return fault(p, "there is no such name; there are {macros}, 'texts', "
			"login, client, helo, sender, recipient, listener, "
			"lower(), domain(), local(), untag(), net(), before(), "
			"after(), first(), map(), tenant(), plan(), header() "
			"and note()");
}

/* Parts one after another are joined. */
static uint8_t
parse_join(struct parser *p)
{
	uint8_t first = 0, last = 0, part, join;

	if (++p->depth > KEY_DEPTH)
		return fault(p, "the expression is nested too deeply");
	for (blanks(p); *p->at != '\0' && *p->at != ',' && *p->at != ')';
	     blanks(p)) {
		part = *p->at == '\''  ? parse_text(p)
		       : *p->at == '{' ? parse_macro(p)
				       : parse_name(p);
		if (part == 0)
			return 0;
		if (first == 0)
			first = part;
		else
			p->key->nodes[last].next = part;
		last = part;
	}
	p->depth--;
	if (first == 0)
		return fault(p, "an expression is missing");
	if (first == last)
		return first;
	if ((join = new_node(p, JOIN)) == 0)
		return 0;
	p->key->nodes[join].first = first;
	return join;
}

const char *
key_parse(struct key *key, const char *text)
{
	struct parser p = { .key = key, .at = text };

	memset(key, 0, sizeof(*key));
	key->root = parse_join(&p);
	if (p.why == NULL && *p.at != '\0')
		p.why = "there is something after the end of the expression";
	return p.why;
}

/* --- evaluation --- */

static enum key_state
value_of_join(
    const struct eval *e, const struct key_node *node, const char **value)
{
	char *out = NULL;
	size_t n = 0;

	for (uint8_t i = node->first; i != 0; i = e->key->nodes[i].next) {
		enum key_state state;
		const char *part;
		size_t len;
		char *grown;

		if ((state = value_of(e, i, &part)) != KEY_VALUE)
			return state;
		len = strlen(part);
		grown = e->source->alloc(e->source->arg, n + len + 1);
		if (n > 0)
			memcpy(grown, out, n);
		memcpy(grown + n, part, len);
		out = grown;
		n += len;
	}
	*value = out;
	return KEY_VALUE;
}

/* The first that has a value; one that may get it later is waited for. */
static enum key_state
value_of_first(
    const struct eval *e, const struct key_node *node, const char **value)
{
	enum key_state state = KEY_EMPTY;

	for (uint8_t i = node->first; i != 0; i = e->key->nodes[i].next)
		if ((state = value_of(e, i, value)) != KEY_EMPTY)
			return state;
	return state;
}

static enum key_state
value_of_call(
    const struct eval *e, const struct key_node *node, const char **value)
{
	const struct function *f = &functions[node->function];
	enum key_state state;
	const char *text;

	if (f->extra == LIST)
		return value_of_first(e, node, value);
	if ((state = value_of(e, node->first, &text)) != KEY_VALUE)
		return state;
	text = f->change(e, node, text);
	if (text[0] == '\0')
		return KEY_EMPTY;
	*value = text;
	return KEY_VALUE;
}

static enum key_state
value_of_fact(
    const struct eval *e, const struct key_node *node, const char **value)
{
	const char *text = NULL;
	enum key_state state = e->source->fact(e->source->arg,
	    (enum key_fact)node->fact, e->key->texts + node->text, &text);

	if (state != KEY_VALUE)
		return state;
	if (text == NULL || text[0] == '\0')
		return KEY_EMPTY;
	*value = text;
	return KEY_VALUE;
}

static enum key_state
value_of(const struct eval *e, uint8_t i, const char **value)
{
	const struct key_node *node = &e->key->nodes[i];

	switch (node->kind) {
	case JOIN:
		return value_of_join(e, node, value);
	case CALL:
		return value_of_call(e, node, value);
	case FACT:
		return value_of_fact(e, node, value);
	default:
		*value = e->key->texts + node->text;
		return KEY_VALUE;
	}
}

enum key_state
key_eval(
    const struct key *key, const struct key_source *source, const char **value)
{
	const struct eval e = { key, source };

	return value_of(&e, key->root, value);
}

void
key_facts(const struct key *key,
    void (*seen)(void *arg, enum key_fact, const char *name), void *arg)
{
	for (uint8_t i = 1; i <= key->count; i++)
		if (key->nodes[i].kind == FACT)
			seen(arg, (enum key_fact)key->nodes[i].fact,
			    key->texts + key->nodes[i].text);
}

bool
key_uses(const struct key *key, enum key_table table)
{
	for (uint8_t i = 1; i <= key->count; i++)
		if (key->nodes[i].kind == CALL &&
		    functions[key->nodes[i].function].table == (int8_t)table)
			return true;
	return false;
}

bool
key_uses_notes(const struct key *key)
{
	for (uint8_t i = 1; i <= key->count; i++)
		if (key->nodes[i].kind == FACT &&
		    key->nodes[i].fact == KEY_NOTE)
			return true;
	return false;
}
