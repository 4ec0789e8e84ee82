/* SPDX-License-Identifier: Apache-2.0 */
#include "process/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/journal.h"
#include "process/logging.h"
#include "process/master_private.h"
#include "process/socket.h"

enum {
	TICK_MS = 1000,
	BUSY_TICK_MS = 50,
	JOURNAL_END_MS = 5000,
	EXIT_CONFIG = 78,
};

struct master master;

static void
close_mine(void)
{
	close(master.signals);
	/* libmilter's own socket is found by being the only one. */
	for (int i = 0; i < master.inherited; i++)
		close(SD_LISTEN_FDS_START + i);
	if (master.journal_ends[1] != -1)
		close(master.journal_ends[1]);
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		if (master.generations[i].child.channel != -1)
			close(master.generations[i].child.channel);
	for (int i = 0; i < BOARD_FRONTS; i++) {
		if (master.fronts[i].child.channel != -1)
			close(master.fronts[i].child.channel);
		if (master.fronts[i].listening != -1)
			close(master.fronts[i].listening);
	}
	if (master.control.path == NULL)
		return;
	close(master.control.listening);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (master.control.clients[i].sock != -1)
			close(master.control.clients[i].sock);
}

struct children_context
master_context(void)
{
	return (struct children_context){ .close_others = close_mine,
		.journal = master.journal_ends[0],
		.background = master.background };
}

static void
log_lines(const char *text)
{
	struct span left = span_of(text);

	while (left.n > 0) {
		struct span line = span_cut(&left, '\n');

		log_error("%.*s", (int)line.n, line.p);
	}
}

/* The start or the reload fails: nothing changes. */
static void
refuse(struct generation_child *g, const char *why)
{
	log_lines(why);
	child_kill(&g->child);
	g->state = GEN_ENDS;
	if (master.phase == PHASE_STARTS) {
		master.exit_status = EXIT_CONFIG;
		master.phase = PHASE_GENERATIONS_END;
		return;
	}
	log_error("the configuration is not changed: generation %u stays in "
		  "force",
	    master.current);
	requests_answer_reload(why);
	sd_notify(0, "READY=1");
}

void
master_reload(void)
{
	struct children_context c = master_context();
	struct generation_child *g = generations_in(GEN_NONE);

	if (generations_in(GEN_STARTS) != NULL) {
		master.reload_again = true;
		return;
	}
	if (g == NULL) {
		requests_answer_reload(
		    "too many generations are still in use: try "
		    "again when their sessions have ended");
		return;
	}
	if (master.phase == PHASE_RUNS)
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		    (long long)clock_steady_us());
	g->number = ++master.next;
	g->board = board_create_generation(g->number);
	g->state = GEN_STARTS;
	g->child = children_generation(
	    &c, master.settings.config_path, g->number, g->board);
}

/* What is bound to running processes cannot change under them. */
static bool
is_fixed(const struct plan *plan, char **why)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{ "user", offsetof(struct config_globals, user) },
		{ "group", offsetof(struct config_globals, group) },
		{ "run-dir", offsetof(struct config_globals, run_dir) },
		{ "pid-file", offsetof(struct config_globals, pid_file) },
		{ "control-group",
		    offsetof(struct config_globals, control_group) },
		{ "journal", offsetof(struct config_globals, journal) },
	};

	for (size_t i = 0;
	     master.plan != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *old =
		    *(const char **)(void *)((char *)&master.plan->globals +
					     rows[i].offset);
		const char *new = *(const char *const *)(const void
			*)((const char *)&plan->globals + rows[i].offset);

		if ((old == NULL) == (new == NULL) &&
		    (old == NULL || strcmp(old, new) == 0))
			continue;
		*why = memory_printf("%s cannot be changed by a reload: "
				     "restart millraced",
		    rows[i].name);
		return false;
	}
	return true;
}

static void
start_journal(void)
{
	struct children_context c = master_context();

	if (master.plan->globals.journal != NULL)
		master.journal = children_journal(
		    &c, &master.plan->globals, master.journal_ends[1]);
}

static void
write_pid_file(void)
{
	const char *path = master.plan->globals.pid_file;
	FILE *f;

	if (path == NULL)
		return;
	if ((f = fopen(path, "we")) == NULL) {
		log_error("%s: %m", path);
		return;
	}
	fprintf(f, "%d\n", (int)getpid());
	fclose(f);
}

/* Tell who waits for the start that it went well. */
static void
report_ready(void)
{
	if (master.settings.ready == -1)
		return;
	if (write(master.settings.ready, "+", 1) == -1)
		log_warn("nobody waits for the start: %m");
	close(master.settings.ready);
	master.settings.ready = -1;
	/* From here on nobody reads our stderr. */
	logging_set_background(true);
	logging_open("master", &master.plan->globals);
	if (freopen("/dev/null", "w", stderr) == NULL)
		log_warn("/dev/null: %m");
}

