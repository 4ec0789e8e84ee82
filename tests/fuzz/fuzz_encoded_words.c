/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded words: whatever goes in, one clean line of UTF-8 comes out. */
#include <stdint.h>
#include <string.h>

#include "fuzz/clean.h"
#include "service/encoded_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *, char ***);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	clean_begin();
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
	must(b.n == 0 || b.p[b.n - 1] != ' ');
	/* No byte becomes more than a few: a header stays of its size. */
	must(b.n <= 16 * n);
	buf_finish(&b);
	return 0;
}
