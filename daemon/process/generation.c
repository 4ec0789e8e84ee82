/* SPDX-License-Identifier: Apache-2.0 */
#include "process/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "link/channel.h"
#include "link/plan.h"
#include "process/logging.h"
#include "process/orders.h"
#include "process/privileges.h"
#include "process/setup.h"
#include "process/strikes.h"
#include "process/worker.h"

enum {
	TICK_MS = 100,
	BACKLOG = 4096,
	START_LIMIT_MS = 60 * 1000,
	QUICK_DEATH_US = 1000 * 1000,
	BEAT_LIMIT_US = 10 * 1000 * 1000,
	WORKERS_MAX = BOARD_WORKERS / 2,
};

/* A place for a worker: the process that is in it now. */
struct seat {
	pid_t pid;
	struct worker_board *own;
	bool replaced;           /* it retires, another has its work */
	int64_t retire_until_us; /* 0: it does not retire */
};

static struct generation {
	struct generation_settings settings;
	struct setup setup;
	int listening;
	struct seat seats[BOARD_WORKERS];
	unsigned wanted; /* workers */
	unsigned next_place;
	struct strikes strikes[CONFIG_INSTANCES];
	uint64_t overruns_seen[CONFIG_INSTANCES];
	unsigned quick_deaths;
	int64_t start_after_us; /* not before: they die too quickly */
	bool stopping;
	int64_t stop_limit_us;
} gen;

static void
fail(const char *why)
{
	orders_send(gen.settings.channel, ORDER_FAILED, span_of(why));
	_exit(78);
}

/* Name them for the status, before a worker can die. */
static void
fill_board(void)
{
	const struct config *c = gen.setup.config;
	struct generation_board *b = gen.settings.board;

	for (size_t i = 0; i < c->ninstances; i++) {
		struct instance_board *one = &b->instances[i];

		snprintf(
		    one->name, sizeof(one->name), "%s", c->instances[i].name);
		snprintf(one->plugin, sizeof(one->plugin), "%s",
		    c->instances[i].plugin);
		one->mode = (int32_t)c->instances[i].common.mode;
	}
	atomic_store(&b->ninstances, (uint32_t)c->ninstances);
}

static void
make_plan(struct buf *out)
{
	const struct config *c = gen.setup.config;
	struct instance *instances =
	    memory_zalloc((c->ninstances + 1) * sizeof(*instances));
	struct chain *chains =
	    memory_zalloc((c->nlisteners + 1) * sizeof(*chains));

	chain_plan(instances, c, &gen.setup.plugins);
	for (size_t i = 0; i < c->nlisteners; i++)
		chain_build(&chains[i], c, &c->listeners[i], instances);
	plan_encode(out, c, chains);
	for (size_t i = 0; i < c->nlisteners; i++)
		chain_finish(&chains[i]);
	for (size_t i = 0; i < c->ninstances; i++)
		needs_finish(&instances[i].needs);
	free(chains);
	free(instances);
}

static void
open_listening(void)
{
	const struct config_globals *g = &gen.setup.config->globals;
	char *path = memory_printf(
	    "%s/workers/%u.sock", g->run_dir, gen.settings.number);
	char *why;

	gen.listening = channel_listen(path, BACKLOG, 0600);
	if (gen.listening == -1) {
		why = memory_printf("%s: %s", path, strerror(errno));
		fail(why);
	}
	free(path);
}

/* Ours is not open yet: who answers would lose its sockets to us. */
static void
check_alone(void)
{
	char *path =
	    memory_printf("%s/control.sock", gen.setup.config->globals.run_dir);
	int sock = gen.settings.number == 1 ? channel_connect(path) : -1;

	if (sock != -1)
		fail(memory_printf("%s: another millraced answers on it: stop "
				   "that first, or set another run-dir",
		    path));
	free(path);
}

