/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text as part of a key of the store: printable ASCII without
 * blanks, so that it can be listed, typed and put between colons.  Nothing
 * to link: the function is part of whoever includes it.
 */
#ifndef MR_SPELL_H
#define MR_SPELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MR_SPELL_TAIL = 17 }; /* "~" and 16 digits */

/* FNV-1a, 64 bits: who shares a key by chance harms only himself. */
static inline uint64_t
mr_spell_hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

/*
 * [any] Write text to out, size bytes with the NUL (at least 32): "%" and
 * what is no printable ASCII become %XX; fold makes A to Z small.  What is
 * longer than the room ends in "~" and a hash of the whole.
 */
static inline void
mr_spell(char *out, size_t size, const char *text, bool fold)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (n + 3 + MR_SPELL_TAIL >= size) {
			snprintf(out + n, size - n, "~%016llx",
			    (unsigned long long)mr_spell_hash(text));
			return;
		}
		if (fold && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		if (c > ' ' && c < 0x7f && c != '%') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
}

#endif
