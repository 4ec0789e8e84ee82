/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DMARC_TOOL_H
#define DMARC_TOOL_H

#include <millrace/plugin.h>

#include "conf.h"
#include "lookup.h"

/* "millrace dmarc ..." */
extern const struct mr_command tool_commands[];

/* Exit statuses of millrace(1). */
enum { TOOL_OK = 0, TOOL_NOTHING = 1, TOOL_USAGE = 2, TOOL_LATER = 75 };

/* "millrace dmarc NAME: ..." on stderr; returns the status. */
int32_t tool_complain(int32_t status, const char *command, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* The configured instance that the commands are about; NULL: there is none. */
const struct dmarc_conf *tool_conf(const struct mr_tool *);

/* False: this daemon lacks a service. */
bool tool_lookup(struct mr_ctx *, struct lookup *);

/* Text of the DNS for a terminal: without controls. */
const char *tool_safe(const struct mr_tool *, const char *);

/* The commands, in files of their own. */
int32_t tool_report(const struct mr_tool *, int32_t argc, char **argv);
int32_t tool_check(const struct mr_tool *, int32_t argc, char **argv);

#endif
