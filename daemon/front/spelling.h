/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as libmilter, and the MTA behind it, wants them spelled. */
#ifndef FRONT_SPELLING_H
#define FRONT_SPELLING_H

#include <stdbool.h>

#include "core/reply.h"

/*
 * The lines of a reply, NULL after the last, without what is over a limit.
 * libmilter reads each as a format of its own, so every % is doubled.  The
 * caller frees what is returned, in which they lie.
 */
char *spelling_reply(const char *text, char *lines[REPLY_LINES]);

/*
 * The value of a header field.  With leading spaces kept (SMFIP_HDR_LEADSPC)
 * the blank after the colon is ours to write, else the MTA's: a value that
 * brings blanks of its own means all of them.  The caller frees it.
 */
char *spelling_value(const char *value, bool leading_space);

#endif
