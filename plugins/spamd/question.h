/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What spamd is told before the message: the request, and the trace that the
 * mail server will put on top of it later, which SpamAssassin reads client,
 * HELO and envelope sender from.  Asks the host, no one else.
 */
#ifndef SPAMD_QUESTION_H
#define SPAMD_QUESTION_H

#include <time.h>

#include <millrace/plugin.h>

enum { QUESTION_TRACE = 4096 };

/*
 * Return-Path and Received (RFC 5321, 4.4), with CRLF; the client's own words
 * end no line and close no bracket.
 */
size_t question_trace(struct mr_ctx *, time_t now, char out[QUESTION_TRACE]);

/*
 * user: as configured, or NULL; "{recipient}" is the recipient of a message
 * that has one.  Memory of the message.
 */
const char *question_head(
    struct mr_ctx *, const char *user, size_t message_size, size_t *n);

#endif
