/* SPDX-License-Identifier: Apache-2.0 */
#include "process/children.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "process/frontend.h"
#include "process/generation.h"
#include "process/journal.h"
#include "process/logging.h"
#include "process/privileges.h"

/* The terminal's signals are for the master alone. */
static void
settle(const struct children_context *c)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	c->close_others();
	journal_use(c->journal);
	logging_set_background(c->background);
	/* Or who started us would wait for the end of our stderr. */
	if (c->background && freopen("/dev/null", "w", stderr) == NULL)
		log_warn("/dev/null: %m");
}

/* Fork with a channel: true in the child. */
static bool
fork_child(struct child *child, int *theirs, const char *what)
{
	int ends[2];

	*child = (struct child){ .channel = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
		log_error("no socket for %s: %m", what);
		return false;
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(ends[0]);
		*theirs = ends[1];
		return true;
	}
	close(ends[1]);
	child->channel = ends[0];
	if (child->pid == -1) {
		log_error("%s cannot be started: %m", what);
		close(ends[0]);
		*child = (struct child){ .channel = -1 };
	}
	return false;
}

struct child
children_generation(const struct children_context *c, const char *config_path,
    uint32_t number, struct generation_board *board)
{
	struct generation_settings s = {
		.config_path = config_path, .number = number, .board = board
	};
	struct child child;
	char part[32];

	if (fork_child(&child, &s.channel, "a generation")) {
		settle(c);
		snprintf(part, sizeof(part), "generation %u", number);
		logging_open(part, NULL);
		generation_run(&s);
	}
	return child;
}

struct child
children_front(const struct children_context *c, const struct plan_listener *l,
    int listening, struct front_board *board, struct span plan,
    uint32_t generation)
{
	struct frontend_settings s = { .name = l->name,
		.socket = l->socket,
		.board = board,
		.plan = plan,
		.generation = generation };
	struct child child;

	if (fork_child(&child, &s.channel, "a front")) {
		/* Its own copy: the master's are all closed. */
		s.listening = dup(listening);
		settle(c);
		frontend_run(&s);
	}
	return child;
}

struct child
children_journal(const struct children_context *c,
    const struct config_globals *g, int receiving)
{
	struct journal_settings s = { .path = g->journal,
		.days = g->journal_days };
	struct child child = { .pid = fork(), .channel = -1 };
	struct privileges p;
	char *why = NULL;

	if (child.pid == -1)
		log_error("the journal cannot be started: %m");
	if (child.pid != 0)
		return child;
	s.sock = dup(receiving);
	settle(c);
	close(c->journal); /* or it would wait for itself */
	prctl(PR_SET_NAME, "journal");
	logging_open("journal", g);
	if (!privileges_find(g, &p, &why) || !privileges_drop(&p, &why)) {
		log_error("%s", why);
		_exit(77);
	}
	journal_run(&s);
	_exit(0);
}

void
child_kill(const struct child *c)
{
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

void
child_forget(struct child *c)
{
	if (c->channel != -1)
		close(c->channel);
	buf_finish(&c->in);
	*c = (struct child){ .channel = -1 };
}
