/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files: lines to struct rule. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "rule.h"

enum { SCORE_MOST = 1000, NAME_MOST = 64, WORDS_MOST = 200 };

struct parser {
	struct rules *rules;
	const char *file;
	unsigned line;
	struct rule *rule; /* NULL: none has begun */
};

#define ERROR(p, ...) rules_error((p)->rules, (p)->file, (p)->line, __VA_ARGS__)

static char *
word(char **at)
{
	char *start = *at + strspn(*at, " \t");
	size_t n = strcspn(start, " \t");

	*at = start + n;
	if (**at != '\0')
		*(*at)++ = '\0';
	*at += strspn(*at, " \t");
	return start;
}

static const char *
keep(struct parser *p, const char *text)
{
	return pool_copy(&p->rules->pool, text, strlen(text));
}

/* --- sources --- */

struct part {
	const char *name;
	enum source_part part;
};

static const struct part no_parts[] = { { NULL, PART_WHOLE } };

static const struct part header_parts[] = {
	{ "raw", PART_RAW },
	{ "name", PART_NAME },
	{ "address", PART_ADDRESS },
	{ "domain", PART_DOMAIN },
	{ NULL, PART_WHOLE },
};

static const struct part url_parts[] = {
	{ "raw", PART_RAW },
	{ "host", PART_HOST },
	{ "domain", PART_DOMAIN },
	{ "path", PART_PATH },
	{ "shown", PART_SHOWN },
	{ NULL, PART_WHOLE },
};

static const struct part attachment_parts[] = {
	{ "type", PART_TYPE },
	{ "detected", PART_DETECTED },
	{ "member", PART_MEMBER },
	{ "sha256", PART_SHA256 },
	{ NULL, PART_WHOLE },
};

static const char *const envelope_names[] = { "from", "to", "helo", "client",
	"client-name", "login", "tls", NULL };

static const struct condition {
	const char *keyword;
	enum source_kind kind;
	bool name; /* a name follows: of a field, note ... */
	const struct part *parts;
	const char *const *names; /* NULL: any */
} conditions[] = {
	{ "header", SOURCE_HEADER, true, header_parts, NULL },
	{ "body", SOURCE_BODY, false, no_parts, NULL },
	{ "rawbody", SOURCE_RAWBODY, false, no_parts, NULL },
	{ "url", SOURCE_URL, false, url_parts, NULL },
	{ "attachment", SOURCE_ATTACHMENT, false, attachment_parts, NULL },
	{ "envelope", SOURCE_ENVELOPE, true, no_parts, envelope_names },
	{ "note", SOURCE_NOTE, true, no_parts, NULL },
	{ "finding", SOURCE_FINDING, false, no_parts, NULL },
};

static uint32_t
source_index(struct rules *r, const struct source *wanted)
{
	for (size_t i = 0; i < r->nsources; i++) {
		const struct source *s = &r->sources[i];

		if (s->kind == wanted->kind && s->part == wanted->part &&
		    strcasecmp(s->name, wanted->name) == 0)
			return (uint32_t)i;
	}
	r->sources =
	    pool_grow(&r->pool, r->sources, r->nsources, sizeof(*r->sources));
	r->sources[r->nsources] = *wanted;
	r->sources[r->nsources].name =
	    pool_copy(&r->pool, wanted->name, strlen(wanted->name));
	return (uint32_t)r->nsources++;
}

static bool
read_part(struct parser *p, const struct condition *c, const char *name,
    struct source *s)
{
	for (const struct part *part = c->parts; part->name != NULL; part++)
		if (strcmp(part->name, name) == 0) {
			s->part = part->part;
			return true;
		}
	ERROR(p, "%s has no part \"%s\"; millrace-rules(5) lists them",
	    c->keyword, name);
	return false;
}

