/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a signal of the configuration, and values of the store. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/account/baseline.c"
#include "../../plugins/account/signal.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_signal(const char *text)
{
	struct signal s;
	enum signal_kind kind;

	if (signal_parse(text, &kind, &s) != NULL)
		return;
	if (kind >= SIGNAL_KINDS || s.weight < 1 || s.threshold < 0 ||
	    s.period_ms < 1000 || s.period_ms > INT64_C(28) * 86400000)
		abort();
	if (signal_raised(kind, &s, s.threshold, 0))
		abort();
}

static void
check_baseline(const char *text, size_t n)
{
	struct baseline b, again;
	char out[BASELINE_BYTES];

	baseline_parse(text, n, &b);
	if (b.most < 0 || b.now < 0)
		abort();
	if (b.most > INT64_C(1) << 40 || b.now > INT64_C(1) << 40)
		return;
	baseline_add(&b, 1700000000000, 3600000, 17);
	baseline_parse(out, baseline_print(out, &b), &again);
	if (again.most != b.most || again.now != b.now ||
	    again.period != b.period)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	check_signal(text);
	check_baseline(text, size);
	free(text);
	return 0;
}
