/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a key table; what stands before the first NUL is an address. */
#include <stdint.h>
#include <stdlib.h>

#include "../../plugins/dkim/keytable.c"
#include "../../plugins/dkim/rotate.c"
#include "../../plugins/dkim/signature.c"
#include "../../plugins/dkim/tags.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool ok)
{
	if (!ok)
		abort();
}

static void
check_table(struct span text)
{
	struct keytable_row row;
	unsigned line = 0, before;
	const char *why;

	for (;;) {
		before = line;
		if (!keytable_next(&text, &line, &row, &why)) {
			if (why == NULL)
				return;
			expect(line > before);
			continue;
		}
		expect(line > before && row.pattern.n > 0 && row.file.n > 0);
		expect(tags_is_selector(row.selector));
		expect(row.domain.n == 0 || tags_is_domain(row.domain));
		for (size_t i = 0; i < row.identity.n; i++)
			expect(row.identity.p[i] > ' ' &&
			       row.identity.p[i] <= '~' &&
			       row.identity.p[i] != ';');
	}
}

static void
check_candidates(struct span address)
{
	struct span at = { NULL, 0 };
	size_t n = 0;

	while (keytable_candidate(address, &at))
		expect(at.p != NULL && n++ <= address.n + 2);
	expect(at.n == 1 && at.p[0] == '*');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size }, address;
	int64_t seen, ttl;

	address = span_cut(&in, '\0');
	check_candidates(address);
	if (rotate_read(address.p, (uint32_t)address.n, &seen, &ttl))
		expect(seen > 0 && ttl >= 0);
	if (in.p == NULL)
		in = address;
	check_table(in);
	return 0;
}
