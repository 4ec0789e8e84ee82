/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded words: whatever goes in, one clean line of UTF-8 comes out. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "service/encoded_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *, char ***);

static void
must(bool so)
{
	if (!so)
		abort();
}

/* By a decoder that is not ours: glibc's. */
static void
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
	must(b->n == 0 || b->p[b->n - 1] != ' ');
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct buf b = { 0 };

	must(encoded_word_length(in) <= n);
	encoded_word_decode(&b, in);
	check_clean(&b);
	/* No byte becomes more than a few: a header stays of its size. */
	must(b.n <= 16 * n);
	buf_finish(&b);
	return 0;
}
