/* SPDX-License-Identifier: Apache-2.0 */
#include "front/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/* Where this thread goes on after a fault; NULL: a fault is a fault. */
static _Thread_local sigjmp_buf *volatile way_out;

static void
on_fault(int signal_number)
{
	if (way_out != NULL)
		siglongjmp(*way_out, 1);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

void
guard_start(void)
{
	struct sigaction a = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
}

bool
guard_run(void (*run)(void *), void *arg)
{
	sigjmp_buf here;
	volatile bool ok = false;

	/* The mask need not be saved: the handler leaves it as it is. */
	if (sigsetjmp(here, 0) == 0) {
		way_out = &here;
		run(arg);
		ok = true;
	}
	way_out = NULL;
	return ok;
}
