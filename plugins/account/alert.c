/* SPDX-License-Identifier: Apache-2.0 */
#include "alert.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <millrace/thread.h>

struct job {
	struct job *next;
	char text[];
};

struct alert {
	const struct mr_host *host;
	char **argv;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t wake;
	struct job *first, **end;
	unsigned waiting;
	bool ends;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Standard input is a socket, so that a command that does not read cannot
 * kill us with SIGPIPE.
 */
static bool
start(char *const argv[], int input, int output, pid_t *pid)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
		      "/usr/bin:/sbin:/bin";
	char lang[] = "LANG=C.UTF-8";
	char *const environment[] = { path, lang, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	bool ok;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&how);
	ok = posix_spawn_file_actions_adddup2(&files, input, 0) == 0 &&
	     (output >= 0 ? posix_spawn_file_actions_adddup2(&files, output, 1)
			  : posix_spawn_file_actions_addopen(
				&files, 1, "/dev/null", O_WRONLY, 0)) == 0 &&
	     posix_spawn_file_actions_addopen(
		 &files, 2, "/dev/null", O_WRONLY, 0) == 0 &&
	     posix_spawn_file_actions_addclosefrom_np(&files, 3) == 0 &&
	     posix_spawnattr_setsigmask(&how, &none) == 0 &&
	     posix_spawnattr_setsigdefault(&how, &all) == 0 &&
	     posix_spawnattr_setflags(
		 &how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
	     posix_spawn(pid, argv[0], &files, &how, argv, environment) == 0;
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return ok;
}

/* False: it has not read all in time, or does not want to. */
static bool
feed(int to, const char *text, int64_t until)
{
	size_t left = strlen(text);

	while (left > 0) {
		struct pollfd p = { .fd = to, .events = POLLOUT };
		int64_t wait = until - now_ms();
		ssize_t n;

		if (wait <= 0 || poll(&p, 1, (int)wait) <= 0)
			return false;
		n = send(to, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return true;
}

/* The end of the child, or its end made. */
static int
wait_for(pid_t pid, int64_t until)
{
	int handle = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = handle, .events = POLLIN };
	int64_t left = until - now_ms();
	int status;

	if (handle == -1 || left <= 0 || poll(&p, 1, (int)left) <= 0)
		kill(pid, SIGKILL);
	if (handle != -1)
		close(handle);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
alert_run(char *const argv[], const char *input, int output)
{
	int64_t until = now_ms() + ALERT_SECONDS * INT64_C(1000);
	int ends[2], status = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	if (start(argv, ends[1], output, &pid)) {
		close(ends[1]);
		feed(ends[0], input, until);
		shutdown(ends[0], SHUT_WR);
		status = wait_for(pid, until);
	} else {
		close(ends[1]);
	}
	close(ends[0]);
	return status;
}

static struct job *
next_job(struct alert *a)
{
	struct job *job;

	pthread_mutex_lock(&a->lock);
	while (a->first == NULL && !a->ends)
		pthread_cond_wait(&a->wake, &a->lock);
	job = a->first;
	if (job != NULL) {
		a->first = job->next;
		a->waiting--;
		if (a->first == NULL)
			a->end = &a->first;
	}
	pthread_mutex_unlock(&a->lock);
	return job;
}

static void *
work(void *arg)
{
	struct alert *a = arg;
	struct job *job;
	char line[300];
	int status;

	while ((job = next_job(a)) != NULL) {
		status = alert_run(a->argv, job->text, -1);
		if (status != 0) {
			snprintf(line, sizeof(line),
			    "the alert command %.200s failed with status %d",
			    a->argv[0], status);
			a->host->log(a->host, NULL, MR_LOG_WARN, line);
		}
		free(job);
	}
	return NULL;
}

struct alert *
alert_create(const struct mr_host *host, const struct mr_list *argv)
{
	struct alert *a = calloc(1, sizeof(*a));

	if (a == NULL ||
	    (a->argv = calloc(argv->count + 1, sizeof(*a->argv))) == NULL) {
		free(a);
		return NULL;
	}
	for (uint32_t i = 0; i < argv->count; i++)
		a->argv[i] = (char *)(uintptr_t)argv->items[i];
	a->host = host;
	a->end = &a->first;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	if (mr_thread_start(&a->thread, work, a))
		return a;
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a->argv);
	free(a);
	return NULL;
}

void
alert_destroy(struct alert **alert)
{
	struct alert *a = *alert;

	*alert = NULL;
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->ends = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a->argv);
	free(a);
}

bool
alert_send(struct alert *a, const char *text)
{
	size_t n = strlen(text) + 1;
	struct job *job = malloc(sizeof(*job) + n);
	bool full;

	if (job == NULL)
		return false;
	job->next = NULL;
	memcpy(job->text, text, n);
	pthread_mutex_lock(&a->lock);
	full = a->waiting == ALERT_WAITING_MOST;
	if (!full) {
		*a->end = job;
		a->end = &job->next;
		a->waiting++;
		pthread_cond_signal(&a->wake);
	}
	pthread_mutex_unlock(&a->lock);
	if (full) {
		free(job);
		a->host->log(a->host, NULL, MR_LOG_WARN,
		    "1000 alerts wait for their command; one is lost");
	}
	return !full;
}
