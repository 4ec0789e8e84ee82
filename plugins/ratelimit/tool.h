/* SPDX-License-Identifier: Apache-2.0 */
/* millrace limits top, show, set, ...: see millrace-ratelimit(5). */
#ifndef RATELIMIT_TOOL_H
#define RATELIMIT_TOOL_H

#include <millrace/plugin.h>

extern const struct mr_command tool_commands[];

#endif
