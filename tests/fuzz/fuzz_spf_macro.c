/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a macro string, a NUL, and what the letters stand for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/domain.c"
#include "../../plugins/spf/macro.c"
#include "../../plugins/spf/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A domain-spec ends as a name of at most 253 bytes, or as none. */
static void
check_domain(struct span in, const struct macro_values *v)
{
	char *buffer = malloc(1024), *name = malloc(DOMAIN_NAME);
	struct text out = { .p = buffer, .size = 1024, .keep = 256 };
	struct span domain;

	if (macro_expand(in, v, &out)) {
		if (out.n >= out.size || buffer[out.n] != '\0')
			abort();
		domain = domain_shorten((struct span){ out.p, out.n });
		if (domain.n > DOMAIN_BYTES &&
		    memchr(domain.p, '.', domain.n) != NULL)
			abort();
		if (domain_name(domain, name) && domain.n > DOMAIN_BYTES)
			abort();
	}
	free(buffer);
	free(name);
}

static void
check_explanation(struct span in, const struct macro_values *v)
{
	char *buffer = malloc(100);
	struct text out = { .p = buffer, .size = 100 };

	if (macro_expand(in, v, &out))
		for (size_t i = 0; i < out.n; i++)
			if (buffer[i] < ' ' || buffer[i] > '~')
				abort();
	if (out.n >= out.size || strlen(buffer) != out.n)
		abort();
	free(buffer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct span rest = { copy, size }, in = span_cut(&rest, '\0');
	struct macro_values v;

	memcpy(copy, data, size);
	copy[size] = '\0';
	rest = (struct span){ copy, size };
	in = span_cut(&rest, '\0');
	for (size_t i = 0; i < 26; i++)
		v.of[i] = rest;
	if (macro_fault(in, MACRO_DOMAIN) == NULL)
		check_domain(in, &v);
	if (macro_fault(in, MACRO_EXPLANATION) == NULL)
		check_explanation(in, &v);
	else if (macro_fault(in, MACRO_MODIFIER) == NULL ||
		 macro_fault(in, MACRO_DOMAIN) == NULL)
		abort(); /* explanations may hold more than the others */
	macro_uses(in, 'p');
	domain_is_complete(rest);
	free(copy);
	return 0;
}
