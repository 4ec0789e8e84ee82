/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int
number(const struct act *a)
{
	return (int)strtol(a->args, NULL, 10);
}

mr_verdict
fault_sleep(const struct act *a)
{
	int ms = number(a);
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
	return MR_CONTINUE;
}

mr_verdict
fault_segv(const struct act *a)
{
	/* Not NULL, and not a constant: compilers look for both. */
	volatile int *nowhere = (volatile int *)(intptr_t)(16 + number(a));

	*nowhere = 1;
	return MR_CONTINUE;
}

mr_verdict
fault_abort(const struct act *a)
{
	(void)a;
	abort();
}

mr_verdict
fault_exit(const struct act *a)
{
	exit(number(a));
}

mr_verdict
fault_exit_now(const struct act *a)
{
	_exit(number(a));
}

mr_verdict
fault_raise(const struct act *a)
{
	raise(number(a));
	return MR_CONTINUE;
}

static void __attribute__((noinline)) overrun(volatile char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = 'x';
}

mr_verdict __attribute__((noinline)) fault_smash(const struct act *a)
{
	char small[16];

	overrun(small, 256 + (a->args[0] == 'x'));
	return small[0];
}

/* Deeper than any stack; each frame is used after the call, so that it
 * cannot become a loop. */
static unsigned __attribute__((noinline))
deeper(unsigned left, const volatile char *above)
{
	volatile char frame[4096];

	frame[left % sizeof(frame)] = above[0];
	if (left == 0)
		return 0;
	return deeper(left - 1, frame) + (unsigned)frame[0];
}

mr_verdict
fault_recurse(const struct act *a)
{
	return deeper(UINT32_MAX, a->args) == 0 ? MR_CONTINUE : MR_ERROR;
}

mr_verdict
fault_loop(const struct act *a)
{
	volatile uint64_t turns = 0;

	(void)a;
	for (;;)
		turns++;
}

mr_verdict
fault_deadlock(const struct act *a)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	(void)a;
	pthread_mutex_lock(&lock);
	pthread_mutex_lock(&lock);
	return MR_CONTINUE;
}

mr_verdict
fault_leak(const struct act *a)
{
	size_t n = (size_t)number(a) << 20;
	volatile char *lost = malloc(n);

	/* Touched, or it would cost nothing. */
	for (size_t i = 0; lost != NULL && i < n; i += 4096)
		lost[i] = 1;
	return MR_CONTINUE;
}
