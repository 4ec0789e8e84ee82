/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of Perl's kind, by PCRE2: translated to machine code, and within
 * limits, so that no text can make one run for long.
 */
#ifndef RULES_REGEX_H
#define RULES_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "literal.h"
#include "pool.h"

struct regex;

/* "/pattern/flags" at text, *end after it.  NULL and *why: it is wrong. */
struct regex *regex_parse(
    struct pool *, const char *text, const char **end, const char **why);
void regex_destroy(struct regex **);

/* What it was made of; flags that it sets itself, at its start, count. */
struct regex_text {
	const char *p; /* NUL-terminated, of the pool */
	size_t n;
	bool caseless, multiline, dotall, extended, utf;
};
const struct regex_text *regex_text(const struct regex *);

/* As literal_extract(); false: it must be tried on every text. */
bool regex_literals(const struct regex *, struct literals[LITERAL_SETS]);

/* What the patterns of one message share; one thread at a time. */
struct regex_run;

struct regex_limits {
	uint32_t match;   /* steps from one place of the text */
	int64_t until_us; /* steady clock */
};

struct regex_run *regex_run_create(const struct regex_limits *);
void regex_run_destroy(struct regex_run **);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT, REGEX_LATE };

/* *from and *to: where it matched. */
enum regex_result regex_match(struct regex_run *, const struct regex *,
    const char *text, size_t n, size_t *from, size_t *to);

#endif