static void
prepare(void)
{
	struct privileges p;
	char part[32], *why = NULL;

	if (!setup_load(&gen.setup, gen.settings.config_path, &why))
		fail(why);
	snprintf(part, sizeof(part), "generation %u", gen.settings.number);
	logging_open(part, &gen.setup.config->globals);
	check_alone();
	privileges_raise_files();
	if (!privileges_find(&gen.setup.config->globals, &p, &why) ||
	    !privileges_make_folders(&gen.setup.config->globals, &p, &why) ||
	    !privileges_drop(&p, &why))
		fail(why);
	/* A dead worker is found by its status; none leaves a core behind. */
	prctl(PR_SET_DUMPABLE, 0);
	open_listening();
	fill_board();
}

static struct seat *
free_seat(void)
{
	for (int i = 0; i < BOARD_WORKERS; i++)
		if (gen.seats[i].pid == 0)
			return &gen.seats[i];
	return NULL;
}

/*
 * The places on the board are taken in turn, so that what is known of a dead
 * worker stays readable while its sessions are told again.
 */
static struct worker_board *
next_board(void)
{
	struct generation_board *b = gen.settings.board;

	for (int i = 0; i < BOARD_WORKERS; i++) {
		struct worker_board *w =
		    &b->workers[gen.next_place++ % BOARD_WORKERS];
		int32_t state = atomic_load(&w->state);

		if (state != WORKER_FREE && state != WORKER_DONE &&
		    !atomic_load(&w->dead))
			continue;
		memset(w, 0, sizeof(*w));
		atomic_store(&w->state, WORKER_STARTS);
		atomic_store(&w->started_us, clock_steady_us());
		return w;
	}
	return NULL;
}

static void
become_worker(struct worker_board *own, int ready)
{
	struct worker_settings s = { .config = gen.setup.config,
		.plugins = &gen.setup.plugins,
		.board = gen.settings.board,
		.own = own,
		.listening = gen.listening,
		.ready = ready };

	close(gen.settings.channel);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	logging_open("worker", &gen.setup.config->globals);
	atomic_store(&own->pid, getpid());
	worker_run(&s);
}

/* Returns the end of a pipe on which it says that it serves, or -1. */
static int
start_worker(void)
{
	struct seat *seat = free_seat();
	struct worker_board *own = next_board();
	int ends[2];

	if (seat == NULL || own == NULL || pipe(ends) == -1) {
		log_error("no place for a worker: %m");
		return -1;
	}
	seat->pid = fork();
	if (seat->pid == 0) {
		close(ends[0]);
		become_worker(own, ends[1]);
	}
	close(ends[1]);
	if (seat->pid == -1) {
		log_error("a worker cannot be started: %m");
		seat->pid = 0;
		close(ends[0]);
		return -1;
	}
	atomic_store(&own->pid, seat->pid);
	seat->own = own;
	seat->replaced = false;
	seat->retire_until_us = 0;
	return ends[0];
}

/* The first worker is the trial: what it says is the master's answer. */
static void
start_first(void)
{
	struct buf said = { 0 };
	char part[4096], what[128];
	int fd = start_worker(), status;
	ssize_t n;

	if (fd == -1)
		fail("the first worker cannot be started");
	if (!channel_wait(fd, clock_steady_us() + START_LIMIT_MS * 1000ll)) {
		kill(gen.seats[0].pid, SIGKILL);
		fail("the first worker was not ready in time: a plugin hangs "
		     "while it is opened");
	}
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_put(&said, part, (size_t)n);
	close(fd);
	if (said.n > 0 && strcmp(said.p, "+") == 0) {
		buf_finish(&said);
		return;
	}
	waitpid(gen.seats[0].pid, &status, 0);
	board_describe_status(status, what);
	if (said.n == 0)
		buf_printf(
		    &said, "a plugin fails while it is opened: %s", what);
	fail(said.p);
}

static void
start_others(void)
{
	unsigned serving = 0;

	for (int i = 0; i < BOARD_WORKERS; i++)
		serving += gen.seats[i].pid != 0 && !gen.seats[i].replaced;
	for (; serving < gen.wanted; serving++) {
		int fd;

		if (clock_steady_us() < gen.start_after_us)
			return;
		if ((fd = start_worker()) != -1)
			close(fd); /* if it fails we see it die */
	}
}

