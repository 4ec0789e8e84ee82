/* SPDX-License-Identifier: Apache-2.0 */
/* How often an instance brought workers down lately. */
#ifndef PROCESS_STRIKES_H
#define PROCESS_STRIKES_H

#include <stdbool.h>
#include <stdint.h>

enum { STRIKES_MAX = 100 };

struct strikes {
	int64_t times_us[STRIKES_MAX];
	unsigned count; /* all that ever were */
};

/* Note one at now.  True: limit of them within the time, so that is enough. */
bool strikes_add(
    struct strikes *, int64_t now_us, unsigned limit, int64_t within_us);

#endif
