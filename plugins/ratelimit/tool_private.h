/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: the instances they are about, and complaints. */
#ifndef RATELIMIT_TOOL_PRIVATE_H
#define RATELIMIT_TOOL_PRIVATE_H

#include "tool.h"
#include "view.h"

enum { DONE = 0, REFUSED = 1, USAGE = 2, LATER = 75, TOP_ROWS = 20 };

/* The instances that a command is about. */
struct group {
	const struct mr_tool *tool;
	const char *only; /* --instance */
	struct ratelimit *items;
	const char **names;
	uint32_t count;
};

/* Returns the status. */
int32_t tool_complain(int32_t status, const char *what, const char *detail);
int32_t tool_store_is_down(void);

/* Words without the option, and open instances; the status if not DONE. */
int32_t tool_open(
    struct group *, const struct mr_tool *, int32_t *argc, char **argv);
void tool_close(struct group *);

/* tool_change.c */
int32_t tool_set(const struct mr_tool *, int32_t argc, char **argv);
int32_t tool_block(const struct mr_tool *, int32_t argc, char **argv);
int32_t tool_unblock(const struct mr_tool *, int32_t argc, char **argv);
int32_t tool_reset(const struct mr_tool *, int32_t argc, char **argv);

#endif