static void
switch_off(unsigned instance, const char *what)
{
	static const char *const does[] = { "its messages go on without it",
		"its messages are put off (451)", "its messages are refused" };
	const struct config *c = gen.setup.config;
	const struct config_instance *i = &c->instances[instance];
	struct instance_board *b = &gen.settings.board->instances[instance];

	if (atomic_exchange(&b->off, true))
		return;
	log_error("instance %s is switched off: %s %lld times within %lld s; "
		  "as its on-error says, %s; reload to try it again",
	    i->name, what, (long long)c->globals.crash_limit,
	    (long long)c->globals.crash_within / 1000,
	    does[i->common.on_error]);
}

static void
strike(unsigned instance, const char *what)
{
	const struct config_globals *g = &gen.setup.config->globals;

	if (strikes_add(&gen.strikes[instance], clock_steady_us(),
		(unsigned)g->crash_limit, g->crash_within * 1000))
		switch_off(instance, what);
}

/* Deadlines are seen by the workers: new ones since the last look. */
static void
count_overruns(void)
{
	for (size_t i = 0; i < gen.setup.config->ninstances; i++) {
		uint64_t now =
		    atomic_load(&gen.settings.board->instances[i].overruns);

		for (; gen.overruns_seen[i] < now; gen.overruns_seen[i]++) {
			log_warn("instance %s was over its deadline",
			    gen.setup.config->instances[i].name);
			strike((unsigned)i, "it was over its deadline");
		}
	}
}

/* The thread that failed, or the only one that was in a plugin. */
static const struct slot *
guilty_slot(const struct worker_board *w, int status)
{
	const struct slot *only = NULL;
	int32_t guilty = atomic_load(&w->guilty);

	if (guilty > 0 && guilty <= BOARD_THREADS)
		return &w->slots[guilty - 1];
	if (WIFSIGNALED(status) &&
	    (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
		return NULL;
	for (int i = 0; i < BOARD_THREADS; i++) {
		if (atomic_load(&w->slots[i].state) == SLOT_IDLE)
			continue;
		if (only != NULL)
			return NULL;
		only = &w->slots[i];
	}
	return only;
}

static void
report_death(const struct worker_board *w, pid_t pid, int status)
{
	const struct config *c = gen.setup.config;
	const struct slot *s = guilty_slot(w, status);
	char what[128];

	board_describe_status(status, what);
	if (s == NULL || s->instance < 0 ||
	    (size_t)s->instance >= c->ninstances) {
		log_error("worker %d ended: %s; no instance is to blame",
		    (int)pid, what);
		return;
	}
	log_error("worker %d ended: %s in instance %s at %s, message %.*s",
	    (int)pid, what, c->instances[s->instance].name,
	    s->stage >= 0 && s->stage < STAGE_COUNT
		? stage_name((enum stage)s->stage)
		: "?",
	    (int)sizeof(s->message_id) - 1,
	    s->message_id[0] != '\0' ? s->message_id : "-");
	atomic_fetch_add(&gen.settings.board->instances[s->instance].deaths, 1);
	strike((unsigned)s->instance, "it brought a worker down");
}

static void
bury(struct seat *seat, int status)
{
	struct worker_board *w = seat->own;
	bool done = atomic_load(&w->state) == WORKER_DONE;
	int64_t lived = clock_steady_us() - atomic_load(&w->started_us);

	atomic_store(&w->status, status);
	atomic_store(&w->dead, true);
	if (!done)
		report_death(w, seat->pid, status);
	if (!done && lived < QUICK_DEATH_US && atomic_load(&w->served) == 0)
		gen.quick_deaths++;
	else
		gen.quick_deaths = 0;
	if (gen.quick_deaths >= 5)
		gen.start_after_us = clock_steady_us() + 500 * 1000;
	*seat = (struct seat){ 0 };
}

static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < BOARD_WORKERS; i++)
			if (gen.seats[i].pid == pid)
				bury(&gen.seats[i], status);
}

