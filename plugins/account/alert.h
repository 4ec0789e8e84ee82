/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the operator's command with a text on its standard input, in a thread
 * of its own: mail never waits for it.  No shell, a clean environment.
 */
#ifndef ACCOUNT_ALERT_H
#define ACCOUNT_ALERT_H

#include <stdbool.h>

#include <millrace/plugin.h>

enum { ALERT_WAITING_MOST = 1000, ALERT_SECONDS = 10 };

struct alert;

/* argv is borrowed, its first word a path.  NULL: no memory or thread. */
struct alert *alert_create(const struct mr_host *, const struct mr_list *argv);
/* What waits is still run if it is quick; joins the thread. */
void alert_destroy(struct alert **);

/* [any] The text is copied.  False, and logged, if too many wait. */
bool alert_send(struct alert *, const char *text);

/*
 * Run a program with input and wait for it, at most ALERT_SECONDS; its exit
 * status, or -1.  output: where its standard output goes, -1 for nowhere.
 */
int alert_run(char *const argv[], const char *input, int output);

#endif