static bool
read_name(struct parser *p, const struct condition *c, const char *name)
{
	const char *const *one = c->names;

	if (name[0] == '\0' || name[0] == '/') {
		ERROR(p,
		    "%s wants a name before its pattern, as in "
		    "\"header Subject /free/i\"",
		    c->keyword);
		return false;
	}
	if (one == NULL)
		return true;
	while (*one != NULL && strcmp(*one, name) != 0)
		one++;
	if (*one == NULL)
		ERROR(p,
		    "%s has no \"%s\"; it can be from, to, helo, client, "
		    "client-name, login or tls",
		    c->keyword, name);
	return *one != NULL;
}

/* --- conditions --- */

static bool
begin_condition(struct parser *p, enum rule_kind kind)
{
	if (p->rule->kind != RULE_NONE) {
		ERROR(p,
		    "rule %s has a condition already; make another rule "
		    "and join them with meta",
		    p->rule->name);
		return false;
	}
	p->rule->kind = kind;
	return true;
}

static void
read_pattern(struct parser *p, char *at)
{
	struct rule *r = p->rule;
	const char *end = at, *why = NULL;

	if (*at == '!') {
		r->negate = true;
		at++;
		at += strspn(at, " \t");
	}
	r->regex = regex_parse(&p->rules->pool, at, &end, &why);
	if (r->regex == NULL)
		ERROR(p, "%s", why);
	else if (end[strspn(end, " \t")] != '\0')
		ERROR(p, "\"%.40s\" stands after the pattern; only flags may",
		    end);
}

static void
read_condition(
    struct parser *p, const struct condition *c, char *part, char *at)
{
	struct source s = { .kind = c->kind, .name = "" };
	char *name = at;

	if (!begin_condition(p, RULE_PATTERN))
		return;
	if (c->name) {
		name = word(&at);
		if (!read_name(p, c, name))
			return;
		part = strchr(name, ':');
		if (part != NULL && c->kind == SOURCE_HEADER)
			*part++ = '\0';
		else
			part = NULL;
		s.name = name;
	}
	if (part != NULL && !read_part(p, c, part, &s))
		return;
	p->rule->source = source_index(p->rules, &s);
	if (c->kind == SOURCE_HEADER &&
	    (strcmp(at, "exists") == 0 || strcmp(at, "missing") == 0)) {
		p->rule->kind = RULE_EXISTS;
		p->rule->negate = at[0] == 'm';
		return;
	}
	read_pattern(p, at);
}

static void
read_check(struct parser *p, char *at)
{
	struct rule *r = p->rule;
	const char *name = word(&at);

	if (!begin_condition(p, RULE_CHECK))
		return;
	if ((r->check = check_named(name)) == NULL) {
		ERROR(p,
		    "there is no check \"%s\"; millrace-rules(5) lists "
		    "them",
		    name);
		return;
	}
	while (*at != '\0' && r->nwords < WORDS_MOST) {
		r->words = pool_grow(
		    &p->rules->pool, r->words, r->nwords, sizeof(*r->words));
		r->words[r->nwords++] = keep(p, word(&at));
	}
	if (r->nwords < r->check->least || r->nwords > r->check->most)
		ERROR(p, "check %s wants %zu to %zu words after it", name,
		    r->check->least, r->check->most);
}

static void
read_meta(struct parser *p, char *at)
{
	const char *why = NULL;

	if (!begin_condition(p, RULE_META))
		return;
	p->rule->expr = expr_parse(&p->rules->pool, at, &why);
	if (p->rule->expr == NULL)
		ERROR(p, "meta: %s", why);
}

/* --- the rest of a rule --- */

