/* SPDX-License-Identifier: Apache-2.0 */
#include "process/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/channel.h"
#include "link/frame.h"

enum { ALTERNATE_STACK = 64 * 1024 };

static struct generation_board *board;
static struct worker_board *own;

/* What shared memory cannot hold of a thread. */
static struct local {
	pthread_mutex_t lock; /* an overrun is being reported on sock */
	int sock;
} locals[BOARD_THREADS];
static _Atomic int nthreads;
static _Thread_local int place = -1;

static bool
watch_off(void *arg, unsigned instance)
{
	(void)arg;
	return atomic_load_explicit(
	    &board->instances[instance].off, memory_order_relaxed);
}

static void
set(_Atomic int32_t *to, int32_t n)
{
	atomic_store_explicit(to, n, memory_order_relaxed);
}

static void
watch_enter(void *arg, unsigned instance, enum stage stage, uint64_t session,
    const char *message_id, int64_t deadline_ms)
{
	struct slot *s;

	(void)arg;
	if (place < 0)
		return;
	s = &own->slots[place];
	set(&s->instance, (int32_t)instance);
	set(&s->stage, (int32_t)stage);
	atomic_store_explicit(&s->session, session, memory_order_relaxed);
	atomic_store_explicit(&s->deadline_us,
	    clock_steady_us() + deadline_ms * 1000, memory_order_relaxed);
	s->message_id[0] = '\0';
	if (message_id != NULL)
		strncpy(s->message_id, message_id, sizeof(s->message_id) - 1);
	atomic_store(&s->state, SLOT_RUNNING);
}

static void
count(unsigned instance, int32_t verdict, uint32_t us)
{
	struct instance_board *i = &board->instances[instance];

	atomic_fetch_add_explicit(&i->calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&i->us, us, memory_order_relaxed);
	if (verdict >= 0 && verdict < BOARD_VERDICTS)
		atomic_fetch_add_explicit(
		    &i->verdicts[verdict], 1, memory_order_relaxed);
}

static bool
watch_leave(void *arg, unsigned instance, int32_t verdict, uint32_t us)
{
	int32_t expected = SLOT_RUNNING;
	struct slot *s;

	(void)arg;
	count(instance, verdict, us);
	if (place < 0)
		return true;
	s = &own->slots[place];
	if (atomic_compare_exchange_strong(&s->state, &expected, SLOT_IDLE))
		return true;
	/* The report must be out before this thread closes the socket. */
	pthread_mutex_lock(&locals[place].lock);
	pthread_mutex_unlock(&locals[place].lock);
	atomic_store(&s->state, SLOT_IDLE);
	return false;
}

static void
note_guilt(void)
{
	if (place >= 0 && atomic_load(&own->slots[place].state) != SLOT_IDLE)
		atomic_store(&own->guilty, place + 1);
}

static void
on_fault(int signal_number)
{
	note_guilt();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* A plugin called exit(): nothing else of the worker may run. */
static void
on_process_exit(int status, void *arg)
{
	(void)arg;
	note_guilt();
	_exit(status);
}

static void
catch_faults(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
		SIGSYS };
	struct sigaction a = { .sa_handler = on_fault,
		.sa_flags = SA_ONSTACK | SA_NODEFER };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &a, NULL);
	on_exit(on_process_exit, NULL);
}

const struct core_watch *
watch_start(struct generation_board *b, struct worker_board *w)
{
	static const struct core_watch table = {
		.off = watch_off,
		.enter = watch_enter,
		.leave = watch_leave,
	};

	board = b;
	own = w;
	for (int i = 0; i < BOARD_THREADS; i++) {
		pthread_mutex_init(&locals[i].lock, NULL);
		locals[i].sock = -1;
	}
	catch_faults();
	return &table;
}

bool
watch_enter_thread(void)
{
	stack_t stack = { .ss_size = ALTERNATE_STACK };
	int mine = atomic_fetch_add(&nthreads, 1);

	if (mine >= BOARD_THREADS)
		return false;
	place = mine;
	/* So that even an overrun stack is noted.  Lives with the thread. */
	stack.ss_sp = memory_zalloc(ALTERNATE_STACK);
	sigaltstack(&stack, NULL);
	return true;
}

void
watch_serving(int sock)
{
	if (place >= 0)
		locals[place].sock = sock;
}

static bool
report_overrun(int i)
{
	struct slot *s = &own->slots[i];
	int32_t expected = SLOT_RUNNING;
	int32_t instance = s->instance;
	struct buf b = { 0 };
	bool ours;

	pthread_mutex_lock(&locals[i].lock);
	ours =
	    atomic_compare_exchange_strong(&s->state, &expected, SLOT_OVERRUN);
	if (ours && locals[i].sock != -1) {
		/* In message_end: its message has been answered. */
		frame_overrun(&b, s->stage == STAGE_ABORT ? -1 : instance);
		channel_send(locals[i].sock, (struct span){ b.p, b.n }, -1,
		    clock_steady_us());
		buf_finish(&b);
	}
	pthread_mutex_unlock(&locals[i].lock);
	if (ours && instance >= 0 && instance < CONFIG_INSTANCES)
		atomic_fetch_add(&board->instances[instance].overruns, 1);
	return ours;
}

int
watch_overruns(void)
{
	int64_t now = clock_steady_us();
	int threads = atomic_load(&nthreads), hang = 0;

	for (int i = 0; i < threads && i < BOARD_THREADS; i++) {
		const struct slot *s = &own->slots[i];
		int32_t state = atomic_load(&s->state);

		if (state == SLOT_OVERRUN ||
		    (state == SLOT_RUNNING && now > s->deadline_us &&
			report_overrun(i)))
			hang++;
	}
	return hang;
}
