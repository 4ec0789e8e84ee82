/* SPDX-License-Identifier: Apache-2.0 */
/* What all plugins that ask a scanner do alike. */
#ifndef UNIT_SCANNER_H
#define UNIT_SCANNER_H

#include <millrace/fake.h>

/* A message over max-size is passed on unasked; f stays open. */
static inline void
scanner_check_size(
    struct fake *f, const struct mr_plugin *plugin, const char *symbol)
{
	char big[2048];

	memset(big, 'x', sizeof(big));
	fake_init(f, plugin);
	fake_set(f, "max-size", "1K");
	fake_stream_clear();
	assert_true(fake_open(f));
	fake_mail(f, "a@example.com");
	fake_body(f, big, sizeof(big));
	assert_int_equal(fake_eom(f), MR_CONTINUE);
	assert_null(fake_stream.asked);
	assert_true(fake_did(f, symbol));
}

#endif
