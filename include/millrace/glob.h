/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns as a shell has them, but no more than * and ?.  Nothing to link:
 * the function is part of whoever includes it.
 */
#ifndef MR_GLOB_H
#define MR_GLOB_H

#include <stdbool.h>
#include <stddef.h>

static inline char
mr_glob_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * [any] Does the pattern, n bytes, hold for the whole text, m bytes?  * is
 * any run of bytes, ? any one; ASCII letters in any case.  Takes at most n
 * times m steps, whatever both are: only the last * is ever tried again.
 * What stands before it has found its leftmost place, and no other could
 * leave more to what follows.
 */
static inline bool
mr_glob(const char *pattern, size_t n, const char *text, size_t m)
{
	size_t p = 0, t = 0, star = 0, from = 0;

	while (t < m) {
		if (p < n && pattern[p] == '*') {
			star = ++p; /* one behind it, so never 0 */
			from = t;
		} else if (p < n &&
			   (pattern[p] == '?' || mr_glob_lower(pattern[p]) ==
						     mr_glob_lower(text[t]))) {
			p++;
			t++;
		} else if (star > 0) {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < n && pattern[p] == '*')
		p++;
	return p == n;
}

#endif
