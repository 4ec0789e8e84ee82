/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read, made of JSON documents.  Every byte that came from
 * outside is escaped: it cannot move a terminal's cursor.
 */
#ifndef COMMAND_RENDER_H
#define COMMAND_RENDER_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"

/*
 * A whole record, as record_json writes it.  An edit may also have "old",
 * the value that it takes the place of.
 */
void render_record(struct buf *, const cJSON *record);

/* JSON again, safe for a terminal, with its newline. */
void render_json(struct buf *, const cJSON *);

/* NULL if the member is missing or no text. */
const char *render_text(const cJSON *object, const char *key);
double render_number(const cJSON *object, const char *key); /* 0: missing */
bool render_true(const cJSON *object, const char *key);

/* Escaped text; NULL is "-". */
void render_put(struct buf *, const char *);
/* The same, then blanks up to width columns, and one more. */
void render_cell(struct buf *, const char *, int width);

/* To stdout, and freed. */
void render_out(struct buf *);

#endif