/* The generation works: bring its plan into force, whole or not at all. */
static void
adopt(struct generation_child *g, struct span bytes)
{
	struct generation_child *old = generations_in(GEN_CURRENT);
	struct plan *plan = plan_decode(bytes), *before = master.plan;
	int opened[BOARD_FRONTS];
	char *why = NULL;

	if (plan == NULL || plan->nlisteners > BOARD_FRONTS)
		why = memory_copy("more listeners than this daemon can have");
	else if (is_fixed(plan, &why) && master.phase == PHASE_STARTS)
		control_open(&master.control, plan->globals.run_dir,
		    plan->globals.control_group, &why);
	if (why != NULL || !fronts_open(plan, opened, &why)) {
		refuse(g, why);
		free(why);
		plan_destroy(&plan);
		return;
	}
	master.plan = plan;
	buf_cut(&master.plan_bytes, 0);
	buf_put(&master.plan_bytes, bytes.p, bytes.n);
	master.current = g->number;
	g->state = GEN_CURRENT;
	if (old != NULL)
		old->state = GEN_RETIRES;
	logging_open("master", &plan->globals);
	if (master.phase == PHASE_STARTS) {
		write_pid_file();
		start_journal();
	}
	fronts_arrange(opened);
	plan_destroy(&before);
	master.phase = PHASE_RUNS;
	master.announced = false;
}

/* When every front works with the plan, and not before, it is in force. */
static void
announce(void)
{
	if (master.phase != PHASE_RUNS || master.announced ||
	    !fronts_all_taken())
		return;
	master.announced = true;
	log_info("generation %u is in force: listeners: %zu, process: %d",
	    master.current, master.plan->nlisteners, (int)getpid());
	report_ready();
	requests_answer_reload(NULL);
	sd_notify(0, "READY=1");
}

static void
take_generation_order(void *arg, enum order order, struct span body)
{
	struct generation_child *g = arg;
	char *text;

	if (g->state != GEN_STARTS || master.phase > PHASE_RUNS)
		return; /* too late: we are stopping */
	if (order == ORDER_READY) {
		adopt(g, body);
	} else if (order == ORDER_FAILED) {
		text = memory_printf("%.*s", (int)body.n, body.p);
		refuse(g, text);
		free(text);
	}
	if (master.reload_again && master.phase == PHASE_RUNS) {
		master.reload_again = false;
		master_reload();
	}
}

/* The end of a process that should have lived. */
static void
generation_died(struct generation_child *g, int status)
{
	enum generation_state state;
	char what[128];

	g->child.pid = 0; /* another's from now on */
	/* Its last word may still lie in the channel. */
	if (g->state == GEN_STARTS && g->child.channel != -1)
		orders_read(
		    g->child.channel, &g->child.in, take_generation_order, g);
	state = g->state;
	board_describe_status(status, what);
	child_forget(&g->child);
	board_destroy_generation(&g->board);
	g->state = GEN_NONE;
	if (state == GEN_STARTS) {
		struct generation_child gone = { .child = { .channel = -1 } };
		char *why = memory_printf(
		    "a plugin fails while it is loaded: %s", what);

		refuse(&gone, why);
		free(why);
	} else if (state == GEN_CURRENT && master.phase == PHASE_RUNS) {
		log_error("generation %u ended: %s; starting it again",
		    g->number, what);
		master_reload();
	}
}

static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < BOARD_GENERATIONS; i++)
			if (master.generations[i].child.pid == pid)
				generation_died(&master.generations[i], status);
		for (int i = 0; i < BOARD_FRONTS; i++)
			if (master.fronts[i].child.pid == pid)
				fronts_died(&master.fronts[i], status);
		if (master.journal.pid != pid)
			continue;
		child_forget(&master.journal);
		if (master.phase == PHASE_RUNS) {
			log_error("the journal ended; starting it again");
			start_journal();
		}
	}
}

static void
begin_stop(void)
{
	log_info("stopping: no new message is begun, those under way have "
		 "%lld s",
	    (long long)(master.plan != NULL
			    ? master.plan->globals.stop_limit / 1000
			    : 0));
	sd_notify(0, "STOPPING=1");
	master.phase = PHASE_FRONTS_END;
	fronts_stop();
}

static void
stop_now(void)
{
	log_info("stopping now");
	master.phase = PHASE_GENERATIONS_END;
	for (int i = 0; i < BOARD_FRONTS; i++)
		child_kill(&master.fronts[i].child);
	for (int i = 0; i < BOARD_GENERATIONS; i++) {
		child_kill(&master.generations[i].child);
		if (master.generations[i].state != GEN_NONE)
			master.generations[i].state = GEN_ENDS;
	}
}