/* A worker that retires has its place taken at once, and a time to end. */
static void
watch_retiring(void)
{
	int64_t now = clock_steady_us();
	int64_t limit = gen.stopping
			    ? gen.stop_limit_us
			    : gen.setup.config->globals.stop_limit * 1000;

	for (int i = 0; i < BOARD_WORKERS; i++) {
		struct seat *s = &gen.seats[i];

		if (s->pid == 0 || !atomic_load(&s->own->retire))
			continue;
		s->replaced = true;
		if (s->retire_until_us == 0)
			s->retire_until_us = now + limit;
		if (now > s->retire_until_us)
			kill(s->pid, SIGKILL);
	}
}

/* Not even its guard runs: it is stopped, or worse. */
static void
watch_beats(void)
{
	int64_t now = clock_steady_us();

	for (int i = 0; i < BOARD_WORKERS; i++) {
		const struct seat *s = &gen.seats[i];
		int64_t beat = s->pid != 0 ? atomic_load(&s->own->beat_us) : 0;

		if (beat == 0 || now - beat < BEAT_LIMIT_US)
			continue;
		log_error("worker %d has not moved for %d s: killing it",
		    (int)s->pid, BEAT_LIMIT_US / 1000000);
		kill(s->pid, SIGKILL);
		atomic_store(&s->own->beat_us, 0);
	}
}

static void
retire_all(void)
{
	for (int i = 0; i < BOARD_WORKERS; i++)
		if (gen.seats[i].pid != 0)
			atomic_store(&gen.seats[i].own->retire, true);
}

static bool
any_worker(void)
{
	for (int i = 0; i < BOARD_WORKERS; i++)
		if (gen.seats[i].pid != 0)
			return true;
	return false;
}

static void
kill_all(void)
{
	for (int i = 0; i < BOARD_WORKERS; i++)
		if (gen.seats[i].pid != 0)
			kill(gen.seats[i].pid, SIGKILL);
}

static void
take_order(void *arg, enum order order, struct span body)
{
	uint32_t ms;

	(void)arg;
	if (order != ORDER_STOP || !orders_get_number(&body, &ms))
		return;
	gen.stopping = true;
	gen.stop_limit_us = ms * INT64_C(1000);
	retire_all();
}

/* Written to by SIGCHLD, so that a death ends the wait. */
static int wake[2];

static void
on_child(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	if (write(wake[1], "", 1) == -1)
		saved = errno;
	errno = saved;
}

static void
wait_a_tick(struct buf *in)
{
	struct pollfd p[2] = { { .fd = gen.settings.channel, .events = POLLIN },
		{ .fd = wake[0], .events = POLLIN } };
	char drained[64];

	if (poll(p, 2, TICK_MS) <= 0)
		return;
	if (p[1].revents != 0 && read(wake[0], drained, sizeof(drained)) == -1)
		log_debug("nothing to read after a wake-up");
	if (p[0].revents != 0 &&
	    !orders_read(gen.settings.channel, in, take_order, NULL)) {
		kill_all(); /* the master is gone */
		_exit(70);
	}
}

static void
supervise(void)
{
	struct buf in = { 0 };

	while (!gen.stopping || any_worker()) {
		wait_a_tick(&in);
		reap();
		count_overruns();
		watch_retiring();
		watch_beats();
		if (!gen.stopping)
			start_others();
	}
	_exit(0);
}

void
generation_run(const struct generation_settings *settings)
{
	struct buf plan = { 0 };
	char title[32];

	snprintf(title, sizeof(title), "gen %u", settings->number);
	prctl(PR_SET_NAME, title);
	gen.settings = *settings;
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) == -1)
		fail("no pipe");
	signal(SIGCHLD, on_child);
	signal(SIGTERM, SIG_IGN); /* the master says when */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prepare();
	gen.wanted = generation_workers(gen.setup.config->globals.workers);
	make_plan(&plan);
	start_first();
	orders_send(
	    settings->channel, ORDER_READY, (struct span){ plan.p, plan.n });
	buf_finish(&plan);
	supervise();
	abort();
}

unsigned
generation_workers(int64_t configured)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (configured <= 0)
		configured = cpus < 2 ? 2 : cpus;
	return configured > WORKERS_MAX ? WORKERS_MAX : (unsigned)configured;
}
