/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_RENDER_STEPS_H
#define COMMAND_RENDER_STEPS_H

#include "command/render.h"

/*
 * The steps of a record: one line a stage and instance, with how often it
 * was asked, what it said and found, and how long it took.
 */
void render_steps(struct buf *, const cJSON *record);

#endif
