/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "key.h"

/* FNV-1a, 64 bits: who shares a counter by chance harms only himself. */
static uint64_t
hash_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

void
key_spell(char out[KEY_VALUE_BYTES + 1], const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (const char *p = value; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (n > KEY_VALUE_BYTES - 20) {
			snprintf(out + n, KEY_VALUE_BYTES + 1 - n, "~%016llx",
			    (unsigned long long)hash_of(value));
			return;
		}
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
