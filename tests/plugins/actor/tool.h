/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_H
#define TOOL_H

#include <millrace/plugin.h>

/* "millrace act ..." */
extern const struct mr_command tool_commands[];

#endif
