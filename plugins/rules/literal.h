/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a text must hold for a regular expression to match it.  Pure.
 */
#ifndef RULES_LITERAL_H
#define RULES_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

enum { LITERAL_SHORTEST = 3, LITERAL_LONGEST = 32, LITERAL_COUNT = 32 };
enum { LITERAL_SETS = 2 };

struct literals {
	size_t count; /* 0: none is asked for */
	struct {
		unsigned char n;
		char text[LITERAL_LONGEST]; /* letters are lower case */
	} items[LITERAL_COUNT];
};

enum {
	LITERAL_UTF = 1,      /* it matches characters, not bytes */
	LITERAL_CASELESS = 2, /* of which many have capitals of their own */
};

/*
 * Each text that the pattern (of Perl's kind) matches holds one of each of
 * the sets, in upper or lower case as ASCII has them; the second may be
 * empty.  False: it is not known what it must hold.
 */
bool literal_extract(const char *pattern, size_t n, unsigned flags,
    struct literals out[LITERAL_SETS]);

#endif
