/* SPDX-License-Identifier: Apache-2.0 */
/* The one place for each way of making foreign bytes harmless. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/buf.h"
#include "base/span.h"

/* For a log line: control bytes, backslash and bad UTF-8 as \xNN. */
void escape_log(struct buf *, struct span);
/* A key=value value: as it is if plain, else in double quotes, escaped. */
void escape_logfmt(struct buf *, struct span);
/* Text that a person reads: controls are blanks, bad UTF-8 is U+FFFD. */
void escape_text(struct buf *, struct span);
/* A JSON string with its quotes; bad UTF-8 becomes U+FFFD. */
void escape_json(struct buf *, struct span);

#endif
