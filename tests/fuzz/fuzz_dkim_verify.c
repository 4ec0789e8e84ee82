/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a message, verified with the keys of RFC 8463 all the way through
 * libopendkim.  A field "Key:" is the record of every other selector.
 */
#include <stdint.h>

#include "dkim_message.h"
#include "unit/dkim_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { SIGNATURES = 5 };

static void
expect(bool ok)
{
	if (!ok)
		abort();
}

static enum verify_key
look(void *arg, struct verify_signature *s, const char **why)
{
	const struct verify_message *m = arg;
	const char *text = NULL;

	if (span_is(s->claim.s, "brisbane"))
		text = RFC_ED25519_RECORD;
	else if (span_is(s->claim.s, "test"))
		text = RFC_RSA_RECORD;
	for (uint32_t i = 0; i < m->nfields && text == NULL; i++)
		if (strcmp(m->fields[i].name, "Key") == 0)
			text = m->fields[i].value;
	*why = "there is none";
	if (text == NULL)
		return span_is(s->claim.s, "later") ? KEY_LATER : KEY_NONE;
	*why = record_read(span_of(text), s->claim.algorithm, &s->key);
	return *why == NULL ? KEY_HERE : KEY_BAD;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct verify_limits limits = { SIGNATURES, 16384, 1024,
		size % 2 };
	struct verify_signature found[SIGNATURES];
	struct verifier *v = guarded_verifier(&limits);
	struct any_message a;
	uint32_t n, over;

	any_split(&a, (const char *)data, size);
	n = verify_find(v, a.m.fields, a.m.nfields, 1700000000, found, &over);
	expect(n <= SIGNATURES);
	verify_run(v, &a.m, found, n, look, &a.m);
	for (uint32_t i = 0; i < n; i++)
		expect((found[i].result == VERIFY_PASS) ==
		       (found[i].reason == NULL));
	verifier_destroy(&v);
	free(a.text);
	return 0;
}
