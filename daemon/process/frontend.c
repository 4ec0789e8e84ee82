/* SPDX-License-Identifier: Apache-2.0 */
#include "process/frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "front/milter.h"
#include "front/session.h"
#include "link/channel.h"
#include "millrace/thread.h"
#include "process/journal.h"
#include "process/logging.h"
#include "process/orders.h"
#include "process/privileges.h"

enum {
	TICK_US = 1000 * 1000,
	STOP_TICK_US = 20 * 1000,
	GRACE_US = 100 * 1000,
	IDLE_US = 5 * 1000 * 1000
};

static struct front front;
static int channel;
static const char *part;      /* who speaks in the log */
static int64_t stop_until_us; /* 0: not stopping */

static void
write_record(const struct record *r)
{
	record_log(r);
	journal_send(r);
}

static void
take_order(void *arg, enum order order, struct span body)
{
	struct plan *plan;
	uint32_t n;

	(void)arg;
	if (!orders_get_number(&body, &n))
		return;
	if (order == ORDER_STOP) {
		front_stop(&front);
		log_info("new messages are answered 421: this front ends");
		stop_until_us = clock_steady_us() + n * INT64_C(1000);
	} else if (order == ORDER_PLAN && (plan = plan_decode(body)) != NULL) {
		front_set_plan(&front, plan, n);
		log_debug("new messages use generation %u", n);
		orders_send_number(channel, ORDER_TAKEN, n);
	}
}

/* The last answer must have left, too. */
static bool
may_end(void)
{
	return clock_steady_us() > stop_until_us ||
	       (atomic_load(&front.board->messages) == 0 &&
		   front_is_quiet(&front, GRACE_US));
}

/* Everything that is not the MTA's: orders, idle sessions, the end. */
static void *
housekeeping(void *arg)
{
	struct buf in = { 0 };

	(void)arg;
	for (;;) {
		int64_t now = clock_steady_us();
		bool stopping = stop_until_us != 0;

		if (channel_wait(
			channel, now + (stopping ? STOP_TICK_US : TICK_US)) &&
		    !orders_read(channel, &in, take_order, NULL))
			_exit(70); /* the master is gone */
		front_sweep(&front, IDLE_US);
		if (stop_until_us != 0 && may_end())
			_exit(0);
	}
}

static void
start_housekeeping(void)
{
	pthread_t t;

	if (!mr_thread_start(&t, housekeeping, NULL))
		_exit(71);
}

static void
become_user(const struct config_globals *g)
{
	struct privileges p;
	char *why = NULL;

	if (privileges_find(g, &p, &why) && privileges_drop(&p, &why))
		return;
	log_error("%s", why);
	_exit(77);
}

void
frontend_run(const struct frontend_settings *s)
{
	struct plan *plan = plan_decode(s->plan);
	char *scratch;

	prctl(PR_SET_NAME, "front");
	part = memory_printf("front %s", s->name);
	logging_open(part, &plan->globals);
	privileges_raise_files();
	become_user(&plan->globals);
	scratch = memory_printf(
	    "%s/workers/front-%d.tmp", plan->globals.run_dir, getpid());
	channel = s->channel;
	front_init(&front, s->board, s->socket, write_record);
	atomic_store(&s->board->pid, getpid());
	if (!front_set_plan(&front, plan, s->generation))
		_exit(70);
	start_housekeeping();
	milter_serve(&front, s->listening, s->name, scratch);
	_exit(70);
}
