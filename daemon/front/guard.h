/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For reading what libmilter keeps of a hostile packet: it trusts macros to
 * come in pairs, and of an odd list reads past the end.
 */
#ifndef FRONT_GUARD_H
#define FRONT_GUARD_H

#include <stdbool.h>

/* Once, before the first session. */
void guard_start(void);

/*
 * Run something that only reads and calls nothing that locks.  False: it
 * touched memory that is not there, and was left where it stood.
 */
bool guard_run(void (*)(void *), void *arg);

#endif
