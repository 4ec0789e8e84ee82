/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command of a plugin runs in: services and memory as a callback has
 * them, but no session and no message.
 */
#ifndef CORE_TOOL_H
#define CORE_TOOL_H

#include "core/session.h"

struct tool;

/* Opens no instance.  plugin is one of settings->plugins. */
struct tool *tool_create(
    const struct core_settings *, const struct mr_plugin *plugin);
void tool_destroy(struct tool **);

/* For mr_tool.ctx; lives as long as the tool. */
struct mr_ctx *tool_ctx(struct tool *);

/*
 * A message as at eom: begun, its fields in order, then its body (borrowed
 * until the end); tool_ctx() is its context from then on.
 */
void tool_message_begin(struct tool *);
void tool_message_field(struct tool *, const char *name, const char *value);
void tool_message_body(struct tool *, struct span body);
void tool_message_end(struct tool *);

#endif