static void
read_score(struct parser *p, char *at)
{
	char *end;
	double score = strtod(at, &end);

	if (end == at || *end != '\0' ||
	    !(score >= -SCORE_MOST && score <= SCORE_MOST))
		ERROR(p, "a score is a number of -1000 to 1000, as in "
			 "\"score 2.5\"");
	else
		p->rule->score = score;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "\n", "\t", "\\" and "\x41" in tests. */
static const char *
unescape(struct parser *p, const char *in)
{
	char *text = pool_copy(&p->rules->pool, in, strlen(in));
	char *out = text;

	while (*in != '\0') {
		if (*in != '\\' || in[1] == '\0') {
			*out++ = *in++;
		} else if (in[1] == 'x' && hex(in[2]) >= 0 && hex(in[3]) >= 0) {
			*out++ = (char)(hex(in[2]) << 4 | hex(in[3]));
			in += 4;
		} else {
			*out++ = in[1] == 'n'   ? '\n'
				 : in[1] == 't' ? '\t'
						: in[1];
			in += 2;
		}
	}
	*out = '\0';
	return text;
}

static void
read_test(struct parser *p, char *at, bool match)
{
	struct rule *r = p->rule;

	r->tests =
	    pool_grow(&p->rules->pool, r->tests, r->ntests, sizeof(*r->tests));
	r->tests[r->ntests++] =
	    (struct rule_test){ unescape(p, at), match, p->line };
}

static bool
name_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				"stuvwxyz0123456789_");

	return n > 0 && name[n] == '\0' && n <= NAME_MOST &&
	       !(name[0] >= '0' && name[0] <= '9');
}

static void
end_rule(struct parser *p)
{
	if (p->rule != NULL && p->rule->kind == RULE_NONE)
		rules_error(p->rules, p->file, p->rule->line,
		    "rule %s has no condition: header, body, rawbody, url, "
		    "attachment, envelope, note, finding, check or meta",
		    p->rule->name);
	p->rule = NULL;
}

static void
begin_rule(struct parser *p, char *at)
{
	struct rules *rules = p->rules;
	const char *name = word(&at);
	int32_t other = rules_find(rules, name);

	end_rule(p);
	if (!name_ok(name) || *at != '\0')
		ERROR(p, "a rule's name is up to 64 letters, digits and \"_\", "
			 "as in \"rule FREE_MONEY\"");
	else if (other >= 0)
		ERROR(p, "rule %s is there already, at %s:%u", name,
		    rules->items[other].file, rules->items[other].line);
	name = keep(p, name);
	p->rule = rules_add(rules, name);
	*p->rule = (struct rule){ .name = name,
		.describe = "",
		.file = p->file,
		.line = p->line,
		.hidden = name[0] == '_' };
}

/* One line of a rule. */
static void
read_line(struct parser *p, char *keyword, char *at)
{
	char *part = strchr(keyword, ':');

	if (part != NULL)
		*part++ = '\0';
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (strcmp(conditions[i].keyword, keyword) == 0) {
			read_condition(p, &conditions[i], part, at);
			return;
		}
	if (strcmp(keyword, "check") == 0)
		read_check(p, at);
	else if (strcmp(keyword, "meta") == 0)
		read_meta(p, at);
	else if (strcmp(keyword, "score") == 0)
		read_score(p, at);
	else if (strcmp(keyword, "describe") == 0)
		p->rule->describe = keep(p, at);
	else if (strcmp(keyword, "match") == 0)
		read_test(p, at, true);
	else if (strcmp(keyword, "no-match") == 0)
		read_test(p, at, false);
	else
		ERROR(p,
		    "there is no \"%.40s\"; a rule has a condition "
		    "(header, body, rawbody, url, attachment, envelope, "
		    "note, finding, check, meta), score, describe, match "
		    "and no-match",
		    keyword);
}

static void
trim(char *line)
{
	size_t n = strlen(line);

	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		line[--n] = '\0';
}

static void
read_text(struct parser *p, char *text)
{
	char *next = text;

	while ((text = strsep(&next, "\n")) != NULL) {
		char *keyword;

		p->line++;
		trim(text);
		text += strspn(text, " \t");
		if (*text == '\0' || *text == '#')
			continue;
		keyword = word(&text);
		if (strcmp(keyword, "rule") == 0)
			begin_rule(p, text);
		else if (p->rule != NULL)
			read_line(p, keyword, text);
		else
			ERROR(p,
			    "a rule must begin before \"%.40s\", as in "
			    "\"rule FREE_MONEY\"",
			    keyword);
	}
	end_rule(p);
}

void
rules_parse(struct rules *rules, const char *file, const char *text)
{
	struct parser p = { .rules = rules,
		.file = pool_copy(&rules->pool, file, strlen(file)) };

	read_text(&p, pool_copy(&rules->pool, text, strlen(text)));
}
