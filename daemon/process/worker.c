/* SPDX-License-Identifier: Apache-2.0 */
#include "process/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/journal.h"
#include "process/serve.h"
#include "process/watch.h"
#include "service/service.h"

enum {
	TICK_US = 50 * 1000,
	SECOND_TICKS = 20,
	STACK = 512 * 1024,
	FIRST_THREADS = 2,
};

static struct worker {
	struct worker_settings settings;
	struct core *core;
	int epoll;
	_Atomic int threads, idle;
} worker;

static void *serve_thread(void *);

static void
start_thread(void)
{
	pthread_attr_t a;
	pthread_t t;

	if (atomic_fetch_add(&worker.threads, 1) >=
	    worker.settings.config->globals.threads) {
		atomic_fetch_add(&worker.threads, -1);
		return;
	}
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &a, serve_thread, NULL) != 0)
		atomic_fetch_add(&worker.threads, -1);
	pthread_attr_destroy(&a);
}

static void
wait_again(struct served *s, int how)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT,
		.data.ptr = s };
	int sock = served_socket(s);

	served_pass(s); /* from here on it may be another thread's */
	if (epoll_ctl(worker.epoll, how, sock, &e) == -1)
		log_error("a session cannot be waited for: %m");
}

/* The socket is edge-triggered, so that a connection wakes one thread. */
static void
take_connections(void)
{
	int sock;

	while ((sock = accept4(worker.settings.listening, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1)
		wait_again(served_create(worker.core, worker.settings.board,
			       worker.settings.own, sock),
		    EPOLL_CTL_ADD);
}

static void
serve(struct served *s)
{
	if (served_read(s))
		wait_again(s, EPOLL_CTL_MOD);
	else
		served_destroy(&s);
}

/* While one thread is in a plugin there is always another that waits. */
static void *
serve_thread(void *arg)
{
	struct epoll_event e;

	(void)arg;
	if (!watch_enter_thread())
		return NULL;
	for (;;) {
		int n;

		atomic_fetch_add(&worker.idle, 1);
		n = epoll_wait(worker.epoll, &e, 1, -1);
		if (atomic_fetch_add(&worker.idle, -1) == 1)
			start_thread();
		if (n != 1)
			continue;
		if (e.data.ptr == NULL)
			take_connections();
		else
			serve(e.data.ptr);
	}
}

static void
stop_accepting(void)
{
	if (epoll_ctl(worker.epoll, EPOLL_CTL_DEL, worker.settings.listening,
		NULL) == -1 &&
	    errno != ENOENT)
		log_error("a retiring worker still accepts: %m");
	atomic_store(&worker.settings.own->state, WORKER_RETIRES);
}

/*
 * Its own memory: pages of files that it maps, as the store's, are shared and
 * can be dropped at any time.
 */
static int64_t
resident_bytes(void)
{
	long resident = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*s %ld %ld", &resident, &shared) != 2)
		resident = shared = 0;
	fclose(f);
	return (resident - shared) * sysconf(_SC_PAGESIZE);
}

/* A plugin that leaks costs a new worker now and then, not the machine. */
static void
check_memory(void)
{
	int64_t limit = worker.settings.config->globals.worker_memory;
	int64_t now = resident_bytes();

	if (limit <= 0 || now <= limit)
		return;
	log_warn("%lld MB of memory, more than worker-memory allows: "
		 "retiring",
	    (long long)(now >> 20));
	atomic_store(&worker.settings.own->retire, true);
}

static void
stand_guard(void)
{
	struct worker_board *own = worker.settings.own;
	uint64_t hang;

	for (unsigned tick = 0;; tick++) {
		atomic_store(&own->beat_us, clock_steady_us());
		usleep(TICK_US);
		hang = (uint64_t)watch_overruns();
		if (tick % SECOND_TICKS == 0) {
			check_memory();
			config_refresh_maps(worker.settings.config);
		}
		/* A thread that hangs is lost: the worker makes way. */
		if (hang > 0)
			atomic_store(&own->retire, true);
		if (!atomic_load(&own->retire))
			continue;
		if (atomic_load(&own->state) == WORKER_SERVES)
			stop_accepting();
		if (atomic_load(&own->sessions) <= hang)
			break;
	}
}

/*
 * Only the first worker of a generation is listened to: a fault of one that
 * takes another's place goes to the log.
 */
static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1 && strcmp(text, "+") != 0)
		log_error("%s", text);
	close(fd);
}

static void
write_record(void *arg, const struct record *r)
{
	(void)arg;
	record_log(r);
	if (!journal_send(r))
		atomic_fetch_add(&worker.settings.board->journal_lost, 1);
}

static bool
open_core(void)
{
	struct core_settings s = {
		.config = worker.settings.config,
		.plugins = worker.settings.plugins,
		.service = service_find,
		.watch =
		    watch_start(worker.settings.board, worker.settings.own),
		.record = write_record,
	};
	char *why;

	metrics_attach(&worker.settings.board->metrics);
	service_prepare(worker.settings.config, false);
	if ((worker.core = core_create(&s, &why)) != NULL)
		return true;
	say(worker.settings.ready, why);
	free(why);
	return false;
}

static void
wait_for_sessions(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE };

	worker.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker.epoll == -1 || epoll_ctl(worker.epoll, EPOLL_CTL_ADD,
				      worker.settings.listening, &e) == -1) {
		say(worker.settings.ready, "a worker cannot wait for sessions");
		_exit(71);
	}
}

void
worker_run(const struct worker_settings *settings)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "worker");
	worker.settings = *settings;
	if (!open_core())
		_exit(78);
	wait_for_sessions();
	for (int i = 0; i < FIRST_THREADS; i++)
		start_thread();
	atomic_store(&settings->own->state, WORKER_SERVES);
	say(settings->ready, "+");
	stand_guard();
	/* Threads may hang in a plugin: no destructor, no exit handler. */
	if (atomic_load(&settings->own->sessions) == 0) {
		core_destroy(&worker.core);
		service_finish();
	}
	atomic_store(&settings->own->state, WORKER_DONE);
	_exit(0);
}
