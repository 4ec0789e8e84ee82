/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets demand of text that has been made clean. */
#ifndef FUZZ_CLEAN_H
#define FUZZ_CLEAN_H

#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/buf.h"

static inline void
must(bool so)
{
	if (!so)
		abort();
}

/* Before check_clean(). */
static inline void
clean_begin(void)
{
	must(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
}

/* One line of UTF-8, by a decoder that is not ours: glibc's. */
static inline void
check_clean(const struct buf *b)
{
	const char *p = b->p, *end = b->p + b->n;
	mbstate_t state = { 0 };

	while (p < end) {
		wchar_t c;
		size_t n = mbrtowc(&c, p, (size_t)(end - p), &state);

		must(n > 0 && n <= 4);
		must(c >= 0x20 && !(c >= 0x7f && c < 0xa0));
		p += n;
	}
}

#endif
