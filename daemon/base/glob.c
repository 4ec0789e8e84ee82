/* SPDX-License-Identifier: Apache-2.0 */
#include "base/glob.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * Only the last * is ever tried again: what stands before it has found its
 * leftmost place, and no other could leave more to what follows.
 */
bool
glob_match(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = 0, from = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = ++p; /* one behind it, so never 0 */
			from = t;
		} else if (p < pattern.n &&
			   (pattern.p[p] == '?' ||
			       lower(pattern.p[p]) == lower(text.p[t]))) {
			p++;
			t++;
		} else if (star > 0) {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
