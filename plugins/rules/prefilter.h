/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many patterns may match a text, told in one pass over it.  There
 * are two of this kind, and the Makefile takes one: prefilter_literal.c looks
 * for words that patterns need, prefilter_hyperscan.c for the patterns.
 */
#ifndef RULES_PREFILTER_H
#define RULES_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regex.h"

struct prefilter;

struct prefilter_entry {
	uint32_t id;
	const struct regex *regex;
	bool always; /* set if nothing can be told of it */
};

/* For people. */
extern const char prefilter_kind[];

/* The entries may go afterwards.  NULL: all of them are always. */
struct prefilter *prefilter_create(struct prefilter_entry *, size_t count);
void prefilter_destroy(struct prefilter **);

/*
 * Set seen[id] of each entry that may match the text: of some that do not,
 * but of none too few.  Any thread, several at a time.
 */
void prefilter_scan(struct prefilter *, const char *text, size_t n, bool *seen);

#endif