static void
take_signal(void)
{
	struct signalfd_siginfo s;

	if (read(master.signals, &s, sizeof(s)) != sizeof(s))
		return;
	switch (s.ssi_signo) {
	case SIGHUP:
		if (master.phase == PHASE_RUNS)
			master_reload();
		break;
	case SIGTERM:
		if (master.phase == PHASE_RUNS)
			begin_stop();
		else
			stop_now();
		break;
	case SIGINT:
		stop_now();
		break;
	default:
		break;
	}
	reap();
}

static void
advance(void)
{
	announce();
	generations_end_unused();
	if (master.phase == PHASE_FRONTS_END && fronts_all_ended()) {
		master.phase = PHASE_GENERATIONS_END;
		for (int i = 0; i < BOARD_GENERATIONS; i++)
			if (master.generations[i].child.pid > 0)
				generations_end(&master.generations[i]);
	}
}

static void
ping_watchdog(void)
{
	int64_t now = clock_steady_us();

	if (master.watchdog_every_us == 0 ||
	    now - master.watchdog_us < master.watchdog_every_us)
		return;
	master.watchdog_us = now;
	sd_notify(0, "WATCHDOG=1");
}

static int
tick_ms(void)
{
	int64_t watchdog_ms = master.watchdog_every_us / 2000;

	if (master.phase != PHASE_RUNS || generations_in(GEN_RETIRES) != NULL ||
	    generations_in(GEN_STARTS) != NULL)
		return BUSY_TICK_MS;
	return watchdog_ms > 0 && watchdog_ms < TICK_MS ? (int)watchdog_ms
							: TICK_MS;
}

enum { POLLED = 1 + BOARD_GENERATIONS + BOARD_FRONTS + 1 + CONTROL_CLIENTS };

static void
wait_for_something(void)
{
	struct pollfd p[POLLED];
	int n = 0, control;

	p[n++] = (struct pollfd){ .fd = master.signals, .events = POLLIN };
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		p[n++] =
		    (struct pollfd){ .fd = master.generations[i].child.channel,
			    .events = POLLIN };
	for (int i = 0; i < BOARD_FRONTS; i++)
		p[n++] = (struct pollfd){ .fd = master.fronts[i].child.channel,
			.events = POLLIN };
	control = n;
	if (master.control.path != NULL)
		n += control_poll(&master.control, p + n);
	if (poll(p, (nfds_t)n, tick_ms()) <= 0)
		return;
	for (int i = 0; i < BOARD_GENERATIONS; i++) {
		struct generation_child *g = &master.generations[i];

		/* Its end is told by SIGCHLD; do not spin until then. */
		if (p[1 + i].revents != 0 &&
		    !orders_read(g->child.channel, &g->child.in,
			take_generation_order, g)) {
			close(g->child.channel);
			g->child.channel = -1;
		}
	}
	for (int i = 0; i < BOARD_FRONTS; i++) {
		struct front_child *f = &master.fronts[i];

		if (p[1 + BOARD_GENERATIONS + i].revents != 0 &&
		    !orders_read(
			f->child.channel, &f->child.in, fronts_take_order, f)) {
			close(f->child.channel);
			f->child.channel = -1;
		}
	}
	if (n > control)
		control_serve(&master.control, p + control, n - control);
	if (p[0].revents != 0)
		take_signal();
}

/* It ends when no sender is left: we are the last. */
static void
end_journal(void)
{
	close(master.journal_ends[0]);
	for (int ms = 0; master.journal.pid > 0 && ms < JOURNAL_END_MS;
	     ms += 10) {
		usleep(10 * 1000);
		reap();
	}
	child_kill(&master.journal);
}

static void
prepare(const struct master_settings *settings)
{
	struct front_board *boards = board_create_fronts();
	uint64_t watchdog = 0;
	sigset_t set;

	master.settings = *settings;
	master.background = settings->ready != -1;
	master.started_us = clock_steady_us();
	master.inherited = sd_listen_fds(0);
	if (sd_watchdog_enabled(0, &watchdog) > 0)
		master.watchdog_every_us = (int64_t)watchdog / 3;
	for (int i = 0; i < BOARD_GENERATIONS; i++)
		master.generations[i].child.channel = -1;
	for (int i = 0; i < BOARD_FRONTS; i++) {
		master.fronts[i].child.channel = master.fronts[i].listening =
		    -1;
		master.fronts[i].board = &boards[i];
	}
	master.journal.channel = -1;
	master.control.take = requests_take;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		master.journal_ends) == -1)
		master.journal_ends[0] = master.journal_ends[1] = -1;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	master.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
master_run(const struct master_settings *settings)
{
	prepare(settings);
	master_reload();
	while (
	    master.phase != PHASE_GENERATIONS_END || !generations_all_ended()) {
		wait_for_something();
		reap();
		advance();
		ping_watchdog();
	}
	if (master.plan != NULL && master.plan->globals.pid_file != NULL)
		unlink(master.plan->globals.pid_file);
	control_close(&master.control);
	end_journal();
	log_info("stopped");
	return master.exit_status;
}
