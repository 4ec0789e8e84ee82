/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever goes in, what comes out is one clean line of UTF-8. */
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "fuzz/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerInitialize(int *, char ***);

/* "..." with no quote inside but after a backslash. */
static void
check_quoted(const struct buf *b)
{
	must(b->n >= 2 && b->p[0] == '"' && b->p[b->n - 1] == '"');
	for (size_t i = 1; i < b->n - 1; i++) {
		must(b->p[i] != '"');
		if (b->p[i] == '\\')
			must(++i < b->n - 1);
	}
}

static void
check_json(const struct buf *b)
{
	check_quoted(b);
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] != '\\')
			continue;
		if (b->p[++i] != 'u') {
			must(strchr("\"\\nrt", b->p[i]) != NULL);
			continue;
		}
		must(i + 4 < b->n);
		must(strspn(b->p + i + 1, "0123456789abcdef") >= 4);
	}
}

static void
check_logfmt(const struct buf *b)
{
	must(b->n > 0);
	if (b->p[0] == '"')
		check_quoted(b);
	else
		must(strpbrk(b->p, " \"=\\") == NULL);
}

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

	escape_log(&b, in);
	check_clean(&b);
	must(b.n >= n);
	buf_cut(&b, 0);
	escape_logfmt(&b, in);
	check_clean(&b);
	check_logfmt(&b);
	buf_cut(&b, 0);
	escape_text(&b, in);
	check_clean(&b);
	buf_cut(&b, 0);
	escape_json(&b, in);
	check_clean(&b);
	check_json(&b);
	buf_finish(&b);
	return 0;
}
