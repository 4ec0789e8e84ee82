/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the value of a DKIM-Signature field, and the record of a key. */
#include <stdint.h>
#include <stdlib.h>

#include "../../plugins/dkim/record.c"
#include "../../plugins/dkim/signature.c"
#include "../../plugins/dkim/tags.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool ok)
{
	if (!ok)
		abort();
}

static bool
is_inside(struct span s, struct span whole)
{
	return s.p == NULL ||
	       (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

static void
check_signature(struct span in)
{
	struct signature s;
	const char *why = "";
	enum signature_state state = signature_read(in, 1000000000, &s, &why);

	expect((state == SIGNATURE_CHECKABLE) == (why == NULL));
	expect(is_inside(s.d, in) && is_inside(s.b, in) && is_inside(s.i, in));
	signature_covers(&s, "From");
	if (state != SIGNATURE_CHECKABLE)
		return;
	expect(tags_is_domain(s.d) && tags_is_selector(s.s));
	expect(signature_covers(&s, "from") > 0);
	expect(s.algorithm == ALGORITHM_RSA_SHA256 ||
	       s.algorithm == ALGORITHM_ED25519);
	expect(s.expires < 0 || s.expires >= 1000000000 - SIGNATURE_DRIFT);
}

static void
check_record(struct span in)
{
	char zone[4096], text[1400];
	struct record r;

	record_is_key(in);
	if (record_read(in, ALGORITHM_ED25519, &r) == NULL)
		expect(r.ed25519);
	if (record_read(in, ALGORITHM_RSA_SHA256, &r) != NULL)
		return;
	expect(!r.ed25519 && strlen(r.key) <= RECORD_KEY_BYTES);
	expect(r.revoked == (r.key[0] == '\0'));
	/* What we write of it says the same. */
	expect(record_write(text, sizeof(text), false, r.key, r.test));
	expect(record_zone(zone, sizeof(zone), "a.", text));
	expect(record_is_key(span_of(text)));
	expect(record_read(span_of(text), ALGORITHM_RSA_SHA256, &r) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };

	check_signature(in);
	check_record(in);
	return 0;
}
