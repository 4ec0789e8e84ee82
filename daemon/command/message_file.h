/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message in a file (RFC 5322, lines ended by LF or CRLF), cut up as an
 * MTA would hand it over.  Opens no file.
 */
#ifndef COMMAND_MESSAGE_FILE_H
#define COMMAND_MESSAGE_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* Skip the "From " line of a mailbox file, if there is one. */
void message_file_begin(struct span *in);

/*
 * Cut the next header field off.  raw is all after the colon, with the line
 * ends of the file but the last.  False: there is none any more, and in is
 * the body; the empty line is skipped.  A line that is no field begins the
 * body, as MTAs have it.
 */
bool message_file_field(struct span *in, struct span *name, struct span *raw);

/* The value as a C string: lines apart by LF, no NUL. */
void message_file_value(struct buf *, struct span raw);

/* The body with each line ended by CRLF, the last one too. */
void message_file_body(struct buf *, struct span in);

#endif
