/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_RENDER_EDITS_H
#define COMMAND_RENDER_EDITS_H

#include "command/render.h"

/* The edits of a record, as a diff of the message. */
void render_edits(struct buf *, const cJSON *record);

#endif
