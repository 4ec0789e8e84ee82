/* SPDX-License-Identifier: Apache-2.0 */
#include "process/board.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "core/stage.h"

static void *
shared(size_t n)
{
	void *p = mmap(
	    NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		log_error("no shared memory: %m");
		exit(71);
	}
	return p;
}

struct generation_board *
board_create_generation(uint32_t number)
{
	struct generation_board *b = shared(sizeof(*b));

	b->generation = number;
	return b;
}

void
board_destroy_generation(struct generation_board **b)
{
	if (*b != NULL)
		munmap(*b, sizeof(**b));
	*b = NULL;
}

struct front_board *
board_create_fronts(void)
{
	return shared(BOARD_FRONTS * sizeof(struct front_board));
}

void
board_describe_status(int status, char what[128])
{
	if (WIFSIGNALED(status))
		snprintf(what, 128, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(what, 128, "it called exit(%d)", WEXITSTATUS(status));
}

static struct worker_board *
worker_of(struct generation_board *b, int32_t pid)
{
	for (int i = 0; i < BOARD_WORKERS; i++)
		if (atomic_load(&b->workers[i].pid) == pid)
			return &b->workers[i];
	return NULL;
}

static const struct slot *
slot_of(const struct worker_board *w, uint64_t session)
{
	for (int i = 0; i < BOARD_THREADS; i++)
		if (atomic_load(&w->slots[i].state) != SLOT_IDLE &&
		    w->slots[i].session == session)
			return &w->slots[i];
	return NULL;
}

static const char *
slot_stage(const struct slot *s)
{
	if (s->stage < 0 || s->stage >= STAGE_COUNT)
		return "?";
	return stage_name((enum stage)s->stage);
}

/* What message_end does comes after the answer: the next one is not hit. */
static int
slot_instance(const struct slot *s)
{
	if (s->stage == STAGE_ABORT)
		return -1;
	return s->instance >= 0 && s->instance < CONFIG_INSTANCES ? s->instance
								  : -1;
}

static bool
wait_for_death(const struct worker_board *w)
{
	for (int ms = 0; ms < 1000; ms++) {
		if (atomic_load(&w->dead))
			return true;
		usleep(1000);
	}
	return false;
}

/* From outside, or for want of memory: no plugin did that. */
static bool
killed_from_outside(int status)
{
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
}

/* How many threads were inside a plugin when it happened. */
static int
running(const struct worker_board *w)
{
	int n = 0;

	for (int i = 0; i < BOARD_THREADS; i++)
		n += atomic_load(&w->slots[i].state) != SLOT_IDLE;
	return n;
}

/*
 * The thread that failed names the guilty one.  If that is not known
 * (_exit), the only instance that was running is; of several none.
 */
int
board_blame(struct generation_board *b, int32_t pid, uint64_t session,
    char *what, const char **stage)
{
	struct worker_board *w = worker_of(b, pid);
	const struct slot *s;
	int32_t guilty;

	*stage = "-";
	snprintf(what, 128, "its worker died");
	if (w == NULL || !wait_for_death(w))
		return -1;
	board_describe_status(atomic_load(&w->status), what);
	if ((s = slot_of(w, session)) == NULL)
		return -1;
	*stage = slot_stage(s);
	if (killed_from_outside(atomic_load(&w->status)))
		return -1;
	guilty = atomic_load(&w->guilty);
	if (guilty > 0 && guilty <= BOARD_THREADS)
		return &w->slots[guilty - 1] == s ? slot_instance(s) : -1;
	return running(w) == 1 ? slot_instance(s) : -1;
}

int
board_running(struct generation_board *b, int32_t pid, uint64_t session,
    const char **stage)
{
	struct worker_board *w = worker_of(b, pid);
	const struct slot *s = w != NULL ? slot_of(w, session) : NULL;

	*stage = s != NULL ? slot_stage(s) : "-";
	return s != NULL ? slot_instance(s) : -1;
}
