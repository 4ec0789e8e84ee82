/* SPDX-License-Identifier: Apache-2.0 */
/* How a plugin can break, on purpose. */
#ifndef ACTOR_FAULT_H
#define ACTOR_FAULT_H

#include "rule.h"

mr_verdict fault_sleep(const struct act *); /* MS */
mr_verdict fault_segv(const struct act *);  /* a write to nowhere */
mr_verdict fault_abort(const struct act *);
mr_verdict fault_exit(const struct act *);     /* STATUS */
mr_verdict fault_exit_now(const struct act *); /* STATUS */
mr_verdict fault_raise(const struct act *);    /* SIGNAL, as a number */
mr_verdict fault_smash(const struct act *);    /* the caller's frame */
mr_verdict fault_recurse(const struct act *);  /* until no stack is left */
mr_verdict fault_loop(const struct act *);
mr_verdict fault_deadlock(const struct act *);
mr_verdict fault_leak(const struct act *); /* MB */

#endif
