/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write JSON into a buffer.  Commas are set by the functions; keys are
 * written as they are, values are escaped.  A key is NULL inside an array.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

void json_open(struct buf *, const char *key, char bracket); /* '{' or '[' */
void json_close(struct buf *, char bracket);                 /* '}' or ']' */
void json_text(struct buf *, const char *key, const char *); /* NULL: null */
void json_int(struct buf *, const char *key, int64_t);
void json_real(struct buf *, const char *key, double); /* 3 decimals */
void json_bool(struct buf *, const char *key, bool);

#endif
