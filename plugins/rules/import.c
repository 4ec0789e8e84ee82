/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files of SpamAssassin, as far as they are plain: header, body,
 * rawbody, uri, meta, score and describe.  What is code of its modules, or
 * belongs to one of its plugins, is left out and said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules.h"

struct imported {
	const char *name;
	const char *condition; /* a line of ours; NULL: none yet */
	const char *score, *describe;
	unsigned line;
	bool left;
};

struct importer {
	struct import *out;
	struct pool pool;
	const char *file;
	unsigned line;
	unsigned skipping; /* nested blocks that are not for us */
	struct imported *items;
	size_t count;
	FILE *rules, *report;
};

static __attribute__((format(printf, 2, 3))) void
leave_out(struct importer *in, const char *format, ...)
{
	va_list args;

	in->out->left++;
	fprintf(in->report, "%s:%u: left out: ", in->file, in->line);
	va_start(args, format);
	vfprintf(in->report, format, args);
	va_end(args);
	fputc('\n', in->report);
}

static char *
cut(char **at)
{
	char *start = *at + strspn(*at, " \t");
	size_t n = strcspn(start, " \t");

	*at = start + n;
	if (**at != '\0')
		*(*at)++ = '\0';
	*at += strspn(*at, " \t");
	return start;
}

static struct imported *
rule_named(struct importer *in, const char *name)
{
	for (size_t i = in->count; i-- > 0;)
		if (strcmp(in->items[i].name, name) == 0)
			return &in->items[i];
	in->items =
	    pool_grow(&in->pool, in->items, in->count, sizeof(*in->items));
	in->items[in->count] =
	    (struct imported){ .name = pool_copy(&in->pool, name, strlen(name)),
		    .line = in->line };
	return &in->items[in->count++];
}

/* --- patterns --- */

/* The closing mark of "m{...}", "m!...!" or "/.../". */
static char
closing(char open)
{
	static const char pairs[] = "{}()[]<>";
	const char *p = strchr(pairs, open);

	return p != NULL && *p != '\0' && (p - pairs) % 2 == 0 ? p[1] : open;
}

static const char *
pattern_end(const char *p, char open, char close)
{
	unsigned depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == close && depth == 0)
			return p;
		else if (*p == close)
			depth--;
		else if (*p == open)
			depth++;
	}
	return NULL;
}

/* With "/" around it and escaped within. */
static const char *
slashed(struct importer *in, const char *p, const char *end, char mark)
{
	char *text = pool_alloc(&in->pool, 2 * (size_t)(end - p) + 3);
	char *to = text;

	*to++ = '/';
	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end) {
			/* An escaped mark is the mark: "\!" in "m!...!". */
			if (p[1] != mark || strchr("!,%#;:'@", mark) == NULL)
				*to++ = *p;
			p++;
			if (*p == '/' && to[-1] != '\\')
				*to++ = '\\';
			*to++ = *p;
			continue;
		}
		if (*p == '/')
			*to++ = '\\';
		*to++ = *p;
	}
	*to++ = '/';
	return text;
}

/* A pattern of ours, or NULL and *why. */
static const char *
convert(
    struct importer *in, const char *at, const char **rest, const char **why)
{
	const char *end, *text, *flags;
	struct regex *regex;
	char open, kept[16];
	size_t n = 0;

	if (*at == 'm' && at[1] != '\0')
		at++;
	open = *at;
	end = pattern_end(at + 1, open, closing(open));
	if (open == '\0' || end == NULL) {
		*why = "the pattern has no end";
		return NULL;
	}
	text = slashed(in, at + 1, end, open);
	for (flags = end + 1; *flags >= 'a' && *flags <= 'z'; flags++)
		if (strchr("imsxu", *flags) != NULL && n + 1 < sizeof(kept))
			kept[n++] = *flags;
	kept[n] = '\0';
	text = pool_printf(&in->pool, "%s%s", text, kept);
	*rest = flags + strspn(flags, " \t");
	if ((regex = regex_parse(&in->pool, text, &end, why)) == NULL)
		return NULL;
	regex_destroy(&regex);
	return text;
}

