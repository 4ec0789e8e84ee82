/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a text must hold for a regular expression to match it.  Pure.
 */
#ifndef RULES_LITERAL_H
#define RULES_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

enum { LITERAL_SHORTEST = 3, LITERAL_LONGEST = 32, LITERAL_COUNT = 32 };

struct literals {
	size_t count;
	struct {
		unsigned char n;
		char text[LITERAL_LONGEST]; /* letters are lower case */
	} items[LITERAL_COUNT];
};

/*
 * Each text that the pattern (of Perl's kind) matches holds one of *out, in
 * upper or lower case.  False: it is not known what it must hold.  utf: it
 * matches characters, among which "k" and "s" have odd capitals.
 */
bool literal_extract(
    const char *pattern, size_t n, bool utf, struct literals *out);

#endif
