/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules, and the files that they come from: millrace-rules(5) describes them.
 */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr.h"
#include "pool.h"
#include "prefilter.h"
#include "regex.h"

/* Where the texts come from that a pattern is tried on. */
enum source_kind {
	SOURCE_HEADER,
	SOURCE_BODY,
	SOURCE_RAWBODY,
	SOURCE_URL,
	SOURCE_ATTACHMENT,
	SOURCE_ENVELOPE,
	SOURCE_NOTE,
	SOURCE_FINDING,
};

/* What of it. */
enum source_part {
	PART_WHOLE,
	PART_RAW,
	PART_NAME,
	PART_ADDRESS,
	PART_DOMAIN,
	PART_HOST,
	PART_PATH,
	PART_SHOWN,
	PART_TYPE,
	PART_DETECTED,
	PART_MEMBER,
	PART_SHA256,
};

/* Texts that several rules look at, gathered once a message. */
struct source {
	enum source_kind kind;
	enum source_part part;
	const char *name; /* of the field, note or envelope part */
	/* Which of its rules can match at all; NULL: there are too few. */
	struct prefilter *prefilter;
};

enum rule_kind {
	RULE_NONE,
	RULE_PATTERN,
	RULE_EXISTS, /* a field is there */
	RULE_CHECK,  /* a function of ours */
	RULE_META,
};

/* "match" and "no-match" lines. */
struct rule_test {
	const char *text;
	bool match;
	unsigned line;
};

struct check;

struct rule {
	const char *name, *describe;
	const char *file;
	unsigned line;
	double score;
	enum rule_kind kind;
	bool negate; /* no text may match */
	bool off;
	bool hidden; /* for others to build on: leaves no symbol */
	bool always; /* no prefilter knows it */
	uint32_t source;
	struct regex *regex;
	const struct check *check;
	const char **words; /* of the check */
	size_t nwords;
	struct expr *expr;
	int32_t *refers; /* of each name: index of a rule, or -1 */
	struct rule_test *tests;
	size_t ntests;
};

struct rules {
	struct pool pool;
	struct rule *items;
	size_t count;
	struct source *sources;
	size_t nsources;
	uint32_t *by_name; /* open hash: 0 or 1 + index */
	size_t slots;
	/* What is wrong, a line each. */
	char *errors;
	size_t nerrors;
};

/* Read rules from text; file is its name in errors. */
void rules_parse(struct rules *, const char *file, const char *text);
/* The same of files; names are patterns of glob(7). */
void rules_load(struct rules *, const char *const *names, size_t count);
/* After all are read: bind names, build what makes it fast. */
void rules_finish_loading(struct rules *);
void rules_finish(struct rules *);

/* A new one, zeroed but for its name, until the next is added. */
struct rule *rules_add(struct rules *, const char *name);
/* Index, or -1. */
int32_t rules_find(const struct rules *, const char *name);

/* "file:line: text" into errors. */
void rules_error(struct rules *, const char *file, unsigned line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