static void
take(struct imported *r, const char *condition)
{
	r->condition = condition;
	r->left = false;
}

static void
read_pattern(struct importer *in, struct imported *r, const char *keyword,
    const char *at)
{
	const char *rest = "", *why = NULL, *pattern;

	if (strncmp(at, "eval:", 5) == 0)
		why = "it calls code";
	else if ((pattern = convert(in, at, &rest, &why)) != NULL) {
		take(r, pool_printf(&in->pool, "%s %s", keyword, pattern));
		return;
	}
	r->left = true;
	leave_out(in, "%s: %s", r->name, why);
}

/* --- header --- */

static const struct {
	const char *said, *ours;
} fields[] = {
	{ "ALL", "header ALL" },
	{ "EnvelopeFrom", "envelope from" },
	{ "MESSAGEID", "header Message-ID" },
};

/* "From:addr" and the like; NULL: we have nothing like it. */
static const char *
field_of(struct importer *in, const char *said)
{
	static const char *const parts[][2] = { { "addr", "address" },
		{ "name", "name" }, { "raw", "raw" } };
	const char *colon = strchr(said, ':');

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(said, fields[i].said) == 0)
			return fields[i].ours;
	if (strcmp(said, "ToCc") == 0 || strncmp(said, "X-Spam-", 7) == 0)
		return NULL;
	if (colon == NULL)
		return pool_printf(&in->pool, "header %s", said);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(colon + 1, parts[i][0]) == 0)
			return pool_printf(&in->pool, "header %.*s:%s",
			    (int)(colon - said), said, parts[i][1]);
	return NULL;
}

static void
read_header(struct importer *in, struct imported *r, char *at)
{
	const char *field, *rest = "", *why = NULL, *pattern;
	bool negate;
	char *said;

	if (strncmp(at, "exists:", 7) == 0) {
		take(r, pool_printf(&in->pool, "header %s exists", at + 7));
		return;
	}
	r->left = true;
	said = cut(&at);
	if (strncmp(said, "eval:", 5) == 0) {
		leave_out(in, "%s: it calls code", r->name);
		return;
	}
	if ((field = field_of(in, said)) == NULL) {
		leave_out(in, "%s: there is no field like %s", r->name, said);
		return;
	}
	negate = strncmp(at, "!~", 2) == 0;
	if (!negate && strncmp(at, "=~", 2) != 0) {
		leave_out(in, "%s: no =~ after the field", r->name);
		return;
	}
	pattern = convert(in, at + 2 + strspn(at + 2, " \t"), &rest, &why);
	if (pattern == NULL)
		leave_out(in, "%s: %s", r->name, why);
	else if (strncmp(rest, "[if-unset", 9) == 0)
		leave_out(in, "%s: if-unset", r->name);
	else
		take(r, pool_printf(&in->pool, "%s %s%s", field,
			    negate ? "!" : "", pattern));
}

/* --- the others --- */

static void
read_meta(struct importer *in, struct imported *r, const char *at)
{
	const char *why = NULL;

	if (expr_parse(&in->pool, at, &why) != NULL) {
		take(r, pool_printf(&in->pool, "meta %s", at));
		return;
	}
	r->left = true;
	leave_out(in, "%s: %s", r->name, why);
}

/* Of four scores the first, for neither the network nor a learner here. */
static void
read_score(struct importer *in, struct imported *r, char *at)
{
	const char *text = cut(&at);
	char *end;

	strtod(text, &end);
	if (end == text || *end != '\0')
		leave_out(in, "score of %s: %s", r->name, text);
	else
		r->score = pool_copy(&in->pool, text, strlen(text));
}

