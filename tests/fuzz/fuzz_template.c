/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a template of the plugin headers, a NUL, and what each macro
 * brings.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/glob.h"

#include "../../plugins/headers/field.c"
#include "../../plugins/headers/template.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *
value(void *arg, const char *name)
{
	if (strlen(name) > TEMPLATE_NAME_BYTES || name[0] == '\0')
		abort();
	return arg;
}

static void
check(const char *out, size_t n)
{
	if (n > TEMPLATE_BYTES || strlen(out) != n)
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			abort();
}

static bool
matches(const char *pattern, const char *name)
{
	return mr_glob(pattern, strlen(pattern), name, strlen(name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[TEMPLATE_BYTES + 1], *text = malloc(size + 2), *rest;
	const char *cut;
	size_t n;

	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	rest = text + strlen(text) + 1;
	if (template_fault(text) == NULL) {
		n = template_expand(out, text, value, rest);
		check(out, n);
		template_expand(out, text, value, NULL);
		check(out, strlen(out));
	}
	n = field_cut(text, &cut);
	if (n > FIELD_NAME_BYTES || (n > 0 && text[n] != ':'))
		abort();
	/* A pattern of stars only, or the text as its own pattern. */
	if (field_pattern_ok(text) && !matches(text, text))
		abort();
	matches(rest, text);
	free(text);
	return 0;
}
