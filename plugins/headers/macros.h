/* SPDX-License-Identifier: Apache-2.0 */
/* What the names in a template stand for, in the message at hand. */
#ifndef HEADERS_MACROS_H
#define HEADERS_MACROS_H

#include <millrace/plugin.h>

/* A template_value; arg is the struct mr_ctx. */
const char *macros_value(void *ctx, const char *name);

/* Ask for what a template uses. */
void macros_plan(struct mr_plan *, const char *text);

#endif