static void
skip_block(struct importer *in, const char *keyword, const char *rest)
{
	if (in->skipping++ == 0)
		leave_out(in, "all within \"%s %s\"", keyword, rest);
}

static void
read_rule_line(struct importer *in, const char *keyword, char *at)
{
	static const char *const silent[] = { "tflags", "lang", "priority",
		"test", "reuse", "version_tag", "require_version" };
	struct imported *r;

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (strcmp(keyword, silent[i]) == 0)
			return;
	if (strcmp(keyword, "header") != 0 && strcmp(keyword, "body") != 0 &&
	    strcmp(keyword, "rawbody") != 0 && strcmp(keyword, "uri") != 0 &&
	    strcmp(keyword, "meta") != 0 && strcmp(keyword, "score") != 0 &&
	    strcmp(keyword, "describe") != 0) {
		leave_out(in, "%s %.60s", keyword, at);
		return;
	}
	r = rule_named(in, cut(&at));
	if (strcmp(keyword, "header") == 0)
		read_header(in, r, at);
	else if (strcmp(keyword, "uri") == 0)
		read_pattern(in, r, "url", at);
	else if (strcmp(keyword, "meta") == 0)
		read_meta(in, r, at);
	else if (strcmp(keyword, "score") == 0)
		read_score(in, r, at);
	else if (strcmp(keyword, "describe") == 0)
		r->describe = pool_copy(&in->pool, at, strlen(at));
	else
		read_pattern(in, r, keyword, at);
}

static void
read_line(struct importer *in, char *line)
{
	char *keyword;
	size_t n = strlen(line);

	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		line[--n] = '\0';
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return;
	keyword = cut(&line);
	if (strcmp(keyword, "ifplugin") == 0 || strcmp(keyword, "if") == 0)
		skip_block(in, keyword, line);
	else if (strcmp(keyword, "endif") == 0)
		in->skipping -= in->skipping > 0;
	else if (strcmp(keyword, "else") != 0 && in->skipping == 0)
		read_rule_line(in, keyword, line);
}

/* A rule without a score is worth one point; a hidden one none. */
static char *
text_of(const struct imported *r)
{
	char *text;
	int n = asprintf(&text, "rule %s\n    %s\n%s%s%s%s%s%s", r->name,
	    r->condition, r->name[0] != '_' ? "    score " : "",
	    r->name[0] == '_'  ? ""
	    : r->score != NULL ? r->score
			       : "1.0",
	    r->name[0] != '_' ? "\n" : "",
	    r->describe != NULL ? "    describe " : "",
	    r->describe != NULL ? r->describe : "",
	    r->describe != NULL ? "\n" : "");

	if (n == -1)
		abort();
	return text;
}

/* Only what we can read ourselves is handed out. */
static void
print_rule(struct importer *in, const struct imported *r)
{
	struct rules own = { .count = 0 };
	char *text;

	if (r->condition == NULL || r->left)
		return;
	text = text_of(r);
	rules_parse(&own, r->name, text);
	if (own.nerrors == 0) {
		in->out->taken++;
		fprintf(in->rules, "%s\n", text);
	} else {
		in->line = r->line;
		leave_out(in, "%s: %s", r->name, own.errors);
	}
	rules_finish(&own);
	free(text);
}

void
import_rules(struct import *out, const char *file, const char *text)
{
	struct importer in = { .out = out, .file = file };
	size_t n, m;
	char *next = pool_copy(&in.pool, text, strlen(text)), *line;

	*out = (struct import){ 0 };
	in.rules = open_memstream(&out->rules, &n);
	in.report = open_memstream(&out->report, &m);
	if (in.rules == NULL || in.report == NULL)
		abort();
	while ((line = strsep(&next, "\n")) != NULL) {
		in.line++;
		read_line(&in, line);
	}
	for (size_t i = 0; i < in.count; i++)
		print_rule(&in, &in.items[i]);
	fclose(in.rules);
	fclose(in.report);
	pool_finish(&in.pool);
}
