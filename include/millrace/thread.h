/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of one's own.  Nothing to link: the function is part of whoever
 * includes it.
 */
#ifndef MR_THREAD_H
#define MR_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/*
 * [any] Start a thread that takes no signals: those are for the daemon's own.
 * The caller joins or detaches it.  False: there is none.
 */
static inline bool
mr_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(thread, NULL, run, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

#endif
