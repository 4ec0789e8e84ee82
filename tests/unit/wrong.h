/* SPDX-License-Identifier: Apache-2.0 */
/* Options with which an instance must not open, and what it must say. */
#ifndef UNIT_WRONG_H
#define UNIT_WRONG_H

#include <millrace/fake.h>

struct wrong {
	const char *option, *value;
	const char *says; /* part of a line of the transcript */
};

/* f: begun, and set as far as the option needs it; is finished. */
static inline void
wrong_check(struct fake *f, const struct wrong *w)
{
	fake_set(f, w->option, w->value);
	if (fake_open(f) || !fake_did(f, w->says))
		fail_msg("%s = \"%s\": want \"%s\", not\n%s", w->option,
		    w->value, w->says, fake_transcript(f));
	fake_finish(f);
}

static inline void
wrong_check_all(
    const struct mr_plugin *plugin, const struct wrong *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct fake f;

		fake_init(&f, plugin);
		wrong_check(&f, &rows[i]);
	}
}

#endif
